"""Distortion by level and by order: what tells crossover, clipping and asymmetry apart.

Crossover grows as the level falls; an asymmetric stage makes even harmonics; rails that give way make odd ones near
full power alone. THD as in `distortion.py`: harmonics 2 to 10 re fundamental.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from station.domain.measurement import CHANNELS, Measurement
from station.domain.sound import Stimulus, ToneReading, Value
from station.steps.distortion import DROWNS_PERCENT, SILENT_PERCENT
from station.steps.levels import delivers, rated_output_v, source_v
from station.steps.params import require
from station.steps.step import StepContext


@dataclass(frozen=True, slots=True)
class Params:
    """Levels below rated power (dB) of the middle and the low one, frequency, length of each capture."""

    middle_db: float = 10.0
    low_db: float = 30.0
    frequency_hz: float = 1000.0
    capture_s: float = 0.5

    def __post_init__(self) -> None:
        require("middle_db", self.middle_db, 3.0, 40.0)
        require("low_db", self.low_db, 10.0, 60.0)
        require("frequency_hz", self.frequency_hz, 20.0, 20000.0)
        require("capture_s", self.capture_s, 0.1, 10.0)


async def measure(context: StepContext, params: Params) -> None:
    """Records per channel `even_thd_percent` and `odd_thd_percent` at rated power, `middle_thd_percent` and
    `low_thd_percent` at the two lower levels."""
    await context.bench.drive.prepare()
    for place, below_db in enumerate((0.0, params.middle_db, params.low_db)):
        asked_v = rated_output_v(context) / 10 ** (below_db / 20.0)
        left_v, right_v = (source_v(context, channel, asked_v) for channel in CHANNELS)
        readings = await context.bench.sound.measure_tone(
            Stimulus(params.frequency_hz, left_v, right_v, params.capture_s)
        )
        for reading in readings:
            if place == 0:
                _record(context, "even_thd_percent", reading, _orders(reading, (2, 4, 6, 8, 10)), asked_v)
                _record(context, "odd_thd_percent", reading, _orders(reading, (3, 5, 7, 9)), asked_v)
            else:
                name = "middle_thd_percent" if place == 1 else "low_thd_percent"
                _record(context, name, reading, reading.thd_percent, asked_v)
        context.progress((place + 1) / 3)


def _orders(reading: ToneReading, orders: Sequence[int]) -> Value | None:
    """THD of some orders alone, in per cent; what was not seen of them is in the uncertainty of all."""
    if reading.thd_percent is None:
        return None
    found = [reading.harmonics_dbc[order - 2] for order in orders]
    value = 100.0 * math.sqrt(sum(10 ** (level / 10.0) for level in found if level is not None))
    uncertainty = reading.thd_percent.uncertainty
    return Value(value, uncertainty) if value > uncertainty else Value(value + uncertainty, uncertainty, "below")


def _record(context: StepContext, name: str, reading: ToneReading, value: Value | None, asked_v: float) -> None:
    conditions: dict[str, str | float] = {"level_v": round(reading.level_v.value, 4), "driven": "both"}
    if value is None:
        context.record(Measurement(name, SILENT_PERCENT, reading.channel, 0.0, "above", conditions=conditions))
        return
    noisy = reading.thd_n_percent is not None and reading.thd_n_percent.value > DROWNS_PERCENT
    if value.bound is not None and (noisy or not delivers(reading.level_v, asked_v)):
        context.note(f"{name}, {reading.channel}: too quiet or too noisy to see any")
        context.skip(name, reading.channel)
        return
    context.record(
        Measurement(name, value.value, reading.channel, value.uncertainty, value.bound, conditions=conditions)
    )
