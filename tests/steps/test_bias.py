"""The steps of adjust-bias at the speed of a real bench, in virtual time: ten readings a second, a hand that obeys."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.ports import Accuracy
from station.campaign.virtual import VirtualLoop
from station.domain.errors import StepDeclined, StepError
from station.domain.events import Event
from station.domain.measurement import Channel, Measurement
from station.domain.plan import PlanStep
from station.domain.prompt import Answer, Prompt
from station.run.context import Context
from station.steps.bias import Params, SignatureParams, WarmUpParams, measure, measure_signature, measure_warm_up
from tests.run.run_rig import PRODUCT

OHM = 0.22
WIRE_S = 0.015
A_100 = replace(PRODUCT, emitter_ohm=OHM, bias_ma=50.0)
STEP = PlanStep("bias", "bias", {"zh": "偏置", "en": "bias"}, None, ())


class LoopClock:
    """Test time of a real bench, on the loop's own time."""

    speed = 1.0

    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def spent(self, seconds: float) -> None:
        return

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Stage:
    """Two trimmers, a meter with noise, a heatsink, and everything that the step told or asked."""

    def __init__(self, left_ma: float = 50.0, right_ma: float = 50.0) -> None:
        self.ma: dict[Channel, float] = {"left": left_ma, "right": right_ma}
        self.drift_ma_s = 0.0
        self.degc: Callable[[float], float] = lambda at_s: 28.0
        self.clips = True
        self.obeys = True
        self.answers: list[Answer] = []
        self.asked: list[Prompt] = []
        self.events: list[Event] = []
        self.acts: list[str] = []
        self.read_at: list[float] = []
        self.began_s = 0.0
        self._noise = random.Random(3)
        self.meters = SimpleNamespace(fresh=self._fresh, accuracy=lambda name: Accuracy(0.005, 0.04))
        self.mains = SimpleNamespace(off=self._off)
        self.context = Context(
            STEP, self, A_100, LoopClock(), 7200.0, {}, self._told, self._ask  # type: ignore[arg-type]
        )  # fmt: skip

    @property
    def at_s(self) -> float:
        """Seconds since the step began."""
        return asyncio.get_running_loop().time() - self.began_s

    async def _fresh(self, role: str) -> Mapping[str, float]:
        await asyncio.sleep(WIRE_S)
        at_s = self.at_s
        if role == "temperature":
            return {"heatsink_degc": self.degc(at_s) + self._noise.uniform(-0.02, 0.02)}
        self.read_at.append(at_s)
        shown = {f"{side}_mv": (ma + self.drift_ma_s * at_s) * OHM * self.clips for side, ma in self.ma.items()}
        return {name: round(mv + self._noise.uniform(-0.008, 0.008), 2) for name, mv in shown.items()}

    async def _off(self) -> None:
        self.acts.append("mains off")

    def _told(self, event: Event) -> None:
        self.events.append(event)
        guide = event.data.get("guide") if event.kind == "guide" else None
        if guide and self.obeys and guide["hint"] in ("raise", "lower"):
            self.ma[guide["channel"]] += 0.3 if guide["hint"] == "raise" else -0.3

    async def _ask(self, prompt: Prompt) -> Answer:
        self.asked.append(prompt)
        self.acts.append("asked")
        return self.answers.pop(0)

    def play(self, work: Callable[[Context], Coroutine[Any, Any, None]]) -> float:
        """Run the step; returns how long it took."""

        async def whole() -> float:
            self.began_s = asyncio.get_running_loop().time()
            await work(self.context)
            return self.at_s

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(whole())

    def measured(self, name: str, channel: Channel | None = None) -> Measurement:
        return self.context.harvest.measured[name, channel]


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
        assert bias.uncertainty is not None and math.isclose(
            bias.uncertainty, Accuracy(0.005, 0.04).expanded(bias.value * OHM) / OHM
        )
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
