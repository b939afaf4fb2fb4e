"""The load bank by its own ohmmeter: a load that is missing or shorted is the bench's, never a figure of the DUT."""

from __future__ import annotations

from collections.abc import Mapping

from station.domain.errors import StepError
from station.domain.measurement import Channel
from station.steps.levels import plate_of
from station.steps.step import StepContext

FACTOR = 2.0
"""A load this many times off the product's is missing or shorted; a wrong one is told where power is measured."""


def is_shorted(ohm: float, wanted_ohm: float) -> bool:
    """Whether a load reads as good as nothing."""
    return ohm < wanted_ohm / FACTOR


def is_missing(ohm: float, wanted_ohm: float) -> bool:
    """Whether nothing is joined where a load should be."""
    return ohm > wanted_ohm * FACTOR


async def measured_loads(context: StepContext) -> Mapping[Channel, tuple[float, float]]:
    """Ohm and uncertainty by channel; the loads stay open. Raises `StepError` for one that is missing or shorted."""
    loads = await context.bench.drive.measure_loads()
    wanted_ohm = plate_of(context).load_ohm
    for channel, (ohm, _) in loads.items():
        if is_shorted(ohm, wanted_ohm) or is_missing(ohm, wanted_ohm):
            raise StepError(
                f"load bank, {channel}: {ohm:.3g} ohm, the product wants {wanted_ohm:g} ohm; "
                "check the leads of the load bank, then test again"
            )
    return loads
