"""THD on the coupler at the volts of 94 dB SPL: at 1 kHz, and in the bass, where a coil or a loose part rubs."""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.errors import StepError
from station.domain.measurement import Measurement
from station.domain.sound import ToneReading
from station.steps.distortion import draw_harmonics
from station.steps.headphones import MOVED_DB, TONE_HZ, is_faint, moved_db, tone
from station.steps.params import require
from station.steps.step import StepContext


@dataclass(frozen=True, slots=True)
class Params:
    """The bass tone, and the length of a capture."""

    bass_hz: float = 100.0
    capture_s: float = 0.5

    def __post_init__(self) -> None:
        require("bass_hz", self.bass_hz, 40.0, 500.0)
        require("capture_s", self.capture_s, 0.2, 10.0)


async def measure(context: StepContext, params: Params) -> None:
    """Records `thd_percent` (1 kHz) and `bass_thd_percent` per channel. Raises `StepError` if something was moved."""
    await context.bench.drive.prepare()
    middle = await context.bench.sound.measure_tone(tone(context, params.capture_s, spectrum=True))
    faint = set()
    for reading in middle:
        refuse_moved(context, reading)
        if is_faint(reading.level_v):
            faint.add(reading.channel)
        _record(context, "thd_percent", reading, TONE_HZ, reading.channel in faint)
        draw_harmonics(context, reading)
    context.progress(0.5)
    for reading in await context.bench.sound.measure_tone(tone(context, params.capture_s, params.bass_hz)):
        _record(context, "bass_thd_percent", reading, params.bass_hz, reading.channel in faint)


def refuse_moved(context: StepContext, reading: ToneReading) -> None:
    """Raise `StepError` where the level is not what it was: switch, plug or coupler were moved meanwhile."""
    away_db = moved_db(context, reading.channel, reading.level_v)
    if abs(away_db) > MOVED_DB:
        raise StepError(
            f"coupler, {reading.channel}: {away_db:+.1f} dB against before, may be {MOVED_DB:g} dB; switch, plug or "
            "seat was moved: leave them, test again"
        )


def _record(context: StepContext, name: str, reading: ToneReading, hz: float, faint: bool) -> None:
    """A side without a fundamental is all distortion; one that is far too quiet has failed already."""
    value = reading.thd_percent
    if faint or (value is None and context.already("sensitivity_db", reading.channel) is None):
        context.note(f"{reading.channel}: too quiet at {hz:g} Hz to tell its distortion")
        context.skip(name, reading.channel)
    elif value is None:
        context.record(Measurement(name, 100.0, reading.channel, 0.0, "above", conditions={"frequency_hz": hz}))
    else:
        conditions = {"frequency_hz": hz, "level_v": round(reading.level_v.value, 4)}
        context.record(
            Measurement(name, value.value, reading.channel, value.uncertainty, value.bound, conditions=conditions)
        )
