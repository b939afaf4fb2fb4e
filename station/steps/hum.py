"""Mains lines at the terminals with a silent source: twice the mains frequency (ripple), and the mains line itself.

Ripple comes out of the supply's reservoir, the mains line out of a loop or a lost screen. The mains frequency is the
mains meter's.
"""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.measurement import Measurement
from station.domain.sound import Stimulus, ToneReading
from station.steps.params import require
from station.steps.step import StepContext

DROWNED_V = 1e-3
"""A line that is not seen under a floor above this says nothing: the noise has failed for itself."""


@dataclass(frozen=True, slots=True)
class Params:
    """Length of each of the two captures."""

    capture_s: float = 1.0

    def __post_init__(self) -> None:
        require("capture_s", self.capture_s, 0.5, 10.0)


async def measure(context: StepContext, params: Params) -> None:
    """Records `ripple_mv` and `mains_line_mv` per channel, mV rms."""
    await context.bench.drive.prepare()
    mains_hz = (await context.bench.meters.fresh("mains"))["frequency_hz"]
    for place, (name, frequency_hz) in enumerate((("ripple_mv", 2.0 * mains_hz), ("mains_line_mv", mains_hz))):
        readings = await context.bench.sound.measure_tone(Stimulus(frequency_hz, 0.0, 0.0, params.capture_s))
        for reading in readings:
            _record(context, name, frequency_hz, reading)
        context.progress((place + 1) / 2)


def _record(context: StepContext, name: str, frequency_hz: float, reading: ToneReading) -> None:
    level = reading.level_v
    if level.bound is not None and level.value > DROWNED_V:
        context.note(f"{name}, {reading.channel}: drowns in noise")
        context.skip(name, reading.channel)
        return
    context.record(
        Measurement(
            name, 1000.0 * level.value, reading.channel, 1000.0 * level.uncertainty, level.bound,
            conditions={"frequency_hz": round(frequency_hz, 2)},
        )
    )  # fmt: skip
