"""Signal-to-noise ratio: A-weighted noise re rated output, source silent (IEC 60268-3).

The interface's own noise is measured in the same step, with the capture relay open, and its power taken off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from station.domain.errors import StepError
from station.domain.measurement import Measurement
from station.domain.sound import Value
from station.metrology.uncertainty import DB
from station.steps.levels import db, rated_output_v
from station.steps.params import require
from station.steps.step import StepContext


@dataclass(frozen=True, slots=True)
class Params:
    """Length of each noise capture."""

    capture_s: float = 1.0

    def __post_init__(self) -> None:
        require("capture_s", self.capture_s, 0.2, 20.0)


async def measure(context: StepContext, params: Params) -> None:
    """Records `snr_db` per channel, re rated output voltage."""
    bench = context.bench
    await bench.routing.open("capture")
    own = await bench.sound.measure_noise(params.capture_s)
    context.progress(0.5)
    await bench.drive.prepare()
    readings = await bench.sound.measure_noise(params.capture_s)
    rated_v = rated_output_v(context)
    for reading, floor in zip(readings, own, strict=True):
        noise, bound = _without_floor(reading.a_weighted_v, floor.a_weighted_v)
        context.record(
            Measurement(
                "snr_db", db(rated_v / noise.value), reading.channel,
                DB * noise.uncertainty / noise.value, "above" if bound else None,
                conditions={"weighting": "A", "re_v": round(rated_v, 3), "flat_uv": _microvolts(reading.flat_v)},
            )
        )  # fmt: skip


def _microvolts(value: Value) -> float:
    return round(value.value * 1e6, 1)


def _without_floor(noise: Value, floor: Value) -> tuple[Value, bool]:
    """The DUT's noise alone, or (True) a bound of it where it does not stand out of the interface's own.

    Raises `StepError` where either is nothing at all: no interface is that quiet, and no ratio may come out of it.
    """
    if noise.value <= 0.0 or floor.value <= 0.0:
        raise StepError("snr: a noise of 0 V was captured, which no converter gives: look at the audio interface")
    power = noise.value**2 - floor.value**2
    power_noise = 2 * math.hypot(noise.value * noise.unrepeated, floor.value * floor.unrepeated)
    # the scale is the same in both: it stretches what is left by as much as it stretches either
    scale = math.sqrt(max(noise.uncertainty**2 - noise.unrepeated**2, 0.0)) / noise.value
    if power <= power_noise:
        bound = max(math.sqrt(max(power, 0.0) + power_noise) * (1.0 + scale), 1e-9)
        return Value(bound, math.hypot(power_noise / (2 * bound), scale * bound)), True
    value = math.sqrt(power)
    return Value(value, math.hypot(power_noise / (2 * value), scale * value)), False
