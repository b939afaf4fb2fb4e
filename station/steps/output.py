"""Before sound: DC at the speaker terminals, and the connection check at low level."""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.errors import StepError
from station.domain.measurement import CHANNELS, Measurement
from station.domain.sound import Stimulus, ToneReading
from station.steps.levels import db, rated_output_v, source_v
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
    for index, channel in enumerate(CHANNELS):
        drive_v = source_v(context, channel, output_v)
        stimulus = Stimulus(
            params.frequency_hz, drive_v if index == 0 else 0.0, drive_v if index == 1 else 0.0, params.capture_s
        )
        readings = await context.bench.sound.measure_tone(stimulus)
        _look(context, readings[index], readings[1 - index], params)
        context.progress((index + 1) / 2)


def _look(context: StepContext, driven: ToneReading, other: ToneReading, params: ConnectionParams) -> None:
    if driven.level_v.bound == "below":
        louder = driven.level_v.value * 10 ** (params.swapped_db / 20)
        if other.level_v.bound is None and other.level_v.value > louder:
            raise StepError(
                f"connection: the tone on {driven.channel} comes out of {other.channel}; swap the leads, test again"
            )
        context.note(f"{driven.channel}: no signal at low level")
        return
    ratio_db = db(driven.level_v.value / max(other.level_v.value, 1e-9))
    if ratio_db < -params.swapped_db:
        raise StepError(
            f"connection: {driven.channel} is driven and {other.channel} is {-ratio_db:.1f} dB louder; "
            "swap the leads, then test again"
        )
