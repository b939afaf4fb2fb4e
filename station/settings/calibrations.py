"""calibration/ROLE.toml: what the instruments of this bench were found to do, and until when that may be believed.

The files belong to one bench and are never replaced from afar (docs/calibrations.md). A correction is bounded: an
instrument further off is repaired or replaced, and a slipped digit must not hide a hot heatsink from an interlock.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date as Day
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from station.domain.calibration import Calibration, Correction, Loopback, Point, Revision
from station.settings.names import suggest
from station.settings.problem import Problem
from station.settings.schema import Name, Words
from station.settings.source import CALIBRATION, Source, read_source
from station.settings.validate import read

AUDIO = "audio"
AUDIO_QUANTITIES = ("input_left_v", "input_right_v", "output_left_v", "output_right_v")
"""Factors on `input_full_scale_v` and `output_full_scale_v` of station.toml, by channel."""
READINGS_OF_TESTERS: Mapping[str, tuple[str, ...]] = {
    "tester": ("insulation_mohm", "earth_bond_ohm"),
    "touch": ("touch_current_ma",),
    AUDIO: AUDIO_QUANTITIES,
}
"""Roles that are no sensors, and what can be calibrated of each."""
PROVING = {"discharge": "that the plug is dead and the lid may open", "fan": "that the load bank is cooled"}
"""Roles that nothing is measured by, with what they prove: as they read, for a correction could only weaken it."""
FACTOR_OFF_MAX = 0.1
"""So far from 1 may a factor be, but of what an interlock or a proof has a limit for."""
GUARDING_FACTOR_OFF_MAX = 0.02
"""Of temperatures and of `GUARDING`."""
GUARDING: Mapping[str, float] = {"dc": 0.02, "bias": 0.005}
"""Roles that prove besides that they measure, with the offset that they may have in the unit of their quantities:
terminals that are taken for 1 V are at most at 1.041 V, bias clips for 0.15 mV at most at 0.159 mV."""
OFFSET_MAX: Mapping[str, float] = {
    "degc": 2.0, "k": 2.0, "v": 0.2, "mv": 1.0, "a": 0.5, "ma": 0.05, "w": 5.0, "va": 5.0, "wh": 5.0, "hz": 0.05,
    "rpm": 50.0, "ohm": 0.05, "mohm": 0.2, "factor": 0.02, "db": 1.0, "percent": 1.0,
}  # fmt: skip
"""By the last word of a quantity's name. Whatever stands in a file, what is judged as 100 degC was read as 104.1 at
most, and what is judged as 5 Mohm as 4.3 at least."""
INTERVAL_MAX = timedelta(days=5 * 366)
"""From a calibration to its due day: more is a slipped digit in a year."""

Share = Annotated[float, Field(ge=0, le=0.2)]
"""Of a value: more is no reference, and no instrument to keep."""
Amount = Annotated[float, Field(ge=0, le=1e9)]
Hz = Annotated[float, Field(ge=1, le=100_000)]
Db = Annotated[float, Field(ge=-20, le=20)]
"""Of a loopback's response, re 1 kHz: more is no interface to measure with."""

Known = Mapping[str, Collection[str]]
"""What can be calibrated on this bench: quantities by role."""


@dataclass(frozen=True, slots=True)
class QuantityTable:
    """One quantity of a revision; see `station.domain.calibration.Correction`."""

    factor: float = 1.0
    offset: float = 0.0
    relative: Annotated[float, Field(ge=0, le=0.2)] = 0.0
    absolute: Annotated[float, Field(ge=0)] = 0.0
    as_found: tuple[tuple[float, float], ...] = ()
    as_left: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class LoopbackTable:
    """What the audio interface itself does; `date` and `by` where they are not the revision's."""

    thd_db: Annotated[float, Field(ge=-180, le=0)]
    noise_db: Annotated[float, Field(ge=-180, le=0)]
    response_db: Annotated[float, Field(ge=0, le=20)] | None = None
    response_left: tuple[tuple[Hz, Db], ...] = ()
    response_right: tuple[tuple[Hz, Db], ...] = ()
    date: Day | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class RevisionTable:
    """One calibration. `certificate` may be empty: calibrated in the house, nobody numbers it."""

    date: Day
    due: Day
    by: Words
    reference: Words
    certificate: str
    note: str = ""
    quantity: Mapping[str, QuantityTable] = field(default_factory=dict)
    loopback: LoopbackTable | None = None


