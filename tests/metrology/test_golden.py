"""The golden unit's charts from records: what counts as a value, what drifts and since when, limits that are kept."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from station.domain.measurement import Bound, Channel
from station.domain.record import Instrument, JudgedMeasurement, Record, StepRecord
from station.domain.verdict import Verdict
from station.metrology.golden import Check, Frozen, changes_of, charts_of, check_of, freeze, lost_of
from tests.report.conftest import make_pass

BASE = replace(make_pass(), parts=())


def measured(
    value: float | None, name: str = "thd_percent", channel: Channel | None = "left",
    verdict: Verdict = Verdict.PASS, bound: Bound | None = None,
) -> JudgedMeasurement:  # fmt: skip
    return JudgedMeasurement(name, value, "%", verdict, channel, 0.0265, 0.03, bound=bound)


def golden(run_no: int, *measurements: JudgedMeasurement, audio: str = "S1") -> Record:
    step = StepRecord("thd", "thd", {"en": "THD"}, Verdict.PASS, 1, None, 1.0, measurements)
    instruments = (Instrument("audio", "portaudio", "m", audio, "2027-01-01"),)
    return replace(
        BASE, run_no=run_no, purpose="verify", steps=(step,), instruments=instruments,
        ended_at=f"2026-10-{run_no % 28 + 1:02d}T08:00:00.000Z",
    )  # fmt: skip


def checks(count: int, step_at: int = 10**9, step: float = 0.0, seed: int = 4) -> list[Check]:
    chance = random.Random(seed)
    values = [chance.gauss(0.0282, 0.0002) + (step if run >= step_at else 0.0) for run in range(1, count + 1)]
    return [
        check_of(golden(run, measured(value), audio="S1" if run < step_at else "S2"))
        for run, value in enumerate(values, start=1)
    ]


def test_bounds_answers_and_what_the_station_got_wrong_are_no_values() -> None:
    check = check_of(
        golden(
            7,
            measured(0.0281),
            measured(0.0283, channel="right", verdict=Verdict.FAIL),
            measured(0.001, "thd_n_percent", bound="below"),
            measured(None, "snr_db", verdict=Verdict.SKIPPED),
            measured(1.0, "gain_db", verdict=Verdict.ERROR),
            measured(1.0, "appearance_ok"),
        )
    )
    assert check.values == {("thd_percent", "left"): 0.0281, ("thd_percent", "right"): 0.0283}
    assert check.limits["thd_percent", "left"] == (0.0265, 0.03) and check.bench["audio"].startswith("S1,")


def test_until_the_first_subgroups_are_full_a_chart_collects() -> None:
    (chart,) = charts_of(checks(23))
    assert chart.state == "collecting" and chart.baseline is None and chart.since_run is None and not chart.open
    (chart,) = charts_of(checks(24))
    assert chart.state == "in_control" and chart.baseline is not None and len(chart.groups) == 8


def test_a_drift_is_named_with_the_run_that_it_began_with_and_what_it_hangs_on() -> None:
    (chart,) = charts_of(checks(60, step_at=40, step=0.0005))
    assert chart.state == "out_of_control" and chart.roles == ("audio",)
    assert chart.since_run is not None and abs(chart.since_run - 40) <= 3
    assert chart.level == pytest.approx(0.0287, abs=0.0001)
    assert [(one.run_no, one.what) for one in changes_of(checks(60, 40, 0.0005))] == [(40, "audio")]


def test_one_whole_subgroup_without_a_signal_brings_it_back_a_short_one_does_not() -> None:
    steady = [0.0281, 0.0282, 0.0283] * 10
    wild = [check_of(golden(run, measured(v))) for run, v in enumerate([*steady, 0.031, 0.031, 0.031], start=1)]
    after = [check_of(golden(34 + run, measured(v))) for run, v in enumerate(steady[:3])]
    assert charts_of(wild)[0].state == "out_of_control"
    assert charts_of([*wild, *after[:2]])[0].state == "out_of_control"
    back = charts_of([*wild, *after])[0]
    assert back.state == "in_control" and [s.rule for s in back.signals] == [1]


def test_a_single_wild_check_is_told_at_once() -> None:
    steady = [0.0281, 0.0282, 0.0283] * 10
    (chart,) = charts_of([check_of(golden(run, measured(v))) for run, v in enumerate([*steady, 0.029], start=1)])
    assert chart.state == "out_of_control" and chart.since_run == 31


def many(count: int, charts: int, shift: float, seed: int = 7) -> list[Check]:
    """Checks of so many measurements in order, the first of them shifted (in sigmas) after 24 checks."""
    chance = random.Random(seed)
    return [
        check_of(
            golden(
                run,
                *(
                    measured(chance.gauss(100.0, 1.0) + (shift if not index and run > 24 else 0.0), f"m{index}_v", None)
                    for index in range(charts)
                ),
            )
        )
        for run in range(1, count + 1)
    ]


def test_among_many_charts_each_rule_counts_and_a_stated_share_of_false_looks_tames_them() -> None:
    everything = many(84, 19, 0.0)
    for family, least, most in ((None, 6, 20), (0.05, 0, 1)):
        looks = [charts_of(everything[: 24 + 3 * more], family=family) for more in range(1, 21)]
        states = [{chart.state for chart in charts} for charts in looks]
        assert least <= sum("out_of_control" in found for found in states) <= most
        assert any("marked" in found for found in states) is (family is not None)
    drifted = charts_of(many(42, 19, 3.0), family=0.05)
    assert [chart.name for chart in drifted if chart.state == "out_of_control"] == ["m0_v"]
    assert all(chart.chance is None or chart.chance > 0.05 for chart in drifted[1:])


def test_what_the_last_checks_made_no_value_of_is_not_known() -> None:
    both = [golden(run, measured(0.028), measured(80.0, "insulation_mohm", None)) for run in range(1, 25)]
    without = [golden(run, measured(0.028), measured(80.0, "insulation_mohm", None, Verdict.ERROR))
               for run in range(25, 28)]  # fmt: skip
    runs = [check_of(record) for record in (*both, *without)]
    assert [(c.state, c.silent) for c in charts_of(runs[:-1])] == [("in_control", 0), ("in_control", 2)]
    assert [(c.state, c.silent) for c in charts_of(runs)] == [("in_control", 0), ("not_known", 3)]
    kept = freeze(charts_of(runs[:24]), "G-1", 8)
    later = charts_of(runs[24:], frozen=kept)
    assert [chart.name for chart in later] == ["thd_percent"] and lost_of(later, kept) == ["insulation_mohm"]


def test_scatter_that_grew_is_told_from_the_subgroup_where_it_did() -> None:
    values = [0.0281, 0.0282, 0.0283] * 8 + [0.0276, 0.0282, 0.0288]
    (chart,) = charts_of([check_of(golden(run, measured(v))) for run, v in enumerate(values, start=1)])
    assert [s.on for s in chart.open] == ["range"] and chart.since_run == 25


def test_kept_limits_stay_when_the_checks_that_made_them_are_gone() -> None:
    everything = checks(60, step_at=25, step=0.0004)
    kept = freeze(charts_of(everything[:24]), "G-1", 8)
    assert (kept.from_run, kept.to_run, kept.size) == (1, 24, 3) and set(kept.limits) == {"thd_percent/left"}
    purged = everything[30:]
    assert charts_of(purged)[0].state == "in_control", "limits read from what is left follow the drift"
    assert charts_of(purged, frozen=kept)[0].state == "out_of_control"
    assert charts_of(purged, size=5, frozen=kept)[0].size == 3, "their own subgroup holds"
    later = Frozen("G-1", 3, 40, 63, kept.limits)
    assert charts_of(everything, frozen=later)[0].runs[0] == 40, "what came before them is not judged by them"


def test_a_measurement_without_kept_limits_collects() -> None:
    kept = Frozen("G-1", 3, 1, 24, {})
    assert charts_of(checks(30), frozen=kept)[0].state == "collecting"


def test_only_a_baseline_that_is_in_control_itself_is_kept() -> None:
    with pytest.raises(ValueError, match="23 checks; limits are frozen from the first 24"):
        freeze(charts_of(checks(23)), "G-1", 8)
    with pytest.raises(ValueError, match="not in control themselves"):
        freeze(charts_of(checks(24, step_at=13, step=0.002)), "G-1", 8)
    with pytest.raises(ValueError, match="no check"):
        freeze([], "G-1", 8)


def test_each_measurement_and_channel_has_a_chart_of_the_checks_that_made_it() -> None:
    one = check_of(golden(1, measured(0.028), measured(80.0, "insulation_mohm", None)))
    two = check_of(golden(2, measured(81.0, "insulation_mohm", None)))
    found = {(c.name, c.channel): c.runs for c in charts_of([one, two])}
    assert found == {("thd_percent", "left"): (1,), ("insulation_mohm", None): (1, 2)}
