"""Figures of small histories, worked out by hand."""

from __future__ import annotations

import statistics

import pytest

from station.statistics.results import Share, Statistics
from station.statistics.run import Lap
from station.statistics.selection import Selection
from tests.statistics.runs import BEGIN, at, made, tallied, value


def counted(share: Share) -> tuple[int, int]:
    return share.hits, share.of


def yields(found: Statistics) -> tuple[tuple[int, int], tuple[int, int], int]:
    (one,) = found.yields
    return counted(one.first_pass), counted(one.final), one.not_judged


FIVE = (
    made("A", "W1", "FAIL", 1), made("A", "W1", "PASS", 2), made("B", "W2", "PASS", 1), made("C", "W3", "ABORTED", 1),
    made("C", "W3", "PASS", 2), made("D", "W4", "ERROR", 1), made("E", "W5", "FAIL", 1),
)  # fmt: skip


def test_first_pass_and_final_yield_of_five_devices() -> None:
    """A fails then passes, B passes, C is aborted then passes, D is only an ERROR, E fails: 2 of 4, then 3 of 4."""
    found = tallied(*FIVE)
    assert yields(found) == ((2, 4), (3, 4), 1)
    first = found.yields[0].first_pass
    assert (first.percent, first.low_percent, first.high_percent) == pytest.approx((50.0, 15.0, 85.0), abs=0.05)
    assert found.counts.not_judged_outgoing == 2 and found.counts.by_verdict["FAIL"] == 2


def test_a_serial_number_in_another_work_order_is_another_unit() -> None:
    found = tallied(made("A", "W1", "PASS", 1), made("A", "W2", "FAIL", 90), made("A", "W2", "PASS", 91))
    assert yields(found) == ((1, 2), (2, 2), 0)


def test_a_pass_after_a_pass_changes_nothing_and_a_fail_after_it_is_the_final_word() -> None:
    assert yields(tallied(made("A", "W1", "PASS", 1), made("A", "W1", "PASS", 2))) == ((1, 1), (1, 1), 0)
    assert yields(tallied(made("A", "W1", "PASS", 1), made("A", "W1", "FAIL", 2))) == ((1, 1), (0, 1), 0)


def test_a_test_in_two_plans_is_a_first_pass_where_both_passed_at_once() -> None:
    parts = made("A", "W1", "PASS", 1), made("A", "W1", "FAIL", 2, plan="soak"), made("A", "W1", "PASS", 3, plan="soak")
    assert yields(tallied(*parts)) == ((0, 1), (1, 1), 0)
    assert yields(tallied(*parts, selection=Selection(plan="outgoing"))) == ((1, 1), (1, 1), 0)
    assert yields(tallied(*parts, selection=Selection(plan="soak"))) == ((0, 1), (1, 1), 0)


def test_trials_and_checks_never_count() -> None:
    found = tallied(made("A", "W1", "FAIL", 1, "engineering"), made("G", None, "PASS", 1, "verify"), *FIVE)
    assert yields(found) == yields(tallied(*FIVE)) and found.counts.runs == 7


def test_a_unit_counts_on_the_day_of_its_first_judgement_whatever_days_are_asked_about() -> None:
    """The second of two runs is no first one because the first lies before the days in question."""
    late = Selection(since=at(1.5))
    assert yields(tallied(*FIVE, selection=late)) == ((1, 1), (1, 1), 0), "C's, and not A's repeat"
    assert yields(tallied(*FIVE, selection=Selection(until=at(1.5)))) == ((1, 3), (2, 3), 1), "C's was on the second"
    assert tallied(*FIVE, selection=late).counts.runs == 2


def test_an_aborted_run_after_a_failed_value_is_told_apart() -> None:
    failed = made("A", "W1", "ABORTED", 1, values=(value(40.0, 28.0, 30.0, verdict="FAIL"),))
    found = tallied(failed, made("B", "W2", "ABORTED", 1), made("C", "W3", "ERROR", 1, steps=(Lap("x", 1, "FAIL", 1),)))
    assert (found.counts.not_judged_outgoing, found.counts.not_judged_after_a_failed_value) == (3, 2)


