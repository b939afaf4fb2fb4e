"""The table of readings: written by pollers, read whole by the scan. It keeps no history and judges nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from station.domain.interlock import Reading


class ReadingTable:
    """Last reading by name (`role.quantity`). A failed read replaces the last value by None: it is never kept."""

    def __init__(self) -> None:
        self._readings: dict[str, Reading] = {}

    def put(self, role: str, values: Mapping[str, float], taken_at: float) -> None:
        """Enter one reading of a device; what is not finite goes in as None. `taken_at` is monotonic seconds."""
        for quantity, value in values.items():
            good = float(value) if math.isfinite(value) else None
            self._readings[f"{role}.{quantity}"] = Reading(good, taken_at)

    def fail(self, role: str, quantities: Iterable[str], taken_at: float) -> None:
        """The device failed at `taken_at`: all that it has ever delivered or should deliver is None from now on."""
        known = {name for name in self._readings if name.startswith(f"{role}.")}
        for name in known | {f"{role}.{quantity}" for quantity in quantities}:
            self._readings[name] = Reading(None, taken_at)

    def get(self, name: str) -> Reading | None:
        """The last reading of that name."""
        return self._readings.get(name)

    def snapshot(self) -> Mapping[str, Reading]:
        """A copy that later readings do not change."""
        return dict(self._readings)
