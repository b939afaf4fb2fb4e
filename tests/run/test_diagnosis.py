"""The rules of diagnosis over records that a test writes: which conditions hold, on which channels, and what speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from station.domain.diagnosis import Condition, DiagnosisRule
from station.domain.measurement import Bound, Channel
from station.domain.record import JudgedMeasurement, StepRecord, TripRecord
from station.domain.verdict import Verdict
from station.run.diagnosis import diagnose

TEXT = {"zh": "发现", "en": "finding"}
GAIN_LOW = Condition("gain_db", "low")


def rule(
    *when: Condition, either: Sequence[Condition] = (), unless: Sequence[Condition] = (), **keys: object
) -> DiagnosisRule:
    made = DiagnosisRule("a-rule", "feedback", 0.5, TEXT, {}, "any", when, tuple(either), tuple(unless))
    return replace(made, **keys)  # type: ignore[arg-type]


def measured(
    name: str, value: float | None, channel: Channel | None = None, *, low: float | None = None,
    high: float | None = None, bound: Bound | None = None,
) -> JudgedMeasurement:  # fmt: skip
    fails = value is not None and ((low is not None and value < low) or (high is not None and value > high))
    verdict = Verdict.SKIPPED if value is None else Verdict.FAIL if fails else Verdict.PASS
    return JudgedMeasurement(name, value, "dB", verdict, channel, low, high, bound=bound)


def step(name: str, *measurements: JudgedMeasurement, begun: bool = True, use: str = "") -> StepRecord:
    return StepRecord(name, use or name, TEXT, Verdict.PASS, int(begun), "T" if begun else None, 0.0, measurements)


def gains(left: float | None, right: float | None, bound: Bound | None = None) -> StepRecord:
    return step(
        "gain", measured("gain_db", left, "left", low=28.0, high=30.0, bound=bound),
        measured("gain_db", right, "right", low=28.0, high=30.0),
    )  # fmt: skip


def because(a_rule: DiagnosisRule, *steps: StepRecord, trips: Sequence[TripRecord] = ()) -> tuple[str, ...] | None:
    found = diagnose([a_rule], steps, trips)
    return found[0].because if found else None


def test_a_measurement_within_its_limits_speaks_for_nothing() -> None:
    assert because(rule(GAIN_LOW), gains(29.0, 29.0)) is None
    assert because(rule(Condition("gain_db", "failed")), gains(29.0, 29.0)) is None


def test_what_was_not_measured_holds_nowhere() -> None:
    for reads in ("passed", "failed", "low", "high", "below", "above"):
        assert because(rule(Condition("gain_db", reads, 40.0)), gains(None, None)) is None  # type: ignore[arg-type]


def test_low_and_high_are_sides_of_the_limit() -> None:
    assert because(rule(GAIN_LOW), gains(20.0, 29.0)) == ("gain/gain_db/left",)
    assert because(rule(GAIN_LOW), gains(32.0, 29.0)) is None
    assert because(rule(Condition("gain_db", "high")), gains(32.0, 29.0)) == ("gain/gain_db/left",)


def test_by_asks_for_more_than_a_failure() -> None:
    far = rule(Condition("gain_db", "low", by=10.0))
    assert because(far, gains(19.0, 29.0)) is None
    assert because(far, gains(17.0, 29.0)) == ("gain/gain_db/left",)


def test_a_bound_counts_only_where_the_truth_beyond_it_would_too() -> None:
    assert because(rule(GAIN_LOW), gains(-90.0, 29.0, "below")) == ("gain/gain_db/left",)
    assert because(rule(GAIN_LOW), gains(20.0, 29.0, "above")) is None
    assert because(rule(Condition("gain_db", "below", 25.0)), gains(20.0, 29.0, "above")) is None
    assert because(rule(Condition("gain_db", "above", 25.0)), gains(26.0, 20.0, "below")) is None


def test_one_and_both_count_the_channels_on_which_everything_holds() -> None:
    one, both = rule(GAIN_LOW, channels="one"), rule(GAIN_LOW, channels="both")
    assert because(one, gains(20.0, 29.0)) == ("gain/gain_db/left",)
    assert because(one, gains(20.0, 20.0)) is None
    assert because(both, gains(20.0, 29.0)) is None
    assert because(both, gains(20.0, 21.0)) == ("gain/gain_db/left", "gain/gain_db/right")


def test_unless_takes_only_its_own_channel_away() -> None:
    noise = step("snr", measured("snr_db", 80.0, "left", low=95.0), measured("snr_db", 99.0, "right", low=95.0))
    quiet = rule(GAIN_LOW, unless=[Condition("snr_db", "low")])
    assert because(quiet, gains(20.0, 21.0), noise) == ("gain/gain_db/right",)


def test_on_any_speaks_for_both_channels_and_on_both_asks_both() -> None:
    noise = step("snr", measured("snr_db", 80.0, "left", low=95.0), measured("snr_db", 99.0, "right", low=95.0))
    assert because(rule(GAIN_LOW, unless=[Condition("snr_db", "low", on="any")]), gains(20.0, 21.0), noise) is None
    with_both = rule(GAIN_LOW, unless=[Condition("snr_db", "low", on="both")])
    assert because(with_both, gains(20.0, 29.0), noise) == ("gain/gain_db/left",)


def test_what_is_measured_once_for_the_device_counts_for_both_channels() -> None:
    idle = step("idle-power", measured("idle_power_w", 3.0, low=10.0))
    dead = rule(Condition("idle_power_w", "low"), GAIN_LOW, channels="both")
    assert because(dead, idle, gains(-60.0, -60.0)) == (
        "idle-power/idle_power_w", "gain/gain_db/left", "gain/gain_db/right",
    )  # fmt: skip


def test_either_needs_one_of_its_conditions_and_names_those_that_hold() -> None:
    balance = step("balance", measured("channel_balance_db", 0.1, high=0.5))
    off = rule(either=[Condition("gain_db", "failed"), Condition("channel_balance_db", "failed")])
    assert because(off, gains(20.0, 29.0), balance) == ("gain/gain_db/left",)
    assert because(off, gains(29.0, 29.0), balance) is None


def test_use_restricts_a_condition_to_steps_of_that_use() -> None:
    steps = (
        step("warm-up", measured("heatsink_degc", 30.0, high=90.0), use="warm_up"),
        step("trace", measured("heatsink_degc", 85.0, high=90.0)),
    )
    hot = rule(Condition("heatsink_degc", "above", 70.0, use="trace"))
    assert because(hot, *steps) == ("trace/heatsink_degc",)
    assert because(rule(Condition("heatsink_degc", "above", 70.0, use="warm_up")), *steps) is None


def test_a_trip_refers_to_the_measurement_it_stands_for_where_the_run_had_come_to_it() -> None:
    steps = (
        step("warm-up", measured("heatsink_degc", 30.0, high=90.0)),
        step("trace", measured("heatsink_degc", None, high=90.0)),
        step("later", measured("heatsink_degc", None, high=90.0), begun=False),
    )
    hot = rule(Condition("heatsink_degc", trip="heatsink"))
    trip = TripRecord("heatsink", "HIGH", 100.2, 100.0, "dut", 520.0)
    assert because(hot, *steps, trips=[trip]) == ("trace/heatsink_degc",)
    assert because(hot, *steps, trips=[replace(trip, interlock="inrush")]) is None
    failed_meter = replace(trip, cause="NO_VALUE", value=None, blames="station")
    assert because(hot, *steps, trips=[failed_meter]) is None, "a meter that falls silent says nothing of the device"
    assert because(hot, steps[2], trips=[trip]) == ("later/heatsink_degc",)


def test_a_rule_weighs_half_where_the_run_ended_before_what_would_have_ruled_it_out() -> None:
    noisy, ripple = Condition("snr_db", "low"), Condition("ripple_mv", "high")
    wide = rule(noisy, unless=[ripple], weight=0.7)
    snr, open_hum = step("snr", measured("snr_db", 60.0, low=80.0)), measured("ripple_mv", None, "left", high=1.0)

    def weight(*hum: StepRecord, of: DiagnosisRule = wide, trips: Sequence[TripRecord] = ()) -> float:
        return diagnose([of], [snr, *hum], trips)[0].weight

    assert weight(step("hum", measured("ripple_mv", 0.1, high=1.0))) == 0.7, "measured, and it rules nothing out"
    assert weight() == 0.7, "never planned"
    assert weight(step("hum", open_hum)) == 0.7, "left out by the step itself"
    assert weight(step("hum", replace(open_hum, verdict=Verdict.NOT_APPLICABLE), begun=False)) == 0.7
    assert weight(step("hum", open_hum, begun=False)) == 0.35, "never begun"
    assert weight(replace(step("hum", open_hum), verdict=Verdict.ABORTED)) == 0.35
    assert weight(replace(step("hum", open_hum), verdict=Verdict.ERROR)) == 0.35
    trip = TripRecord("dc-left", "HIGH", 2.0, 1.0, "dut", 9.0)
    assert weight(step("hum", open_hum), trips=[trip]) == 0.35, "the trip ended it"
    assert weight(step("hum", open_hum), step("thd"), trips=[trip]) == 0.7, "the trip came later"
    elsewhere = replace(wide, unless=(replace(ripple, use="trace"),))
    assert weight(step("hum", open_hum, begun=False), of=elsewhere) == 0.7
    again = step("hum-again", measured("ripple_mv", 0.1, "left", high=1.0))
    assert weight(again, step("hum", open_hum, begun=False)) == 0.7, "once is enough"


def test_of_two_findings_the_one_that_was_not_ruled_out_comes_second() -> None:
    rules = [
        rule(GAIN_LOW, id="open", area="bias", weight=0.8, unless=(Condition("low_thd_percent", "low"),)),
        rule(GAIN_LOW, id="sure", area="feedback", weight=0.5),
    ]
    cut = step("distortion", measured("low_thd_percent", None), begun=False)
    found = diagnose(rules, [gains(20.0, 29.0), cut], ())
    assert [(one.area, one.weight) for one in found] == [("feedback", 0.5), ("bias", 0.4)]


def test_the_strongest_finding_comes_first_and_the_file_decides_among_equals() -> None:
    rules = [
        rule(GAIN_LOW, id="weak", area="feedback", weight=0.3),
        rule(GAIN_LOW, id="first", area="signal-path", weight=0.8),
        rule(GAIN_LOW, id="second", area="coupling", weight=0.8),
    ]
    assert [f.area for f in diagnose(rules, [gains(20.0, 29.0)], ())] == ["signal-path", "coupling", "feedback"]


def test_a_second_rule_of_an_area_is_heard_only_with_something_new() -> None:
    idle = step("idle-power", measured("idle_power_w", 3.0, low=10.0))
    rules = [
        rule(GAIN_LOW, id="gain", weight=0.8),
        rule(Condition("gain_db", "failed"), id="same", weight=0.7),
        rule(Condition("idle_power_w", "low"), id="new", weight=0.6),
    ]
    found = diagnose(rules, [gains(20.0, 29.0), idle], ())
    assert [f.because for f in found] == [("gain/gain_db/left",), ("idle-power/idle_power_w",)]