def test_pareto_by_area_counts_units_by_their_strongest_finding() -> None:
    found = tallied(
        made("A", "W1", "FAIL", 1, "incoming", areas=("bias", "output-stage")),
        made("A", "W1", "FAIL", 2, "incoming", areas=("feedback",)),
        made("B", "W2", "FAIL", 1, "incoming", areas=("bias",)), made("C", "W3", "FAIL", 1, "incoming"),
        made("D", "W4", "FAIL", 1, "incoming", areas=("output-stage", "bias")),
        made("E", "W5", "PASS", 1, "incoming"), made("F", "W6", "ABORTED", 1, "incoming", areas=("earth",)),
    )  # fmt: skip
    rows = [(one.name, one.count, one.percent, one.cumulative_percent, one.units) for one in found.areas]
    assert rows == [("bias", 2, 50.0, 50.0, 3), ("(no finding)", 1, 25.0, 75.0, 1), ("output-stage", 1, 25.0, 100.0, 2)]
    assert (found.counts.found_faulty, found.counts.no_fault_found) == (4, 1)


def test_pareto_by_measurement_counts_fails_by_their_first_cause_and_the_units_that_met_it() -> None:
    found = tallied(
        made("A", "W1", "FAIL", 1, cause="thd_percent"), made("A", "W1", "FAIL", 2, cause="thd_percent"),
        made("B", "W2", "FAIL", 1, cause="thd_percent"), made("C", "W3", "FAIL", 1, cause="snr_db"),
        made("D", "W4", "ERROR", 1, cause="hum_mv"), made("E", "W5", "FAIL", 1, "incoming", cause="gain_db"),
        made("F", "W6", "FAIL", 1), made("G", "W7", "PASS", 1),
    )  # fmt: skip
    rows = [(one.purpose, one.name, one.count, one.cumulative_percent, one.units) for one in found.causes]
    assert rows == [
        ("incoming", "gain_db", 1, 100.0, 1), ("outgoing", "thd_percent", 3, 60.0, 2),
        ("outgoing", "(no cause on record)", 1, 80.0, 1), ("outgoing", "snr_db", 1, 100.0, 1),
    ]  # fmt: skip


def test_ppk_is_of_the_first_value_of_each_unit() -> None:
    """9, 10, 11 within 7 to 13: mean 10, s 1, Ppk 1; what the repeats gave after them does not count."""
    runs = [
        made("A", "W1", "FAIL", 1, values=(value(9.0, 7.0, 13.0),)),
        made("A", "W1", "PASS", 2, values=(value(10.0, 7.0, 13.0),)),
        made("B", "W2", "PASS", 1, values=(value(10.0, 7.0, 13.0),)),
        made("C", "W3", "ABORTED", 1, values=(value(None, 7.0, 13.0, verdict="SKIPPED"),)),
        made("C", "W3", "PASS", 2, values=(value(11.0, 7.0, 13.0),)),
    ]
    (one,) = tallied(*runs).capabilities
    assert (one.n, one.mean, one.deviation, one.ppk) == (3, 10.0, 1.0, pytest.approx(1.0))
    assert (one.few, one.no_value, one.outside, one.least, one.greatest) == (True, 1, 0, 9.0, 11.0)
    assert one.ppk_low == pytest.approx(1.0 - 1.95996 * (1 / 27 + 1 / 4) ** 0.5, abs=1e-5)


def test_what_is_only_a_bound_is_counted_and_left_out_and_no_repeat_takes_its_place() -> None:
    runs = [made(f"D{n}", f"W{n}", "PASS", n, values=(value(float(n), 0.0, None),)) for n in range(1, 4)]
    runs += [made("E", "W9", "PASS", 1, values=(value(100.0, 0.0, None, bound="above"),)),
             made("E", "W9", "PASS", 2, values=(value(50.0, 0.0, None),))]  # fmt: skip
    (one,) = tallied(*runs).capabilities
    assert (one.n, one.bounds, one.mean, one.high) == (3, 1, 2.0, None)
    assert one.ppk == pytest.approx(2.0 / 3.0), "one limit alone: 2 / (3 x 1)"


