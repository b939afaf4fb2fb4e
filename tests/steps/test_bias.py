"""The steps of adjust-bias at the speed of a real bench, in virtual time: ten readings a second, a hand that obeys."""

from __future__ import annotations

import itertools
import math

import pytest

from drivers.ports import Accuracy
from station.domain.errors import StepDeclined, StepError
from station.domain.events import Event
from station.run.context import Context
from station.steps.bias import Params, SignatureParams, WarmUpParams, measure, measure_signature, measure_warm_up
from tests.run.run_rig import PRODUCT
from tests.steps.bias_rig import OHM, Stage


async def adjust(context: Context) -> None:
    await measure(context, Params())


def test_it_reads_ten_times_a_second_and_settles_a_minute_after_both_are_inside() -> None:
    stage = Stage(left_ma=3.0, right_ma=71.0)
    took_s = stage.play(adjust)
    gaps = [b - a for a, b in itertools.pairwise(stage.read_at)]
    assert math.isclose(sorted(gaps)[len(gaps) // 2], 0.1, abs_tol=0.001)
    turning_s = (47.0 + 21.0) / 0.3 * 0.1
    assert 60.0 + turning_s - 2.0 < took_s < 60.0 + turning_s + 6.0
    for side in ("left", "right"):
        bias, drift = stage.measured("bias_ma", side), stage.measured("bias_drift_ma", side)
        assert bias.value is not None and abs(bias.value - stage.ma[side]) < 0.05
        assert drift.value is not None and drift.uncertainty is not None
        assert abs(drift.value) < 0.05 and 0.0 < drift.uncertainty < 0.05
        assert bias.conditions["readings"] == 601.0 and bias.conditions["over_s"] == 60.0
        meter_ma = Accuracy(0.005, 0.04).expanded(bias.value * OHM) / OHM
        assert bias.uncertainty is not None
        assert meter_ma < bias.uncertainty < 1.01 * meter_ma, "the meter's own, and a little scatter of 601 readings"
    assert stage.measured("heatsink_degc").value is not None
    assert [curve.channel for curve in stage.context.harvest.curves] == ["left", "right"]
    assert all(len(curve.x) == len(curve.y) <= 240 for curve in stage.context.harvest.curves)
    guides = [event.data["guide"] for event in stage.events if event.kind == "guide"]
    assert guides[-1] is None and {guide["hint"] for guide in guides[-3:-1]} == {"done"}, "on both channels"


def test_a_bias_that_climbs_more_than_its_bound_is_measured_and_never_called_settled() -> None:
    stage = Stage()
    stage.drift_ma_s, stage.obeys = 1.6 / 60.0, False

    async def short(context: Context) -> None:
        await measure(context, Params(patience_s=90.0))

    stage.play(short)
    drift = stage.measured("bias_drift_ma", "right").value
    assert drift is not None and math.isclose(drift, 1.6, abs_tol=0.1)
    assert ("heatsink_degc", None) in stage.context.harvest.skipped
    assert "not settled" in " ".join(stage.context.harvest.notes)


def test_a_drift_that_leaves_the_window_begins_the_minute_anew_and_is_on_record() -> None:
    stage = Stage(left_ma=50.0, right_ma=53.4)
    stage.drift_ma_s = 1.9 / 60.0
    seen: list[float] = []
    told = stage._told

    def stop_drifting(event: Event) -> None:
        guide = event.data.get("guide") if event.kind == "guide" else None
        if guide and guide["hint"] == "lower" and guide["channel"] == "right" and stage.drift_ma_s:
            seen.append(stage.at_s)
            if stage.at_s > 20.0:
                stage.ma = {side: ma + stage.drift_ma_s * stage.at_s for side, ma in stage.ma.items()}
                stage.drift_ma_s = 0.0
        told(event)

    stage.context._publish = stop_drifting
    took_s = stage.play(adjust)
    assert seen[-1] > 20.0 and took_s > seen[-1] + 60.0
    assert any("left the window" in note for note in stage.context.harvest.notes)
    assert stage.measured("heatsink_degc").value is not None


@pytest.mark.parametrize("answer", [True, False])
def test_a_reading_next_to_nothing_asks_for_the_clips(answer: bool) -> None:
    stage = Stage()
    stage.clips, stage.answers, stage.obeys = False, [answer], False

    async def short(context: Context) -> None:
        await measure(context, Params(patience_s=5.0))

    if answer:  # a dead output stage is possible: the reading is what it is
        stage.play(short)
        value = stage.measured("bias_ma", "left").value
        assert value is not None and abs(value) < 0.1 and ("bias_drift_ma", "left") in stage.context.harvest.skipped
    else:
        with pytest.raises(StepDeclined, match="clip"):
            stage.play(short)
    assert len(stage.asked) == 1


def test_a_product_that_does_not_say_its_bias_is_an_error_with_the_keys_to_write() -> None:
    stage = Stage()
    stage.context.product = PRODUCT
    with pytest.raises(StepError, match="write emitter_ohm and bias_ma into its file"):
        stage.play(adjust)


def test_warm_is_when_the_heatsink_has_become_steady() -> None:
    stage = Stage()
    stage.degc = lambda at_s: 25.0 + 8.0 * (1.0 - math.exp(-at_s / 120.0))  # 4 K a minute at first

    async def warm_up(context: Context) -> None:
        await measure_warm_up(context, WarmUpParams())

    took_s = stage.play(warm_up)
    at_start_k = 8.0 / 120.0 * 60.0 * math.exp(-(took_s - 60.0) / 120.0)
    assert 200.0 < took_s < 420.0 and at_start_k < 1.0
    assert "warm after" in stage.context.harvest.notes[0]


def test_a_heatsink_that_never_becomes_steady_is_noted_and_the_run_goes_on() -> None:
    stage = Stage()
    stage.degc = lambda at_s: 25.0 + at_s / 60.0

    async def warm_up(context: Context) -> None:
        await measure_warm_up(context, WarmUpParams(most_s=300.0))

    assert 299.0 < stage.play(warm_up) < 305.0
    assert "not steady after" in stage.context.harvest.notes[0]


def test_the_signature_is_asked_for_with_mains_off_and_ng_is_no_signature() -> None:
    async def sign(context: Context) -> None:
        await measure_signature(context, SignatureParams())

    signed = Stage()
    signed.answers = ["e0042"]
    signed.play(sign)
    assert signed.acts == ["mains off", "asked"] and signed.context.harvest.signed_by == "e0042"
    assert signed.asked[0].kind == "badge"
    refused = Stage()
    refused.answers = [False]
    with pytest.raises(StepDeclined, match="signature"):
        refused.play(sign)
    assert refused.context.harvest.signed_by is None
