"""Which instruments a measurement hangs on: what must be calibrated for it to be judged, and whom a recall concerns."""

from __future__ import annotations

MEASURED_BY: dict[str, tuple[str, ...]] = {
    "earth_bond_ohm": ("tester",),
    "insulation_mohm": ("tester",),
    "touch_current_ma": ("touch",),
}
"""By the measurement's name, roles of `station.toml`; "audio" is the interface. A person's answer (`…_ok`) has none."""


def roles_of(measurement: str) -> tuple[str, ...]:
    """The roles, () for a person's answer. Raises `KeyError` for a name that nobody has entered."""
    return () if measurement.endswith("_ok") else MEASURED_BY[measurement]
