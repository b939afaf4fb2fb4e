"""Before sound: DC at the speaker terminals, and the connection check at low level."""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.errors import StepError
from station.domain.measurement import CHANNELS, Measurement
from station.domain.sound import Stimulus, Value
from station.steps.levels import db, delivers, rated_output_v, source_v
from station.steps.params import require
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
    totals: dict[str, float] = {}
    for done in range(params.readings):
        reading = await context.bench.meters.fresh("dc")
        for name, volts in reading.items():
            totals[name] = totals.get(name, 0.0) + volts / params.readings
        context.progress((done + 1) / params.readings)
    for channel in CHANNELS:
        plus_v, minus_v = totals[f"{channel}_plus_v"], totals[f"{channel}_minus_v"]
        bridged = abs(minus_v) > MINUS_IS_CHASSIS_V
        value_mv = 1000.0 * (max(plus_v, minus_v, key=abs) if bridged else plus_v - minus_v)
        accuracy = context.bench.meters.accuracy(f"dc.{channel}_plus_v")
        if bridged:
            context.note(f"{channel}: the minus terminal is {minus_v:.2f} V from chassis: a bridged output is refused")
        context.record(
            Measurement(
                "dc_offset_mv", value_mv, channel, uncertainty=1000.0 * accuracy.expanded(value_mv / 1000.0),
                conditions={"terminal": "minus" if bridged else "plus-minus"},
            )
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConnectionParams:
    """Level below rated power, dB, and how far a driven channel must stand above the undriven one."""

    below_rated_db: float = 30.0
    frequency_hz: float = 1000.0
    capture_s: float = 0.2
    swapped_db: float = 10.0

    def __post_init__(self) -> None:
        require("below_rated_db", self.below_rated_db, 20.0, 60.0)
        require("frequency_hz", self.frequency_hz, 100.0, 5000.0)
        require("capture_s", self.capture_s, 0.1, 5.0)
        require("swapped_db", self.swapped_db, 3.0, 40.0)


async def measure_connection(context: StepContext, params: ConnectionParams) -> None:
    """Drives one channel at a time at low level. Swapped leads are the station's fault (`StepError`); a silent
    channel is noted and left to the measurements that follow."""
    await context.bench.drive.prepare()
    output_v = rated_output_v(context) / 10 ** (params.below_rated_db / 20.0)
    crossed, straight = [False, False], [False, False]
    for index, channel in enumerate(CHANNELS):
        drive_v = source_v(context, channel, output_v)
        stimulus = Stimulus(
            params.frequency_hz, drive_v if index == 0 else 0.0, drive_v if index == 1 else 0.0, params.capture_s
        )
        readings = await context.bench.sound.measure_tone(stimulus)
        driven, other = readings[index].level_v, readings[1 - index].level_v
        crossed[index] = _plays(other, output_v) and db(other.value / driven.value) > params.swapped_db
        straight[index] = _plays(driven, output_v) and not crossed[index]
        if driven.bound == "below":
            context.note(f"{channel}: no signal at low level")
        context.progress((index + 1) / 2)
    _refuse_swapped(crossed, straight)


def _plays(level: Value, asked_v: float) -> bool:
    return level.bound is None and delivers(level, asked_v)


def _refuse_swapped(crossed: list[bool], straight: list[bool]) -> None:
    """A channel that is heard on the other lead, and the other one not on its own: leads. Else it is a fault of the
    DUT (a dead channel and what leaks from its input), which is measured."""
    for index, channel in enumerate(CHANNELS):
        if crossed[index] and not straight[1 - index]:
            raise StepError(
                f"connection: the tone on {channel} comes out of {CHANNELS[1 - index]}; swap the leads, then test again"
            )
