"""A meter's readings as one figure: their mean, and what the meter and their own scatter leave of it (k=2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from station.domain.errors import StepError
from station.metrology.uncertainty import expanded, extreme, normal, scatter, wander
from station.safety.bench import Meters


class Accurate(Protocol):
    """What knows how far one of a meter's quantities may be off: by its data sheet, or by its calibration."""

    def expanded(self, value: float) -> float:
        """Expanded uncertainty (k=2) of a reading, in its unit."""


def needed(readings: Mapping[str, float], role: str, *names: str) -> Mapping[str, float]:
    """The readings of a role, all of these names among them. Raises `StepError`: this bench does not read one."""
    missing = [name for name in names if name not in readings]
    if missing:
        raise StepError(
            f"{role} does not read {', '.join(missing)} on this bench; add it to [devices.{role}] of station.toml"
        )
    return readings


def mean_of(readings: Sequence[float], accuracy: Accurate) -> tuple[float, float]:
    """Mean of at least one reading, and its uncertainty (k=2): the meter's own, and the scatter of the readings."""
    mean = sum(readings) / len(readings)
    return mean, expanded((normal("meter", accuracy.expanded(mean)), scatter("repeatability", readings)))


async def read_mean(meters: Meters, name: str, count: int) -> tuple[float, float]:
    """Mean of `count` fresh readings of `role.quantity`, and its uncertainty (k=2). Raises `DriverError`."""
    role, _, quantity = name.partition(".")
    return mean_of([(await meters.fresh(role))[quantity] for _ in range(count)], meters.accuracy(name))


def furthest_uncertainty(worst: float, series: Sequence[float], accuracy: Accurate, besides: float = 0.0) -> float:
    """Of `worst`, picked out of `series` because it lies furthest: noise alone would have picked one too (k=2).

    `besides`: what else there is, k=2."""
    noise = 2.0 * wander(series)
    parts = (
        normal("meter", accuracy.expanded(worst)), normal("besides", besides),
        normal("noise", noise), extreme("picked", noise, len(series)),
    )  # fmt: skip
    return expanded(parts)
