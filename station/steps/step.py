"""What a step is: measures through guarded ports, records measurements, sees no limit.

A step is an async function `measure(context, params)`. Its catalogue entry (`catalog.py`) names its Params
class, the measurements it can deliver, and what it needs of the bench.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from station.domain.clock import TestClock
from station.domain.guide import Guide
from station.domain.measurement import Channel, Curve, Measurement
from station.domain.plan import Needs, Product
from station.domain.prompt import PROMPT_S
from station.domain.record import Capture
from station.safety.bench import Bench


class StepContext(Protocol):
    """What the runner hands a step."""

    @property
    def bench(self) -> Bench: ...

    @property
    def product(self) -> Product: ...

    @property
    def clock(self) -> TestClock: ...

    @property
    def mains_bound_s(self) -> float:
        """The plan's bound on energised time, for `bench.mains.on`."""

    def record(self, measurement: Measurement) -> None:
        """Hand over one measurement; it is kept whatever happens after. Each (name, channel) once an attempt."""

    def skip(self, name: str, channel: Channel | None = None) -> None:
        """Say that a measurement cannot be made because the DUT has failed already (`SKIPPED`).

        Only honest after a FAIL of this run; the runner makes it an ERROR otherwise.
        """

    def curve(self, curve: Curve) -> None:
        """Hand over a curve."""

    def note(self, text: str) -> None:
        """A remark for the record."""

    def progress(
        self, fraction: float, readings: dict[str, float] | None = None, remaining_s: float | None = None
    ) -> None:
        """How far the step is (0 to 1), live readings by name, and the seconds of test time that it still takes."""

    def keep(self, capture: Capture) -> None:
        """Name a capture that was kept on the bench, for the record."""

    def guide(self, guide: Guide | None) -> None:
        """Lead the technician's hand: lamps, tone and the page show it until the next one; None ends it."""

    async def ask(
        self, text: Mapping[str, str], about: Mapping[str, str] | None = None, *, wait_s: float = PROMPT_S,
        hands: bool = False,
    ) -> bool:  # fmt: skip
        """Put a prompt in front of the technician: True OK, False NG. A time-out raises `StepError`: it is no OK.

        `wait_s`: wall seconds. `hands`: they must get at the device; switch mains off first (see `Prompt`).
        """

    async def ask_badge(
        self, text: Mapping[str, str], *, second: bool = False, wait_s: float = PROMPT_S, hands: bool = False
    ) -> str | None:
        """Have a badge sign this step; it goes on record. None: NG, nobody signs. `second`: not by an operator of this
        run (mutual inspection), and on record as `second_operator`. A time-out raises `StepError`."""

    def already(self, name: str, channel: Channel | None = None) -> float | None:
        """A value measured earlier in this run, or None."""


Measure = Callable[[StepContext, Any], Awaitable[None]]
ItemsOf = Callable[[Mapping[str, Any]], Mapping[str, str]]
"""From a step's `params` as they stand in a plan: its items' ids, and what each answer measures ("": nothing)."""


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A catalogue entry: what `settings` checks a plan against and the runner runs."""

    use: str
    measure: Measure
    params: type[Any]
    measurements: tuple[str, ...]
    per_channel: frozenset[str]
    """Names out of `measurements` that come once for left and once for right."""
    needs: Needs
    items_of: ItemsOf | None = None
    """A guided step, whose items (and with them further measurements) stand in the plan."""
    plate: type | None = None
    """The data plate that it works from, where it works from one: only plans of that plate's family may have it."""
