"""Readings in words: `voltage_v` 230.1 becomes `230.1 V`. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from drivers.ports import GuardStatus

UNITS: Mapping[str, str] = {
    "v": "V", "mv": "mV", "a": "A", "ma": "mA", "w": "W", "wh": "Wh", "hz": "Hz", "degc": "degC", "ohm": "ohm",
    "mohm": "Mohm", "rpm": "rpm", "va": "VA", "var": "var", "kwh": "kWh", "k": "K", "percent": "%",
}  # fmt: skip
"""The unit that the last word of a reading's name stands for."""
UNITS_THAT_SAY_IT = frozenset({"V", "A", "W", "Wh", "Hz", "rpm"})
"""With these a name that has no more to say than its unit is left out: `230.1 V` needs no `voltage`."""
PLAIN_NAMES = frozenset({"voltage", "current", "power", "energy", "frequency", "volts", ""})


def read_out(values: Mapping[str, float]) -> str:
    """All quantities of one reading, shortly: `230.1 V, 0.0 W`."""
    return ", ".join(_one(name, value) for name, value in values.items())


def _one(name: str, value: float) -> str:
    first, _, last = name.rpartition("_")
    unit = UNITS.get(last)
    if unit is None:
        return f"{name.replace('_', ' ')} {number(value)}"
    label = first.replace("_", " ") if unit not in UNITS_THAT_SAY_IT or first not in PLAIN_NAMES else ""
    return " ".join(part for part in (label, number(value), unit) if part)


def number(value: float) -> str:
    """As many digits as are worth reading, never an exponent."""
    size = abs(value)
    if not math.isfinite(value) or size >= 1000:
        return f"{value:.0f}"
    value = value if size >= 0.00005 else 0.0  # no -0.0
    text = f"{value:.{1 if size >= 10 else 2 if size >= 1 else 4}f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def guard_words(status: GuardStatus) -> str:
    """What the guard says of itself and its loops."""
    cause = f" ({', '.join((status.cause, *status.also))})" if status.cause else ""
    parts = [
        f"{status.state.value}{cause}",
        f"K {'on' if status.k else 'off'}",
        f"H {'on' if status.h else 'off'}",
        f"lid {'closed' if status.lid else 'open'}, {'locked' if status.lock else 'unlocked'}",
        f"{status.bad} bad frames",
    ]
    return ", ".join(parts)


def guard_trouble(status: GuardStatus) -> str:
    """What is wrong with what it says: a loop that is open, a contactor that has not opened; "" where nothing is."""
    wrong = []
    if not status.estop:
        wrong.append("the emergency stop is pressed, or its loop is open")
    if not status.thermo:
        wrong.append("the thermostat and smoke loop is open")
    if status.fb and not status.k:
        wrong.append("a contactor's mirror contact says closed while K is off")
    return "; ".join(wrong)


def relay_words(positions: Sequence[bool], channels: Mapping[str, int]) -> str:
    """Which relays of the board are closed, by role."""
    roles = {channel: role for role, channel in channels.items()}
    closed = [roles.get(channel, f"channel {channel}") for channel, on in enumerate(positions) if on]
    return f"{len(positions)} relays, closed: {', '.join(closed) or 'none'}"