def test_values_under_other_limits_are_another_row_and_those_without_a_choice_are_none() -> None:
    runs = [
        made("A", "W1", "PASS", 1, values=(
            value(1.0, None, 2.0), value(1.0, None, 2.0, channel="left"), value(1.0, 1.0, 1.0, name="sound_ok"),
            value(0.0, None, 0.0, name="dropouts"), value(5.0, name="hum_mv"), value(1.0, None, 2.0, verdict="ERROR",
                                                                                   name="snr_db"))),
        made("B", "W2", "PASS", 1, values=(value(1.5, None, 3.0),)),
    ]  # fmt: skip
    found = tallied(*runs)
    assert sorted((one.measurement, one.channel or "", one.high, one.n) for one in found.capabilities) == [
        ("gain_db", "", 2.0, 1), ("gain_db", "", 3.0, 1), ("gain_db", "left", 2.0, 1),
    ]  # fmt: skip
    assert (found.counts.values_with_one_allowed, found.counts.values_without_limits) == (2, 1)


def test_limits_that_follow_each_device_are_one_row_in_percent() -> None:
    """10 % around what the device read elsewhere, as a product asks of its mains power: no two units have one pair."""
    off = {1: -2.0, 2: 0.0, 3: 2.0, 4: 4.0, 5: 11.0}
    runs = [
        made(f"D{n}", f"W{n}", "PASS", n, values=(
            value(read * (1 + percent / 100), float(f"{0.9 * read:.6g}"), float(f"{1.1 * read:.6g}")),
        )) for n, percent in off.items() for read in (300.0 + n / 7.0,)
    ]  # fmt: skip
    (one,) = tallied(*runs).capabilities
    assert (one.relative, one.unit, one.low, one.high, one.n, one.outside) == (True, "%", -10.0, 10.0, 5, 1)
    mean, deviation = statistics.fmean(off.values()), statistics.stdev(off.values())
    assert (one.mean, one.deviation) == (pytest.approx(mean, abs=1e-3), pytest.approx(deviation, abs=1e-3))
    assert (one.least, one.greatest) == (pytest.approx(-2.0, abs=1e-3), pytest.approx(11.0, abs=1e-3))
    assert one.ppk == pytest.approx((10.0 - mean) / (3 * deviation), abs=1e-3)
    assert tallied(*reversed(runs)).capabilities[0].ppk == pytest.approx(one.ppk)
    two = tallied(*runs[:2]).capabilities
    assert [(row.relative, row.n) for row in two] == [(False, 1), (False, 1)], "two pairs may be a changed limit"


def test_what_is_always_beyond_its_limit_stands_first_though_it_has_no_index() -> None:
    stuck = value(9.0, None, 0.5, verdict="FAIL", name="stuck_v")
    runs = [made(f"D{n}", f"W{n}", "FAIL", n, values=(stuck, value(float(n), None, 50.0))) for n in range(9)]
    assert [one.measurement for one in tallied(*runs).capabilities] == ["stuck_v", "gain_db"]


def test_values_without_scatter_have_no_index() -> None:
    runs = [made(f"D{n}", f"W{n}", "PASS", n, values=(value(0.1, None, 0.5),)) for n in range(30)]
    (one,) = tallied(*runs).capabilities
    assert (one.n, one.deviation, one.ppk, one.few) == (30, 0.0, None, False)


def test_a_return_within_30_days_of_a_pass_in_another_work_order_is_a_rework() -> None:
    found = tallied(
        made("A", "W1", "PASS", 0), made("A", "W2", "FAIL", 30, "incoming", rework=True), made("A", "W2", "PASS", 31),
        made("B", "W3", "PASS", 0), made("B", "W4", "FAIL", 30.1, "incoming"),
        made("C", "W5", "PASS", 0), made("C", "W5", "PASS", 3), made("D", "W6", "FAIL", 0),
        made("D", "W7", "PASS", 2), made("E", None, "PASS", 0), made("E", None, "FAIL", 2),
        made("F", "W8", "PASS", 0, product="b-200"), made("F", "W9", "FAIL", 3, "adjust", product="b-200"),
    )  # fmt: skip
    a, b = found.rework
    assert (a.name, counted(a.returned), a.same_fault) == ("a-100", (1, 5), 1), "A's first; 30.1 days are too many"
    assert (b.name, counted(b.returned)) == ("b-200", (0, 1)), "an adjustment is no return"
    assert found.counts.without_work_order == 2


