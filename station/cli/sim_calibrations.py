"""Calibrations of the twins' instruments, as a bench would have them: of yesterday, for a year, marked as simulated.

They correct nothing and claim no more than the data sheets that the twins keep to (k=2 of a rectangular bound, GUM
4.3.7): what a bench does with a calibration is tried on the simulated one as well.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import tomli_w

from station.settings.calibrations import AUDIO, AUDIO_QUANTITIES, path_of

BY = "simulated bench"
YEAR = timedelta(days=365)
_K2 = 2.0 / 3.0**0.5
_DC = dict.fromkeys(("left_plus_v", "left_minus_v", "right_plus_v", "right_minus_v"), (0.005, 0.0002))
_VOLTS = (0.002, 0.002)
_FEED = {"main_v": _VOLTS, "main_a": (0.003, 0.0005), "battery_v": _VOLTS, "battery_a": (0.003, 0.0001)}
BOUNDS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "tester": {"insulation_mohm": (0.02, 0.0), "earth_bond_ohm": (0.02, 0.00005)},
    "touch": {"touch_current_ma": (0.02, 0.0005)},
    "mains": {"voltage_v": (0.005, 0.05), "current_a": (0.005, 0.0005), "power_w": (0.005, 0.05)},
    "temperature": dict.fromkeys(("heatsink_degc", "ambient_degc", "loadbank_degc"), (0.0, 0.52)),
    "inrush": {"peak_a": (0.02, 0.0)},
    "dc": _DC,
    "loadbank": dict.fromkeys(("left_ohm", "right_ohm"), (0.001, 0.0)),
    "feed": _FEED,
    "probe": {"volts_v": (0.005, 0.0005)},
    "bias": dict.fromkeys(("left_mv", "right_mv"), (0.005, 0.04)),
    AUDIO: dict.fromkeys(AUDIO_QUANTITIES, (10.0 ** (0.02 / 20.0) - 1.0, 0.0)),
}
"""By role and quantity: the bounds of the data sheet, relative and in the unit of the name."""
LOOPBACK = {"thd_db": -105.0, "noise_db": -110.0}
NUMBERS: Mapping[str, str] = {"tester": "SIM000000001", "touch": "SIM00002", AUDIO: "SIM-7"}
"""What those twins say that can say it; the others are declared."""


def write_calibrations(directory: Path, roles: Collection[str], today: date | None = None) -> None:
    """Write the files of `roles` (those of station.toml, and audio); one that somebody has calibrated since stays."""
    day = today or datetime.now(UTC).date()
    path_of(directory, AUDIO).parent.mkdir(exist_ok=True)
    for role, quantities in BOUNDS.items():
        path = path_of(directory, role)
        if (role in roles or role == AUDIO) and (not path.exists() or _is_ours(path)):
            path.write_text(tomli_w.dumps(_document(role, quantities, day - timedelta(days=1))), encoding="utf-8")


def _is_ours(path: Path) -> bool:
    revisions = tomllib.loads(path.read_text(encoding="utf-8")).get("revision", [])
    return len(revisions) == 1 and revisions[0].get("by") == BY


def _document(role: str, quantities: Mapping[str, tuple[float, float]], made: date) -> dict[str, Any]:
    revision: dict[str, Any] = {
        "date": made, "due": made + YEAR, "by": BY, "reference": "the plant itself", "certificate": "",
        "note": "simulated: no instrument was calibrated",
        "quantity": {
            name: {"factor": 1.0, "offset": 0.0, "relative": _K2 * relative, "absolute": _K2 * absolute}
            for name, (relative, absolute) in quantities.items()
        },
    }  # fmt: skip
    if role == AUDIO:
        revision["loopback"] = LOOPBACK
    number = NUMBERS.get(role)
    return {
        "role": role, "serial_number": number or f"SIM-{role}", "declared": number is None, "revision": [revision],
    }  # fmt: skip
