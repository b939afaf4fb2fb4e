"""Half a minute at rated power: does it stay on, and does the quiescent current follow the heat?

What bias adds to the mains power at rest is twice the rails times its current, so the same meter before and after
tells its rise to some milliamperes without a hand inside the device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from drivers.ports import Accuracy
from station.domain.measurement import CHANNELS, Measurement
from station.domain.sound import Stimulus
from station.steps.levels import GAIN_BELIEVED_DB, plate_of, rated_output_v, source_v
from station.steps.params import require
from station.steps.readings import mean_of
from station.steps.soak_tally import Tally
from station.steps.step import StepContext

BATCH_S = 10.0
STEADY = Accuracy(relative=0.001)
"""A power meter against itself within the minutes of this step: what it is off by cancels in the difference."""


@dataclass(frozen=True, slots=True)
class Params:
    """How long it is driven, test time for the supply to settle before and after, readings of the mains meter."""

    drive_s: float = 30.0
    frequency_hz: float = 1000.0
    settle_s: float = 3.0
    readings: int = 5

    def __post_init__(self) -> None:
        require("drive_s", self.drive_s, 5.0, 600.0)
        require("frequency_hz", self.frequency_hz, 500.0, 5000.0)
        require("settle_s", self.settle_s, 1.0, 60.0)
        require("readings", self.readings, 1, 100)


async def measure(context: StepContext, params: Params) -> None:
    """Records `idle_power_rise_w` (mains power at rest, after less before), `dropouts` per channel (silences longer
    than 50 ms) and `heatsink_degc` at the end."""
    await context.bench.drive.prepare()
    power = context.bench.meters.accuracy("mains.power_w")
    before_w, before_u = mean_of(await _at_rest_w(context, params), STEADY)
    tally = await _drive(context, params)
    heatsink_degc = (await context.bench.meters.fresh("temperature"))["heatsink_degc"]
    for index, channel in enumerate(CHANNELS):
        if _plays(context, channel):
            context.record(Measurement("dropouts", float(len(tally.dropouts(index))), channel, 0.0))
        else:
            context.skip("dropouts", channel)
    accuracy = context.bench.meters.accuracy("temperature.heatsink_degc")
    context.record(Measurement("heatsink_degc", heatsink_degc, uncertainty=accuracy.expanded(heatsink_degc)))
    after_w, after_u = mean_of(await _at_rest_w(context, params), STEADY)
    rise_w = after_w - before_w
    uncertainty = math.hypot(power.expanded(rise_w), before_u, after_u)
    context.record(Measurement("idle_power_rise_w", rise_w, uncertainty=uncertainty))


@dataclass(frozen=True, slots=True)
class HeatsinkParams:
    """Nothing to set: one reading."""


async def measure_heatsink(context: StepContext, params: HeatsinkParams) -> None:
    """Records `heatsink_degc` now, for a plan that lets nothing drive a device that is too hot already."""
    degc = (await context.bench.meters.fresh("temperature"))["heatsink_degc"]
    accuracy = context.bench.meters.accuracy("temperature.heatsink_degc")
    context.record(Measurement("heatsink_degc", degc, uncertainty=accuracy.expanded(degc)))


async def _drive(context: StepContext, params: Params) -> Tally:
    """Both channels at rated power for the time; what was silent of it."""
    tally = Tally(reference_s=params.drive_s, window_s=1.0)
    output_v = rated_output_v(context)
    left_v, right_v = (source_v(context, channel, output_v) for channel in CHANNELS)
    stream = await context.bench.sound.start_soak(Stimulus(params.frequency_hz, left_v, right_v, params.drive_s))
    batch = None
    try:
        while tally.end_s < params.drive_s - 1e-6:
            batch = await stream.advance(min(params.drive_s, tally.end_s + BATCH_S))
            tally.take(batch)
            context.progress(tally.end_s / params.drive_s, remaining_s=params.drive_s - tally.end_s)
    finally:
        await stream.close()
    tally.close(batch)
    return tally


async def _at_rest_w(context: StepContext, params: Params) -> list[float]:
    await context.clock.sleep(params.settle_s)
    return [(await context.bench.meters.fresh("mains"))["power_w"] for _ in range(params.readings)]


def _plays(context: StepContext, channel: str) -> bool:
    """Whether this channel was found to give about what it should: one that never spoke drops out of nothing."""
    gain_db = context.already("gain_db", channel)  # type: ignore[arg-type]
    return gain_db is not None and gain_db >= plate_of(context).gain_db - GAIN_BELIEVED_DB
