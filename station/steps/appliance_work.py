"""Power and current of an appliance at work: the mean over readings in which it works, not over its pauses.

A thermostat makes pauses; a reading below half of the largest is one, and is waited out. What never comes out of its
pause is measured as it is, and a note says that something has stopped it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from station.domain.measurement import Measurement
from station.domain.plates import AppliancePlate
from station.steps.params import require
from station.steps.readings import mean_of, needed
from station.steps.step import StepContext

Reading = Mapping[str, float]
PAUSE = 0.5
"""Of the largest power seen: less is a pause of its thermostat, or the end of its work."""


@dataclass(frozen=True, slots=True)
class Params:
    """After `settle_s` of test time, `readings` readings at work, `pause_s` apart; a pause is waited for `wait_s`."""

    settle_s: float = 5.0
    readings: int = 8
    pause_s: float = 1.0
    wait_s: float = 300.0

    def __post_init__(self) -> None:
        require("settle_s", self.settle_s, 0.0, 600.0)
        require("readings", self.readings, 2, 100)
        require("pause_s", self.pause_s, 0.1, 60.0)
        require("wait_s", self.wait_s, 1.0, 3600.0)


async def measure(context: StepContext, params: Params) -> None:
    """Records `work_power_w` (a heater's at its rated voltage) and `work_current_a` (rms, as it flows)."""
    plate = context.product.plate_of(AppliancePlate)
    await context.clock.sleep(params.settle_s)
    readings = await _readings(context, params)
    volts, _ = mean_of([one["voltage_v"] for one in readings], context.bench.meters.accuracy("mains.voltage_v"))
    amps, amps_u = mean_of([one["current_a"] for one in readings], context.bench.meters.accuracy("mains.current_a"))
    watts, watts_u = mean_of([one["power_w"] for one in readings], context.bench.meters.accuracy("mains.power_w"))
    told_w, told_u = _at_rated(context, plate, watts, watts_u, volts)
    conditions: dict[str, str | float] = {"voltage_v": round(volts, 1), "drawn_w": round(watts, 1)}
    context.record(Measurement("work_power_w", told_w, uncertainty=told_u, conditions=conditions))
    context.record(Measurement("work_current_a", amps, uncertainty=amps_u, conditions={"voltage_v": round(volts, 1)}))
    if volts * amps > 1.0:
        factor = min(1.0, watts / (volts * amps))
        context.note(f"{watts:.0f} W, {volts * amps:.0f} VA at {volts:.1f} V: power factor {factor:.2f}")


def _at_rated(
    context: StepContext, plate: AppliancePlate, watts: float, watts_u: float, volts: float
) -> tuple[float, float]:
    """A heater's power at its rated voltage, by the square of the voltages; a motor's as it is."""
    if plate.main_load != "heating" or volts <= 0.0:
        return watts, watts_u
    scale = (plate.rated_v / volts) ** 2
    volts_u = context.bench.meters.accuracy("mains.voltage_v").expanded(volts) / volts
    return watts * scale, math.hypot(watts_u * scale, 2.0 * volts_u * watts * scale)


async def _readings(context: StepContext, params: Params) -> Sequence[Reading]:
    """Those at work; where it stayed in a pause until the waiting was over, the last ones as they are."""
    seen: list[Reading] = []
    largest_w = context.already("start_power_w") or 0.0
    begun_s = context.clock.now_s()
    while True:
        seen.append(needed(await context.bench.meters.fresh("mains"), "mains", "power_w", "voltage_v", "current_a"))
        largest_w = max(largest_w, seen[-1]["power_w"])
        at_work = [one for one in seen if one["power_w"] >= PAUSE * largest_w]
        context.progress(min(1.0, len(at_work) / params.readings), {"work_power_w": seen[-1]["power_w"]})
        if len(at_work) >= params.readings:
            if len(at_work) < len(seen):
                context.note(f"{len(seen) - len(at_work)} of {len(seen)} readings in a pause (thermostat), left out")
            return at_work[-params.readings :]
        if context.clock.now_s() - begun_s > params.wait_s and len(seen) >= params.readings:
            context.note(
                f"the power fell from {largest_w:.0f} W to {seen[-1]['power_w']:.0f} W and stayed there for "
                f"{params.wait_s:g} s: a thermostat or a safety device has stopped it, or it has finished"
            )
            return seen[-params.readings :]
        await context.clock.sleep(params.pause_s)
