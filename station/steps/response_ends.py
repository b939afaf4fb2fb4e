"""The response as in `response.py`, and its fall at either end by itself: coupling is not compensation."""

from __future__ import annotations

from station.domain.measurement import CHANNELS, Bound, Measurement
from station.domain.sound import ResponseReading
from station.steps.levels import db, rated_output_v, source_v
from station.steps.response import REFERENCE_HZ, THIRD_OCTAVES_HZ, Params, draw_beside, fall_uncertainty_db, record_drop
from station.steps.step import StepContext

FAINT_DB = 30.0
"""A channel that gives so much less than it is asked for has no response that means anything."""


async def measure(context: StepContext, params: Params) -> None:
    """Records per channel `response_drop_db`, and of it `low_drop_db` (below 1 kHz) and `high_drop_db` (above)."""
    await context.bench.drive.prepare()
    asked_v = rated_output_v(context) / 10 ** (params.below_rated_db / 20.0)
    readings = await context.bench.sound.measure_response(
        THIRD_OCTAVES_HZ, *(source_v(context, channel, asked_v) for channel in CHANNELS)
    )
    for reading in readings:
        record_drop(context, reading, params, asked_v)
        for name, low in (("low_drop_db", True), ("high_drop_db", False)):
            _record_end(context, name, reading, low, asked_v)
    draw_beside(context, *readings)


def _record_end(context: StepContext, name: str, reading: ResponseReading, low: bool, asked_v: float) -> None:
    """The largest fall below the 1 kHz level on one side of it; nothing where 1 kHz itself does not come out."""
    reference = reading.level_v[reading.frequency_hz.index(REFERENCE_HZ)]
    if reference.bound is not None or reference.value < asked_v / 10 ** (FAINT_DB / 20.0):
        context.skip(name, reading.channel)
        return
    side = [
        level
        for hz, level in zip(reading.frequency_hz, reading.level_v, strict=True)
        if hz != REFERENCE_HZ and (hz < REFERENCE_HZ) == low
    ]
    lowest = min(side, key=lambda level: level.value)
    fall_db = max(0.0, db(reference.value / max(lowest.value, 1e-9)))
    bound: Bound | None = "above" if lowest.bound is not None else None
    uncertainty = fall_uncertainty_db(reading, side, lowest, reference)
    context.record(Measurement(name, fall_db, reading.channel, uncertainty, bound))
