"""From what a step handed over to its record: whatever it hands over, a PASS answers every requirement."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.contract.records import RecordCodec
from station.domain.errors import StepError
from station.domain.limit import Limit
from station.domain.measurement import Measurement
from station.domain.plan import PlanStep, Requirement
from station.domain.record import Cause
from station.domain.verdict import Verdict
from station.run.judging import Harvest, Judged, judge_step

NAMES = ("a_v", "b_v", "c_mv")
numbers = st.one_of(st.none(), st.floats(), st.sampled_from([1.5, 3.0, math.nan, math.inf]))
limits = st.one_of(
    st.none(),
    st.builds(Limit, source=st.just("test"), low=st.just(1.0), high=st.sampled_from([2.0, math.nan])),
    st.builds(Limit, source=st.just("test"), relative_percent=numbers),
)
measured = st.builds(
    Measurement, name=st.sampled_from(NAMES), value=numbers, uncertainty=numbers, reference=numbers,
    bound=st.sampled_from([None, "above", "below"]),
    conditions=st.dictionaries(st.sampled_from(["at_hz", "note"]), st.one_of(st.floats(), st.just("text"))),
)  # fmt: skip
ends = st.sampled_from([None, Verdict.FAIL, Verdict.ABORTED, Verdict.ERROR])


def make_step(*requires: Requirement) -> PlanStep:
    return PlanStep("first", "use", {"zh": "步骤", "en": "step"}, None, requires)


def judged(step: PlanStep, harvest: Harvest, ended: Verdict | None = None, **more: Any) -> Judged:
    why = None if ended is None else Cause("first", None, None, "ended")
    options = {"failed_before": False, "started_at": "2026-01-01T00:00:00.000Z", "duration_s": 1.0, **more}
    return judge_step(step, harvest, ended=ended, why=why, **options)


@given(
    st.lists(st.builds(Requirement, st.sampled_from(NAMES), limits), max_size=3, unique_by=lambda r: r.name),
    st.lists(measured, max_size=3, unique_by=lambda m: m.name), st.sets(st.sampled_from(NAMES)), ends, st.booleans(),
)  # fmt: skip
def test_a_pass_answers_every_requirement_and_whatever_comes_out_can_be_stored(
    requires: list[Requirement], handed: list[Measurement], skipped: set[str], ended: Verdict | None, failed: bool
) -> None:
    harvest = Harvest({(m.name, None): m for m in handed}, {(name, None) for name in skipped})
    result = judged(make_step(*requires), harvest, ended, failed_before=failed)
    assert [m.name for m in result.record.measurements] == [r.name for r in requires], "every requirement has its row"
    RecordCodec().step_to_json(result.record)  # no NaN, nothing that the journal refuses
    if result.record.verdict is Verdict.PASS:
        assert ended is None and result.causes == ()
        for requirement, row in zip(requires, result.record.measurements, strict=True):
            assert row.verdict is Verdict.PASS and row.value is not None and requirement.limit is not None
    elif result.record.verdict is not Verdict.SKIPPED:
        assert result.causes, "whatever bars PASS is named"


def test_a_step_that_returns_without_recording_is_an_error() -> None:
    result = judged(make_step(Requirement("a_v", Limit("s", 1.0, 2.0))), Harvest())
    assert result.record.verdict is Verdict.ERROR
    assert "required and not measured" in result.causes[0].text


def test_one_of_two_channels_missing_is_an_error() -> None:
    limit = Limit("s", 1.0, 2.0)
    step = make_step(Requirement("a_v", limit, "left"), Requirement("a_v", limit, "right"))
    harvest = Harvest()
    harvest.take(Measurement("a_v", 1.5, "left"))
    result = judged(step, harvest)
    assert result.record.verdict is Verdict.ERROR and result.causes[0].channel == "right"


def test_skip_is_an_error_unless_the_dut_has_failed() -> None:
    step = make_step(Requirement("a_v", Limit("s", 1.0, 2.0)))
    harvest = Harvest(skipped={("a_v", None)})
    assert judged(step, harvest).record.verdict is Verdict.ERROR
    assert judged(step, harvest, failed_before=True).record.verdict is Verdict.SKIPPED


@pytest.mark.parametrize("first", [None, math.nan, 5.0])
def test_a_second_measurement_of_a_name_is_refused_and_the_first_stands(first: float | None) -> None:
    harvest = Harvest()
    harvest.take(Measurement("a_v", first))
    with pytest.raises(StepError, match="measured twice"):
        harvest.take(Measurement("a_v", 1.5))
    result = judged(make_step(Requirement("a_v", Limit("s", 1.0, 2.0))), harvest)
    assert result.record.verdict is (Verdict.FAIL if first == 5.0 else Verdict.ERROR)


def test_a_measurement_that_nobody_asked_for_judges_nothing_and_is_noted() -> None:
    harvest = Harvest()
    harvest.take(Measurement("b_v", 99.0))
    result = judged(make_step(), harvest)
    assert result.record.measurements == () and "not asked for" in result.record.notes[0]


@pytest.mark.parametrize("ended", [Verdict.FAIL, Verdict.ABORTED, Verdict.ERROR])
def test_what_ended_a_step_bars_pass_though_everything_was_measured(ended: Verdict) -> None:
    harvest = Harvest()
    harvest.take(Measurement("a_v", 1.5))
    result = judged(make_step(Requirement("a_v", Limit("s", 1.0, 2.0))), harvest, ended)
    assert result.record.verdict is ended and result.record.measurements[0].verdict is Verdict.PASS
    assert result.causes[-1].text == "ended"


def test_an_error_hides_no_fail() -> None:
    limit = Limit("s", 1.0, 2.0)
    harvest = Harvest()
    harvest.take(Measurement("a_v", 5.0))
    harvest.take(Measurement("b_v", math.nan))
    result = judged(make_step(Requirement("a_v", limit), Requirement("b_v", limit)), harvest)
    assert result.record.verdict is Verdict.ERROR
    assert [m.verdict for m in result.record.measurements] == [Verdict.FAIL, Verdict.ERROR]
    assert [cause.measurement for cause in result.causes] == ["a_v", "b_v"]


def test_what_lies_in_a_guard_band_is_said_so_on_record_and_in_the_cause() -> None:
    simple, guarded = Limit("s", high=2.0), Limit("s", high=2.0, decision="guarded")
    harvest = Harvest()
    harvest.take(Measurement("a_v", 1.95, uncertainty=0.1))
    harvest.take(Measurement("b_v", 1.95, uncertainty=0.1))
    harvest.take(Measurement("c_mv", 1.5, uncertainty=0.1, conditions={"at_hz": 50.0}))
    result = judged(
        make_step(Requirement("a_v", simple), Requirement("b_v", guarded), Requirement("c_mv", guarded)), harvest
    )
    told = [dict(m.conditions) for m in result.record.measurements]
    words = "inside the high limit by less than its uncertainty: "
    assert told[0] == {"guard_band": words + "PASS by the simple rule, not proven"}
    assert told[1] == {"guard_band": words + "FAIL by the guarded rule"} and told[2] == {"at_hz": 50.0}
    assert [m.uncertainty for m in result.record.measurements] == [0.1, 0.1, 0.1], "U stands on record, always"
    assert [cause.text for cause in result.causes] == [
        f"b_v: 1.95 V; limit at most 2; {words}FAIL by the guarded rule (± 0.1)"
    ]
