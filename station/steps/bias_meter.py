"""Whether the bias meter is to be believed. A hand follows it inside a live device, so nothing is taken on trust.

Clips the wrong way round read negative, and every turn up would look like a turn down. A meter that is stuck, or a
clip that is off, asks for more and more. So: about 0 with mains off, never negative, not the same figure for ever,
and what the mains meter sees coming must be seen here as well. Whatever does not hold is the station's trouble.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from station.domain.errors import StepDeclined, StepError
from station.domain.guide import Hint
from station.domain.measurement import CHANNELS, Channel
from station.steps.params import require
from station.steps.step import StepContext

READ_S = 0.1
"""Wall seconds from one reading to the next."""
UNCLIPPED_MV = 0.15
"""Less than this on a powered channel is a clip that is off as likely as an output stage without bias."""
ZERO_READINGS = 3
BLIND_READINGS = 300
"""So many readings next to nothing while a hand is told to turn up (30 s), then the meter is believed no more."""
FROZEN_READINGS = 600
"""So many equal readings of a channel that is led (a minute): a meter that moves by 0.01 mV is never as quiet."""
FROZEN_LEAST = 20
"""Fewer equal readings than this prove nothing: a good meter's noise is a step or two."""
WEIGH_EVERY = 5
"""Readings from one look at the mains meter to the next."""
WEIGH_STRIKES = 6
"""So many looks in a row (3 s): the mains meter follows a hand more slowly than the bias meter does."""
LEAST_MA_PER_W = 1.0
"""One watt is 10 mA at rails of 50 V, shared by the pairs of an output stage; what follows less does not follow."""
UNCLIPPED = {
    "zh": "带电！手勿伸入。偏置表读数接近零：两个声道的夹子都夹好了吗？是按 OK，否按 NG",
    "en": "LIVE, hands out. The bias meter reads next to nothing: are both clips on? OK if so, NG if not",
}


@dataclass(frozen=True, slots=True)
class ZeroParams:
    """`wait_s`: how long the supply may take to run down, wall seconds."""

    wait_s: float = 20.0

    def __post_init__(self) -> None:
        require("wait_s", self.wait_s, 1.0, 120.0)


async def measure_zero(context: StepContext, params: ZeroParams) -> None:
    """Clips on, mains off: the meter must read about 0. Raises `StepError` if it does not; measures nothing."""
    good, seen = 0, ""
    for _ in range(round(params.wait_s / READ_S)):
        readings = await context.bench.meters.fresh("bias")
        seen = ", ".join(f"{side} {readings[f'{side}_mv']:.2f} mV" for side in CHANNELS)
        good = good + 1 if all(abs(readings[f"{side}_mv"]) < UNCLIPPED_MV for side in CHANNELS) else 0
        if good >= ZERO_READINGS:
            context.note(f"bias meter with mains off: {seen}")
            return
        await context.clock.sleep(READ_S * context.clock.speed)
    raise StepError(
        f"bias meter with mains off: {seen}, must be within {UNCLIPPED_MV:g} mV of 0; check the meter and its wires"
    )


def refuse_reversed(readings: Mapping[str, float]) -> None:
    """Raises `StepError` where a channel reads negative: no bias is."""
    for side in CHANNELS:
        if readings[f"{side}_mv"] < -UNCLIPPED_MV:
            raise StepError(
                f"bias meter: {side} reads {readings[f'{side}_mv']:.2f} mV, its clips are the wrong way round; "
                "mains off, turn that pair round, then adjust again"
            )


async def refuse_loose(context: StepContext) -> None:
    """One reading under power. Raises `StepError` for clips the wrong way round, `StepDeclined` where none holds."""
    readings = await context.bench.meters.fresh("bias")
    refuse_reversed(readings)
    if min(readings["left_mv"], readings["right_mv"]) >= UNCLIPPED_MV:
        return
    if not await context.ask(UNCLIPPED, {"item": "clips-check"}):
        raise StepDeclined("bias: a clip cannot be put on; repair the emitter resistors first, then adjust again")


class MeterWatch:
    """The memory between readings, while a hand turns."""

    def __init__(self, power_rise_w: float) -> None:
        self._power_rise_w = power_rise_w
        self._blind = dict.fromkeys(CHANNELS, 0)
        self._same = dict.fromkeys(CHANNELS, 0)
        self._last_mv: dict[Channel, float] = {}
        self._began: tuple[float, float] | None = None
        self._strikes = 0

    def take(self, readings: Mapping[str, float], hints: Mapping[Channel, Hint]) -> None:
        """One reading of both channels, and what a hand is told on those that are led. Raises `StepError`."""
        refuse_reversed(readings)
        for side in CHANNELS:
            mv = readings[f"{side}_mv"]
            self._blind[side] = self._blind[side] + 1 if hints.get(side) == "raise" and mv < UNCLIPPED_MV else 0
            self._same[side] = self._same[side] + 1 if side in hints and mv == self._last_mv.get(side) else 0
            self._last_mv[side] = mv
            if self._blind[side] >= BLIND_READINGS:
                raise StepError(
                    f"bias meter: {side} reads {mv:.2f} mV however it is turned; mains off, trimmer to minimum, look "
                    "at the clips; if they are on, the output stage has no bias and goes back to repair"
                )
            if self._same[side] >= FROZEN_READINGS:
                raise StepError(_frozen(side, mv))

    def weigh(self, power_w: float, both_ma: float) -> None:
        """Power from the mains against both channels' bias, since the first look.

        Raises `StepError` where the power has risen and the bias that is read has not."""
        if self._began is None:
            self._began = power_w, both_ma
        risen_w, risen_ma = power_w - self._began[0], both_ma - self._began[1]
        unseen = risen_w > self._power_rise_w and risen_ma < risen_w * LEAST_MA_PER_W
        self._strikes = self._strikes + 1 if unseen else 0
        if self._strikes >= WEIGH_STRIKES:
            raise StepError(
                f"bias meter: the device takes {risen_w:.1f} W more than at first and the bias that is read has moved "
                f"by {risen_ma:.1f} mA; mains off, trimmers to minimum, look at clips and meter, then adjust again"
            )


def refuse_frozen(stretch: Sequence[tuple[float, float, float]]) -> None:
    """A settled stretch (s, left, right) in which a channel read the same for a third of it. Raises `StepError`."""
    for column, side in enumerate(CHANNELS, start=1):
        runs = ((value, len(list(run))) for value, run in itertools.groupby(row[column] for row in stretch))
        value, longest = max(runs, key=lambda run: run[1])
        if longest >= max(FROZEN_LEAST, len(stretch) / 3):
            raise StepError(_frozen(side, value, "mA"))


def _frozen(side: Channel, value: float, unit: str = "mV") -> str:
    return (
        f"bias meter: {side} has read {value:.2f} {unit} all the time, no live bias is that quiet; look at the meter, "
        "then adjust again"
    )
