"""A simulated DUT: its physical parameters, never results (contracts/cli.md, "A simulated DUT").

Reads and checks one TOML file. What the parameters do lives in `amplifier.py`, `thermal.py` and `mains.py`.
"""

# ruff: noqa: RUF009  (Sides is immutable: safe as a default)

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple

OutputShort = Literal["none", "left", "right", "both"]
ProtectionClass = Literal["I", "II"]


class DutError(ValueError):
    """A DUT file cannot be used; the message names file, key, value and remedy."""


class Sides(NamedTuple):
    """One value a channel; index 0 is left, 1 is right."""

    left: float
    right: float


class Dropout(NamedTuple):
    """Both channels silent for `for_s` from `at_s` on, in seconds of the audio port's continuous stream."""

    at_s: float
    for_s: float


def _both(value: float) -> Sides:
    return Sides(value, value)


@dataclass(frozen=True, slots=True)
class Dut:
    """The keys of a DUT file, in their units; the defaults are the sample of contracts/cli.md."""

    product: str = "example-a-100"
    maker: str = "Example"
    model: str = "A-100"
    rated_power_w: float = 100.0
    load_ohm: float = 8.0
    gain_db: Sides = _both(29.0)
    rail_v: Sides = _both(46.0)
    rail_ohm: float = 0.5
    output_impedance_ohm: Sides = _both(0.04)
    h2_dbc: Sides = _both(-72.0)
    h3_dbc: Sides = _both(-78.0)
    crossover_mv: Sides = _both(0.0)
    noise_uv: Sides = _both(80.0)
    hum_uv: Sides = _both(30.0)
    highpass_hz: Sides = _both(4.0)
    lowpass_hz: Sides = _both(90000.0)
    crosstalk_dbc: Sides = _both(-70.0)
    dc_offset_mv: Sides = _both(8.0)
    insulation_mohm: float = 80.0
    earth_bond_ohm: float = 0.06
    touch_current_ma: float = 0.12
    idle_power_w: float = 38.0
    inrush_a: float = 14.0
    output_short: OutputShort = "none"
    protection_class: ProtectionClass = "I"
    bias_ma: Sides = _both(50.0)
    bias_ma_per_k: Sides = _both(0.05)
    heatsink_k_per_w: float = 0.35
    heatsink_j_per_k: float = 900.0
    protect_degc: float = 95.0
    ambient_degc: float = 25.0
    dropouts: tuple[Dropout, ...] = ()


_BOUNDS: Mapping[str, tuple[float, float]] = {
    "rated_power_w": (0.001, 100_000.0),
    "load_ohm": (0.1, 100_000.0),
    "gain_db": (-200.0, 100.0),
    "rail_v": (0.0, 1_000.0),
    "rail_ohm": (0.0, 1_000.0),
    "output_impedance_ohm": (0.0, 100_000.0),
    "h2_dbc": (-300.0, 0.0),
    "h3_dbc": (-300.0, 0.0),
    "crossover_mv": (0.0, 100_000.0),
    "noise_uv": (0.0, 10_000_000.0),
    "hum_uv": (0.0, 100_000_000.0),
    "highpass_hz": (0.0, 1_000_000.0),
    "lowpass_hz": (0.1, 1_000_000_000.0),
    "crosstalk_dbc": (-300.0, 20.0),
    "dc_offset_mv": (-1_000_000.0, 1_000_000.0),
    "insulation_mohm": (0.0, 1_000_000.0),
    "earth_bond_ohm": (0.0, 1_000_000.0),
    "touch_current_ma": (0.0, 10_000.0),
    "idle_power_w": (0.0, 10_000.0),
    "inrush_a": (0.0, 5_000.0),
    "bias_ma": (0.0, 100_000.0),
    "bias_ma_per_k": (-10_000.0, 10_000.0),
    "heatsink_k_per_w": (0.001, 1_000.0),
    "heatsink_j_per_k": (0.1, 1_000_000.0),
    "protect_degc": (-50.0, 1_000.0),
    "ambient_degc": (-50.0, 80.0),
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "output_short": ("none", "left", "right", "both"),
    "protection_class": ("I", "II"),
}
_KEYS = tuple(field.name for field in fields(Dut))
_SAMPLE = Dut()
_PER_CHANNEL = frozenset(name for name in _KEYS if isinstance(getattr(_SAMPLE, name), Sides))


