"""A bias meter that lies: clips the wrong way round, off, a meter that is stuck. Never a PASS, and soon an error."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from station.domain.errors import StepDeclined, StepError
from station.run.context import Context
from station.steps.bias import Params, WarmUpParams, measure, measure_warm_up
from station.steps.bias_meter import ZeroParams, measure_zero
from tests.steps.bias_rig import OHM, Stage

Shown = Callable[[float, dict[str, float]], dict[str, float]]
OVER_MA = 150.0


async def adjust(context: Context) -> None:
    await measure(context, Params())


async def zero(context: Context) -> None:
    await measure_zero(context, ZeroParams())


async def warm_up(context: Context) -> None:
    await measure_warm_up(context, WarmUpParams())


def left(value: Callable[[float, float], float]) -> Shown:
    """The left channel shows something else."""
    return lambda at_s, mv: {**mv, "left_mv": value(at_s, mv["left_mv"])}


@pytest.mark.parametrize("work", [adjust, warm_up])
def test_clips_the_wrong_way_round_are_refused_at_the_first_reading(work: Callable[[Context], object]) -> None:
    stage = Stage(left_ma=20.0)
    stage.shown = left(lambda at_s, mv: -mv)
    with pytest.raises(StepError, match=r"left reads -4\.4. mV, its clips are the wrong way round"):
        stage.play(work)  # type: ignore[arg-type]
    assert stage.ma["left"] == 20.0 and not stage.context.harvest.measured


def test_clips_the_wrong_way_round_on_a_stage_without_bias_are_refused_once_it_has_some() -> None:
    stage = Stage(left_ma=0.3)
    stage.shown, stage.answers = left(lambda at_s, mv: -mv), [True]
    with pytest.raises(StepError, match="wrong way round"):
        stage.play(adjust)
    assert stage.ma["left"] < 3.0, "and not led upwards"


def test_a_clip_that_slips_off_stops_the_hand_before_the_bias_is_dangerous() -> None:
    stage = Stage(left_ma=3.0)
    stage.shown = left(lambda at_s, mv: 0.01 if at_s > 1.0 else mv)
    with pytest.raises(StepError, match=r"W more than at first and the bias that is read has moved"):
        stage.play(adjust)
    assert stage.ma["left"] < OVER_MA and not stage.context.harvest.measured


def test_a_meter_that_stands_still_while_the_bias_climbs_is_an_error() -> None:
    stage = Stage(left_ma=20.0)
    stage.shown = left(lambda at_s, mv: 4.4)
    with pytest.raises(StepError, match=r"W more than at first"):
        stage.play(adjust)
    assert stage.ma["left"] < OVER_MA


def test_a_dead_channel_that_nobody_turns_is_no_wait_of_a_quarter_of_an_hour() -> None:
    stage = Stage(left_ma=0.0)
    stage.answers, stage.obeys = [True], False
    with pytest.raises(StepError, match="however it is turned"):
        stage.play(adjust)
    assert 29.0 < stage.at_play_end_s < 35.0


@pytest.mark.parametrize("frozen_from_s", [0.0, 40.0])
def test_a_meter_that_is_stuck_at_the_target_never_passes(frozen_from_s: float) -> None:
    stage = Stage()
    stage.shown = left(lambda at_s, mv: 50.0 * OHM if at_s > frozen_from_s else mv)
    with pytest.raises(StepError, match=r"left has read .* all the time"):
        stage.play(adjust)
    assert not stage.context.harvest.measured and not stage.context.harvest.signed_by


def test_with_mains_off_the_meter_reads_nothing_or_nothing_is_switched_on() -> None:
    good = Stage(left_ma=0.0, right_ma=0.0)
    assert good.play(zero) < 1.0
    stuck = Stage(left_ma=0.0, right_ma=0.0)
    stuck.shown = left(lambda at_s, mv: 11.0)
    with pytest.raises(StepError, match=r"with mains off: left 11.00 mV, right -?0.0. mV, must be within 0.15 mV of 0"):
        stuck.play(zero)
    assert 19.0 < stuck.at_play_end_s < 26.0


def test_a_supply_that_runs_down_slowly_is_waited_for() -> None:
    stage = Stage(left_ma=0.0, right_ma=0.0)
    stage.shown = left(lambda at_s, mv: max(0.0, 5.0 - at_s))
    assert 4.5 < stage.play(zero) < 6.5


def test_clips_that_cannot_be_put_on_end_the_run() -> None:
    stage = Stage()
    stage.clips, stage.answers = False, [False]
    with pytest.raises(StepDeclined, match="clip"):
        stage.play(adjust)
