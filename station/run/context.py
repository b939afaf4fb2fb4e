"""What a step holds in its hands while it runs: the bench, the product, and the basket it fills."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict

from station.domain.clock import TestClock
from station.domain.errors import StepError
from station.domain.events import Event, Publish
from station.domain.guide import Guide
from station.domain.measurement import Channel, Curve, Measurement
from station.domain.plan import PlanStep, Product
from station.domain.prompt import PROMPT_S, Answer, Prompt
from station.domain.record import Capture
from station.run.judging import Harvest
from station.run.watchers import harmless
from station.safety.bench import Bench

Ask = Callable[[Prompt], Awaitable[Answer]]
"""Puts a prompt and waits; raises `StepError` when nobody answers in time."""


class Context:
    """Implements `station.steps.step.StepContext` for one attempt of one step."""

    def __init__(
        self,
        step: PlanStep,
        bench: Bench,
        product: Product,
        clock: TestClock,
        mains_bound_s: float,
        earlier: dict[tuple[str, Channel | None], float],
        publish: Publish,
        ask: Ask,
        operators: Callable[[], tuple[str, ...]] = tuple,
        repair_engineer: str | None = None,
    ) -> None:
        self.bench = bench
        self.product = product
        self.clock = clock
        self.mains_bound_s = mains_bound_s
        self.harvest = Harvest()
        self._step = step
        self._earlier = earlier
        self._publish = harmless(publish)
        self._ask = ask
        self._operators = operators
        self._repaired_by = (repair_engineer,) if repair_engineer else ()

    def record(self, measurement: Measurement) -> None:
        self.harvest.take(measurement)
        self._publish(
            Event(
                "measurement",
                {
                    "step": self._step.id, "name": measurement.name, "channel": measurement.channel,
                    "value": measurement.value, "bound": measurement.bound,
                },
            )
        )  # fmt: skip

    def skip(self, name: str, channel: Channel | None = None) -> None:
        self.harvest.skipped.add((name, channel))

    def curve(self, curve: Curve) -> None:
        if not all(map(math.isfinite, (*curve.x, *curve.y, *curve.mask))):
            raise StepError(f"curve {curve.name}: a point of it is not finite")
        self.harvest.curves.append(curve)
        self._publish(Event("curve", {"step": self._step.id, "curve": asdict(curve)}))

    def note(self, text: str) -> None:
        self.harvest.notes.append(text)

    def progress(
        self, fraction: float, readings: dict[str, float] | None = None, remaining_s: float | None = None
    ) -> None:
        told = {"fraction": round(fraction, 4), "readings": readings or {}, "remaining_s": remaining_s}
        self._publish(Event("progress", {"step": self._step.id, **told}))

    def keep(self, capture: Capture) -> None:
        self.harvest.captures.append(capture)

    def guide(self, guide: Guide | None) -> None:
        self._publish(Event("guide", {"step": self._step.id, "guide": None if guide is None else asdict(guide)}))

    async def ask(
        self, text: Mapping[str, str], about: Mapping[str, str] | None = None, *, wait_s: float = PROMPT_S,
        hands: bool = False,
    ) -> bool:  # fmt: skip
        return await self._put(Prompt(text, about=about or {}, timeout_s=wait_s, hands=hands)) is True

    async def ask_badge(
        self, text: Mapping[str, str], *, second: bool = False, wait_s: float = PROMPT_S, hands: bool = False
    ) -> str | None:
        not_by = (*self._operators(), *self._repaired_by) if second else ()
        answer = await self._put(Prompt(text, "badge", not_by=not_by, timeout_s=wait_s, hands=hands))
        if not isinstance(answer, str):
            return None
        self.harvest.signed_by = answer
        if second:
            self.harvest.second_operator = answer
        return answer

    async def _put(self, prompt: Prompt) -> Answer:
        told = {"text": dict(prompt.text), "kind": prompt.kind, "about": dict(prompt.about)}
        self._publish(Event("prompt", {"step": self._step.id, **told}))
        return await self._ask(prompt)

    def already(self, name: str, channel: Channel | None = None) -> float | None:
        measured = self.harvest.measured.get((name, channel))
        if measured is not None:
            value = measured.value if measured.bound is None else None
            return value if value is not None and math.isfinite(value) else None
        return self._earlier.get((name, channel))
