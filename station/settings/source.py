"""The files of a configuration tree as read: data, line numbers, and what no file may hold (NaN, secrets, dates)."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path as FilePath
from typing import Any

from station.settings.locate import Path, line_of_unfinished, locate
from station.settings.problem import Problem
from station.settings.secrets import SECRET

STATION = "station.toml"
"""The file of a tree that says which bench it is."""
CALIBRATION = "calibration"
"""The folder of the bench's own tree with the calibrations of its instruments, a file a role."""

_NAME_AND_PASSWORD = re.compile(r"://[^/\s@]+@")
_WHERE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_OF_A_MACHINE = re.compile(r"/|~/|[A-Za-z]:\\")
_BARE = re.compile(r"^[A-Za-z0-9_-]+$")


@dataclass(frozen=True, slots=True)
class Source:
    """One TOML file: `file` as printed, `name` within the tree (`plans/self-test.toml`)."""

    file: str
    name: str
    data: Mapping[str, Any]
    lines: Mapping[Path, int]

    def problem(self, path: Path, wrong: str, remedy: str) -> Problem:
        """A problem at `path`, or at its nearest parent that stands in the file."""
        at = path
        while at and at not in self.lines:
            at = at[:-1]
        return Problem(self.file, self.lines.get(at, 1), key_text(path), wrong, remedy)


def key_text(path: Path) -> str:
    """A path as a maintainer reads it; array elements count from 1: `step[3].params.voltage_v`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += ("." if text else "") + (part if _BARE.match(part) else f'"{part}"')
    return text or "(file)"


def read_source(directory: FilePath, name: str) -> tuple[Source | None, list[Problem]]:
    """Read one file; a file that is missing, unreadable or no TOML gives None and the problem."""
    path = directory / name
    file = str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "unreadable"
        return None, [Problem(file, 1, "(file)", f"cannot be read: {reason}", "put the file there, readable to bench")]
    try:
        text = raw.decode("utf-8")
        data = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return None, [Problem(file, line, "(text)", "is not UTF-8", "save the file as UTF-8")]
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax(file, text, str(error))]
    source = Source(file, name, data, locate(text.replace("\r\n", "\n")))
    return source, list(_never_allowed(source))


def _syntax(file: str, text: str, message: str) -> Problem:
    match = _WHERE.search(message)
    line = int(match.group(1)) if match and match.group(1) else line_of_unfinished(text)
    what = message[: match.start()] if match else message
    remedy = "put this line right (texts in quotes, one `key = value` a line, each key once)"
    return Problem(file, line, "(syntax)", f"not TOML: {what[:1].lower()}{what[1:]}", remedy)


def _never_allowed(source: Source) -> Iterator[Problem]:
    is_calibration = source.name.startswith(f"{CALIBRATION}/")
    is_own = is_calibration or source.name == STATION
    for path, value in _walk((), source.data):
        key = str(path[-1]) if path else ""
        if SECRET.search(key) or (isinstance(value, str) and "PRIVATE KEY-----" in value):
            yield source.problem(
                path, "a secret in the configuration", "keep it in the credentials directory and name the file only"
            )
        elif isinstance(value, str) and _NAME_AND_PASSWORD.search(value):
            yield source.problem(path, "a secret in the configuration", "remove name and password; use certificates")
        elif isinstance(value, str) and not is_own and _OF_A_MACHINE.match(value):
            yield source.problem(path, "a path of one machine in a file for all", f"paths belong into {STATION} only")
        elif isinstance(value, float) and not math.isfinite(value):
            yield source.problem(path, f"{value} is no number to judge by", "write a finite number, or no key")
        elif isinstance(value, int | float) and key.endswith("_s") and value < 0:
            yield source.problem(path, f"a negative duration ({value})", "write seconds, 0 or more")
        elif is_calibration and type(value) is date:
            continue
        elif not isinstance(value, str | int | float | list | dict):
            yield source.problem(path, "a date or time stands here", "put it in quotes or leave it out")
        elif isinstance(value, dict) and _crossed(value):
            wrong = f"low {value['low']} is above high {value['high']}"
            yield source.problem((*path, "low"), wrong, "swap the two or correct one")


def _crossed(table: Mapping[str, Any]) -> bool:
    low, high = table.get("low"), table.get("high")
    return isinstance(low, int | float) and isinstance(high, int | float) and low > high


def _walk(path: Path, value: object) -> Iterator[tuple[Path, object]]:
    if path:
        yield path, value
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _walk((*path, key), child)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _walk((*path, index), child)


def table(value: object) -> Mapping[str, Any]:
    """`value` if it is a table, else an empty one: for checks that look on after the schema has complained."""
    return value if isinstance(value, dict) else {}


def tables(value: object) -> list[tuple[int, Mapping[str, Any]]]:
    """The tables in an array of tables with their indices; empty where it is none."""
    return [(i, item) for i, item in enumerate(value) if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: object) -> list[tuple[int, str]]:
    """The texts in an array with their indices; empty where it is none."""
    return [(i, item) for i, item in enumerate(value) if isinstance(item, str)] if isinstance(value, list) else []
