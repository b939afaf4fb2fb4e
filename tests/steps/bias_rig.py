"""An output stage with two trimmers, its bias meter and mains meter, and a hand that obeys; in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from drivers.ports import Accuracy
from station.campaign.virtual import VirtualLoop
from station.domain.events import Event
from station.domain.measurement import Channel, Measurement
from station.domain.plan import PlanStep
from station.domain.plates import AmplifierPlate
from station.domain.prompt import Answer, Prompt
from station.run.context import Context
from tests.run.run_rig import PRODUCT

OHM = 0.22
RAIL_V = 46.0
WIRE_S = 0.015
A_100 = replace(PRODUCT, plate=AmplifierPlate(100.0, 8.0, 29.0, emitter_ohm=OHM, bias_ma=50.0))
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
        self.shown: Callable[[float, dict[str, float]], dict[str, float]] = lambda at_s, mv: mv
        """What becomes of a reading: a meter that is stuck, a clip that slips off."""
        self.obeys = True
        self.answers: list[Answer] = []
        self.asked: list[Prompt] = []
        self.events: list[Event] = []
        self.acts: list[str] = []
        self.read_at: list[float] = []
        self.began_s = self.at_play_end_s = 0.0
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
        if role == "mains":
            return {"power_w": 38.0 + sum(ma * 2.0 * RAIL_V / 1000.0 for ma in self.ma.values())}
        self.read_at.append(at_s)
        shown = {f"{side}_mv": (ma + self.drift_ma_s * at_s) * OHM * self.clips for side, ma in self.ma.items()}
        noisy = {name: round(mv + self._noise.uniform(-0.008, 0.008), 2) for name, mv in shown.items()}
        return self.shown(at_s, noisy)

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
            try:
                await work(self.context)
            finally:
                self.at_play_end_s = self.at_s
            return self.at_play_end_s

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(whole())

    def measured(self, name: str, channel: Channel | None = None) -> Measurement:
        return self.context.harvest.measured[name, channel]
