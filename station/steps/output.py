"""Before sound: DC at the speaker terminals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from station.domain.measurement import CHANNELS, Measurement
from station.steps.params import require
from station.steps.readings import mean_of
from station.steps.step import StepContext

MINUS_IS_CHASSIS_V = 1.0
"""Invariant 21: a minus terminal further from chassis than this is a bridged output."""


@dataclass(frozen=True, slots=True)
class DcOffsetParams:
    """Mean of `readings` readings of the DC meter."""

    readings: int = 4

    def __post_init__(self) -> None:
        require("readings", self.readings, 1, 100)


async def measure_dc_offset(context: StepContext, params: DcOffsetParams) -> None:
    """Records `dc_offset_mv` per channel: plus to minus terminal, loads off.

    A minus terminal that is not chassis (a bridged output) is recorded with its own voltage to chassis, which
    fails: nothing of ours may be joined to it.
    """
    readings: list[Mapping[str, float]] = []
    for done in range(params.readings):
        readings.append(await context.bench.meters.fresh("dc"))
        context.progress((done + 1) / params.readings)
    for channel in CHANNELS:
        names = f"{channel}_plus_v", f"{channel}_minus_v"
        (plus_v, plus_u), (minus_v, minus_u) = (
            mean_of([reading[name] for reading in readings], context.bench.meters.accuracy(f"dc.{name}"))
            for name in names
        )
        bridged = abs(minus_v) > MINUS_IS_CHASSIS_V
        value_mv = 1000.0 * (max(plus_v, minus_v, key=abs) if bridged else plus_v - minus_v)
        if bridged:
            context.note(f"{channel}: the minus terminal is {minus_v:.2f} V from chassis: a bridged output is refused")
        context.record(
            Measurement(
                "dc_offset_mv", value_mv, channel, uncertainty=1000.0 * math.hypot(plus_u, minus_u),
                conditions={"terminal": "minus" if bridged else "plus-minus"},
            )
        )  # fmt: skip
