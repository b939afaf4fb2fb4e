"""The bench's own check: the mains is there, every sensor answers. Switches nothing on."""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.measurement import Measurement
from station.steps.params import require
from station.steps.readings import mean_of
from station.steps.step import StepContext


@dataclass(frozen=True, slots=True)
class Params:
    """`readings`: how many readings of the supply are averaged."""

    readings: int = 3

    def __post_init__(self) -> None:
        require("readings", self.readings, 1, 20)


async def measure(context: StepContext, params: Params) -> None:
    """Records `supply_v`: the mean supply voltage at the bench, V rms."""
    readings: list[float] = []
    for done in range(params.readings):
        readings.append((await context.bench.meters.fresh("mains"))["voltage_v"])
        context.progress((done + 1) / params.readings, {"supply_v": sum(readings) / len(readings)})
    mean, uncertainty = mean_of(readings, context.bench.meters.accuracy("mains.voltage_v"))
    context.record(Measurement("supply_v", mean, uncertainty=uncertainty))