@dataclass(frozen=True, slots=True)
class CalibrationFile:
    """calibration/ROLE.toml."""

    role: Name
    serial_number: Annotated[str, Field(min_length=1, max_length=64)]
    revision: Annotated[tuple[RevisionTable, ...], Field(min_length=1)]
    declared: bool = False


def path_of(directory: Path, role: str) -> Path:
    """The file of a role in the bench's own directory."""
    return directory / CALIBRATION / f"{role}.toml"


def names_of(directory: Path) -> list[str]:
    """The files that are there, by their names in the tree."""
    return sorted(f"{CALIBRATION}/{path.name}" for path in (directory / CALIBRATION).glob("*.toml"))


def load_calibrations(
    directory: Path, problems: list[Problem], known: Known | None = None
) -> dict[str, Calibration]:  # fmt: skip
    """The calibrations of the bench whose own directory this is, by role; what is wrong goes into `problems`.

    `known`: what the bench has; None: that cannot be told, and roles and quantities are not looked at.
    """
    found: dict[str, Calibration] = {}
    for name in names_of(directory):
        source, wrong = read_source(directory, name)
        problems += wrong
        if source is None:
            continue
        calibration, wrong = read_calibration(source, known)
        problems += wrong
        if calibration is not None:
            found[calibration.role] = calibration
    return found


def read_calibration(source: Source, known: Known | None = None) -> tuple[Calibration | None, list[Problem]]:
    """One file, or None and everything that is wrong with it."""
    file, problems = read(CalibrationFile, source.data, source)
    problems += _check_role(source, known)
    if file is None:
        return None, problems
    problems += _check_order(source, file)
    for index, revision in enumerate(file.revision):
        problems += _check_revision(source, index, revision, known and known.get(file.role))
    return (None if problems else _freeze(file)), problems


def _check_role(source: Source, known: Known | None) -> Iterator[Problem]:
    role = source.data.get("role")
    if not isinstance(role, str):
        return
    stem = source.name.removeprefix(f"{CALIBRATION}/").removesuffix(".toml")
    if role in PROVING:
        wrong = f"{role} proves {PROVING[role]}; nothing is measured by it, and a proof is never corrected"
        yield source.problem(("role",), wrong, "remove the file; have the instrument adjusted if it reads wrongly")
    elif known is not None and role not in known:
        yield source.problem(("role",), f"this bench has nothing in the role {role!r}", suggest(role, known))
    elif role != stem:
        wrong = f"{role!r} in a file that is called {stem}.toml"
        yield source.problem(("role",), wrong, f"rename the file to {role}.toml, or correct the role")


def _check_order(source: Source, file: CalibrationFile) -> Iterator[Problem]:
    for index, revision in enumerate(file.revision):
        path = ("revision", index)
        if revision.due <= revision.date:
            wrong = f"due on {revision.due}, and it was made on {revision.date}"
            yield source.problem((*path, "due"), wrong, "write a later day")
        elif revision.due - revision.date > INTERVAL_MAX:
            wrong = f"due on {revision.due}, {(revision.due - revision.date).days} days after it was made"
            yield source.problem((*path, "due"), wrong, f"at most {INTERVAL_MAX.days} days; look at the year")
        if index and revision.date < file.revision[index - 1].date:
            wrong = f"{revision.date} stands behind {file.revision[index - 1].date}"
            yield source.problem((*path, "date"), wrong, "the oldest revision stands first, the one in force last")


