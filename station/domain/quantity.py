"""Names of quantities and their units: the unit is the last word of the name (contracts/record.md)."""

from __future__ import annotations

_UNITS = {
    "mohm": "Mohm", "ohm": "ohm", "ma": "mA", "a": "A", "v": "V", "mv": "mV", "w": "W", "db": "dB",
    "percent": "%", "deg": "deg", "degc": "degC", "s": "s", "hz": "Hz", "k": "K", "factor": "1", "dropouts": "1",
    "ok": "1",  # a person's answer: 1 OK, 0 NG
}  # fmt: skip


def unit_of(name: str) -> str:
    """The unit of a measurement, from the last word of its name. Raises `ValueError` for a name without one."""
    unit = _UNITS.get(name.rsplit("_", 1)[-1])
    if unit is None:
        known = ", ".join(sorted(_UNITS))
        raise ValueError(f"{name}: the last word of the name is no known unit; end it with one of {known}")
    return unit
