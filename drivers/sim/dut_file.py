"""The file of a simulated DUT: its physical parameters, never results (contracts/cli.md, "A simulated DUT").

Reads and checks one TOML file into the frozen dataclass of its family (`families.py`): keys are the fields, a field's
default is the value of the sample, `BOUNDS` and `CHOICES` bound what may be given. What a parameter does lives with
the family's device.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, TypeVar


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


def both(value: float) -> Sides:
    return Sides(value, value)


Bounds = Mapping[str, tuple[float, float]]


K = TypeVar("K")
"""A frozen dataclass with a default for every field and two class variables, `BOUNDS: Bounds` and `CHOICES`."""


def read_dut(path: Path | str, kind_of: Callable[[str | None], type[K]]) -> K:
    """Read a DUT file; a missing key takes the value of the sample. `kind_of`: the class for a product, or for none.

    Raises `DutError`, also for what `kind_of` says of the product (`ValueError`).
    """
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
    product = raw.get("product")
    if product is not None and (not isinstance(product, str) or not product):
        raise source.error("product", f"{product!r} is no text; give a text in quotes")
    try:
        kind = kind_of(product)
    except ValueError as error:
        raise source.error("product", str(error)) from error
    sample: Any = kind()
    return kind(**{key: _value(source, sample, key, value) for key, value in raw.items()})


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


def _value(source: _Source, sample: Any, key: str, value: Any) -> Any:
    known = [own.name for own in fields(sample)]
    if key not in known:
        remedy = f"remove it or take one of {', '.join(known)}"
        raise source.error(key, f"is no key of a simulated DUT of this family (value {value!r}); {remedy}")
    default = getattr(sample, key)
    if isinstance(default, Sides):
        return _sides(source, default, key, value, sample.BOUNDS[key])
    if key in sample.BOUNDS:
        return _number(source, key, value, *sample.BOUNDS[key])
    if key == "dropouts":
        return _dropouts(source, value)
    if isinstance(default, tuple):
        return _texts(source, key, value)
    if not isinstance(value, str) or not value:
        raise source.error(key, f"{value!r} is no text; give a text in quotes")
    if key in sample.CHOICES and value not in sample.CHOICES[key]:
        raise source.error(key, f"{value!r} is unknown; give one of {', '.join(sample.CHOICES[key])}")
    return value


def _texts(source: _Source, key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise source.error(key, f'{value!r} is no list of texts; give ["camera", "sound"], say')
    return tuple(value)


def _sides(source: _Source, sample: Sides, key: str, value: Any, bounds: tuple[float, float]) -> Sides:
    if not isinstance(value, dict):
        return both(_number(source, key, value, *bounds))
    for side in value:
        if side not in Sides._fields:
            raise source.error(f"{key}.{side}", "is no channel; give { left = …, right = … }")
    numbers = {side: _number(source, f"{key}.{side}", number, *bounds) for side, number in value.items()}
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