def _check_revision(
    source: Source, index: int, revision: RevisionTable, quantities: Collection[str] | None
) -> Iterator[Problem]:
    path = ("revision", index)
    if not revision.quantity and revision.loopback is None:
        remedy = "add a [revision.quantity.NAME] for each quantity that was compared"
        yield source.problem(path, "says nothing about any quantity", remedy)
    if revision.loopback is not None and source.data.get("role") != AUDIO:
        yield source.problem((*path, "loopback"), "only the audio interface has one", "remove this table")
    for key in ("response_left", "response_right"):
        curve = () if revision.loopback is None else getattr(revision.loopback, key)
        if any(after[0] <= before[0] for before, after in itertools.pairwise(curve)):
            yield source.problem((*path, "loopback", key), "its frequencies do not rise", "write [Hz, dB] in order")
    for name, one in revision.quantity.items():
        at = (*path, "quantity", name)
        if source.data.get("role") in PROVING:
            continue
        if quantities is not None and name not in quantities:
            yield source.problem(at, "the instrument of this role does not read it", suggest(name, quantities))
            continue
        yield from _check_bounds(source, at, name, one)


def _check_bounds(source: Source, at: tuple[str | int, ...], name: str, one: QuantityTable) -> Iterator[Problem]:
    unit, role = name.rsplit("_", 1)[-1], str(source.data.get("role"))
    repaired = "an instrument that is further off is repaired or replaced, not corrected; look for a slipped digit"
    off = GUARDING_FACTOR_OFF_MAX if unit in ("degc", "k") or role in GUARDING else FACTOR_OFF_MAX
    if not 1.0 - off <= one.factor <= 1.0 + off:
        yield source.problem((*at, "factor"), f"{one.factor:g} is outside of {1 - off:g} to {1 + off:g}", repaired)
    offset = 0.0 if role == AUDIO else GUARDING.get(role, OFFSET_MAX.get(unit, 0.0))
    if not abs(one.offset) <= offset:
        allowed = f"-{offset:g} to {offset:g} {unit}" if offset else f"0, the only offset that {name} can have"
        yield source.problem((*at, "offset"), f"{one.offset:g} is outside of {allowed}", repaired)
    if one.relative == one.absolute == 0.0:
        remedy = "write `relative` or `absolute` (k=2) from the certificate, with the drift until it is due"
        yield source.problem(at, "has no uncertainty, and no calibration is without", remedy)
    if role == AUDIO and one.absolute:
        yield source.problem(
            (*at, "absolute"), "a full scale has a relative uncertainty only", "write it as `relative`"
        )


def quantities_of(readings: Mapping[str, Collection[str]]) -> Known:
    """What can be calibrated: of each sensor what it reads (no proof contacts), and the testers and the interface."""
    sensors = {
        role: [name for name in names if not name.endswith("_ok")]
        for role, names in readings.items()
        if role not in PROVING
    }
    return sensors | {role: list(names) for role, names in READINGS_OF_TESTERS.items()}


def _freeze(file: CalibrationFile) -> Calibration:
    return Calibration(file.role, file.serial_number, tuple(map(_revision, file.revision)), file.declared)


def _revision(one: RevisionTable) -> Revision:
    corrections = {
        name: Correction(it.factor, it.offset, it.relative, it.absolute, _points(it.as_found), _points(it.as_left))
        for name, it in one.quantity.items()
    }
    own = one.loopback
    loopback = (
        None if own is None
        else Loopback(
            own.thd_db, own.noise_db, own.response_db, own.response_left, own.response_right, own.date, own.by
        )
    )  # fmt: skip
    return Revision(one.date, one.due, one.by, one.reference, one.certificate, corrections, one.note, loopback)


def _points(pairs: tuple[tuple[float, float], ...]) -> tuple[Point, ...]:
    return tuple(Point(reference, reading) for reference, reading in pairs)