def load_dut(path: Path | str) -> Dut:
    """Read a DUT file; a missing key takes the value of the sample. Raises `DutError`."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DutError(f"{file}: cannot be read ({error}); give the path of a readable TOML file in UTF-8") from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DutError(f"{file}: is no TOML ({error}); correct the syntax there") from error
    source = _Source(str(file), text)
    return Dut(**{key: _value(source, key, value) for key, value in raw.items()})


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a key stands, for messages."""

    file: str
    text: str

    def error(self, key: str, what: str) -> DutError:
        """`file:line: key: what`, the line left out where the key is not found at a line's start."""
        top = re.split(r"[.\[]", key)[0]
        pattern = re.compile(rf"^\s*[\"']?(\[+\s*)?{re.escape(top)}\b")
        lines = (n for n, line in enumerate(self.text.splitlines(), 1) if pattern.match(line))
        line = next(lines, None)
        where = self.file if line is None else f"{self.file}:{line}"
        return DutError(f"{where}: {key}: {what}")


def _value(source: _Source, key: str, value: Any) -> Any:
    if key not in _KEYS:
        known = ", ".join(_KEYS)
        raise source.error(key, f"is no key of a simulated DUT (value {value!r}); remove it or take one of {known}")
    if key == "dropouts":
        return _dropouts(source, value)
    if key in _BOUNDS:
        return _sides(source, key, value) if key in _PER_CHANNEL else _number(source, key, value, *_BOUNDS[key])
    if not isinstance(value, str) or not value:
        raise source.error(key, f"{value!r} is no text; give a text in quotes")
    if key in _CHOICES and value not in _CHOICES[key]:
        raise source.error(key, f"{value!r} is unknown; give one of {', '.join(_CHOICES[key])}")
    return value


def _sides(source: _Source, key: str, value: Any) -> Sides:
    if not isinstance(value, dict):
        return _both(_number(source, key, value, *_BOUNDS[key]))
    sample: Sides = getattr(_SAMPLE, key)
    for side in value:
        if side not in Sides._fields:
            raise source.error(f"{key}.{side}", "is no channel; give { left = …, right = … }")
    numbers = {side: _number(source, f"{key}.{side}", number, *_BOUNDS[key]) for side, number in value.items()}
    return sample._replace(**numbers)


def _number(source: _Source, key: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, dict):
        raise source.error(key, f"{value!r} is a table, but this value is one for both channels; give one number")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise source.error(key, f"{value!r} is no number; give a number from {low:g} to {high:g}")
    if not math.isfinite(value) or not low <= value <= high:
        raise source.error(key, f"{value!r} is impossible; give a number from {low:g} to {high:g}")
    return float(value)


def _dropouts(source: _Source, value: Any) -> tuple[Dropout, ...]:
    form = "give [ { at_s = 2820.0, for_s = 0.3 } ]"
    if not isinstance(value, list):
        raise source.error("dropouts", f"{value!r} is no list; {form}")
    found = []
    for index, item in enumerate(value):
        key = f"dropouts[{index}]"
        if not isinstance(item, dict) or set(item) != set(Dropout._fields):
            raise source.error(key, f"{item!r} is not a table of at_s and for_s alone; {form}")
        numbers = {name: _number(source, f"{key}.{name}", item[name], 0.0, 1e9) for name in Dropout._fields}
        found.append(Dropout(**numbers))
    return tuple(sorted(found))