def test_a_work_order_that_ended_in_a_fail_is_no_repair_whatever_passed_before() -> None:
    """The bench part passed and the soak did not: the device never left, and coming again is no return."""
    found = tallied(made("A", "W1", "PASS", 0), made("A", "W1", "FAIL", 1, plan="soak"), made("A", "W2", "PASS", 9),
                    made("B", "W3", "PASS", 0), made("B", "W3", "ERROR", 1))  # fmt: skip
    assert [counted(one.returned) for one in found.rework] == [(0, 2)], "an ERROR says nothing"


def test_a_work_order_that_was_open_before_the_pass_is_no_return() -> None:
    found = tallied(made("A", "W2", "FAIL", 0, "incoming"), made("A", "W1", "PASS", 1), made("A", "W2", "PASS", 2))
    assert [counted(one.returned) for one in found.rework] == [(0, 2)]


def test_a_serial_number_that_stands_for_thousands_of_devices_is_counted_all_the_same() -> None:
    """Some scan `0` for what has no number: all of its work orders are returns of each other, and told in time."""
    runs = [made("0", f"W{n:04d}", "PASS", n / 12) for n in range(3000)]
    (one,) = tallied(*runs, now=BEGIN.replace(year=2027)).rework
    assert counted(one.returned) == (2999, 3000)


def test_young_repairs_are_in_no_share() -> None:
    now = BEGIN.replace(day=31)
    found = tallied(made("A", "W1", "PASS", 10), made("A", "W2", "FAIL", 12, "incoming"), made("B", "W3", "PASS", 11),
                    now=now)  # fmt: skip
    (one,) = found.rework
    assert (counted(one.returned), one.young, one.young_returned) == ((0, 0), 2, 1)
    assert one.returned.percent is None


def test_people_have_what_went_through_their_hands() -> None:
    found = tallied(
        made("A", "W1", "FAIL", 0, repair_engineer="R2", operator="E7"),
        made("A", "W1", "PASS", 1, repair_engineer="R2"),
        made("B", "W2", "PASS", 0, repair_engineer=None),
        made("B", "W3", "FAIL", 9, "incoming"),
    )
    engineers = {one.badge: (counted(one.first_pass), counted(one.rework.returned)) for one in found.engineers}
    assert engineers == {"R2": ((0, 1), (0, 1)), "(not on record)": ((1, 1), (1, 1))}
    operators = {one.badge: (counted(one.first_pass), counted(one.rework.returned)) for one in found.operators}
    assert operators == {"E7": ((0, 1), (0, 0)), "E1": ((1, 1), (1, 2))}


def test_times_are_of_steps_that_were_made_and_of_runs_that_judged() -> None:
    laps = [(Lap("gain", 1, "PASS", took), Lap("soak", 0, "SKIPPED", 0.0)) for took in (1.0, 2.0, 4.0)]
    runs = [made(f"D{n}", f"W{n}", "PASS", n, steps=laps[n]) for n in range(3)]
    runs += [made("X", "W9", "ABORTED", 3, steps=(Lap("gain", 1, "ERROR", 99.0),)),
             made("Y", "W8", "FAIL", 3, ended_at=at(2))]  # fmt: skip
    found = tallied(*runs)
    assert [(one.step, one.n, one.median_s, one.p95_s) for one in found.durations] == [
        ("gain", 3, 2.0, pytest.approx(3.8))
    ]
    assert [(one.plan, one.step, one.n, one.median_s) for one in found.walls] == [
        ("outgoing", "(PASS)", 3, pytest.approx(3600.0))
    ]
    assert found.counts.impossible_wall_time == 1


def test_a_clock_that_went_back_is_told() -> None:
    found = tallied(made("A", "W1", "PASS", 1, run_no=5), made("A", "W1", "FAIL", 2, run_no=4))
    assert found.counts.stamps_against_run_numbers == 1
    other = tallied(made("A", "W1", "PASS", 1, run_no=5), made("A", "W1", "FAIL", 2, run_no=4, station="bench-02"))
    assert other.counts.stamps_against_run_numbers == 0


def test_months_are_those_of_the_first_judgement() -> None:
    found = tallied(made("A", "W1", "FAIL", 30), made("A", "W1", "PASS", 32), made("B", "W2", "PASS", 40))
    assert [(one.name, counted(one.first_pass)) for one in found.months] == [("2026-03", (0, 1)), ("2026-04", (1, 1))]
