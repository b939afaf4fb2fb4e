"""The check that every Modbus reading passes before anyone sees it: finite and possible, else `ProtocolError`."""

from __future__ import annotations

import math

from drivers.errors import ProtocolError


def possible(device: str, name: str, value: float, low: float | None, high: float | None) -> float:
    """`value` itself when it is finite and within [low, high]. Raises `ProtocolError` naming value and bound."""
    if not math.isfinite(value):
        raise ProtocolError(device, f"{name} is {value}, not a number; check the sensor and the register map")
    if low is not None and value < low:
        raise ProtocolError(device, f"{name} = {value:g} is below the possible {low:g}; check sensor and register map")
    if high is not None and value > high:
        raise ProtocolError(device, f"{name} = {value:g} is above the possible {high:g}; check sensor and register map")
    return value
