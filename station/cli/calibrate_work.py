"""What `calibrate` works on, whoever gave it: who vouches, the quantities that were compared, and what came out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from station.domain.calibration import Calibration, Correction, Loopback, Revision
from station.domain.errors import SettingsError
from station.metrology.fitting import Beside, Comparison, Fit, FitError, Shape, fit, narrow, shape_of, with_points
from station.settings.calibrations import AUDIO, FACTOR_OFF_MAX


@dataclass(frozen=True, slots=True)
class Basis:
    """Who vouches for a calibration, and until when."""

    made: date
    due: date
    by: str
    reference: str
    certificate: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity as it was compared, readings before any correction."""

    name: str
    points: tuple[Comparison, ...]
    beside: Beside
    wished: Shape | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A calibration as it was done. `declared`: the serial number was read off a plate."""

    serial_number: str
    declared: bool
    basis: Basis
    quantities: tuple[Quantity, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The calibration with its new revision, the fits behind it, and what a person has to know of it."""

    calibration: Calibration
    fits: Mapping[str, Fit]
    remarks: tuple[str, ...]


def compared_on(calibration: Calibration, name: str) -> date:
    """The day on which what is believed of a quantity was found: revisions after it only carried it over.

    A comparison that found the very same counts as carried over: the day before it is the careful one.
    """
    revisions = calibration.revisions
    now, day = revisions[-1].corrections[name], revisions[-1].made
    for revision in reversed(revisions):
        then = revision.corrections.get(name)
        if then is None or not _alike(then, now):
            break
        day = revision.made
    return day


def _alike(one: Correction, other: Correction) -> bool:
    """To the digits that a file keeps: what a hand wrote with more was rounded as it was carried over."""
    if len(one.as_found) != len(other.as_found):
        return False
    figures = [(one.factor, other.factor, 1e-8), (one.offset, other.offset, 1e-8)]
    figures += [(one.relative, other.relative, 6e-3), (one.absolute, other.absolute, 6e-3)]
    for a, b in zip(one.as_found, other.as_found, strict=True):
        figures += [(a.reference, b.reference, 1e-6), (a.reading, b.reading, 1e-6)]
    return all(math.isclose(a, b, rel_tol=digits) for a, b, digits in figures)


def revise(
    on_record: Calibration | None, role: str, work: Work, today: date, loopback: Loopback | None = None
) -> Outcome:
    """Fit every quantity and add the revision; what was not compared is carried over with the due day it had.

    Raises `SettingsError` that names the quantity, for a calibration of nothing at all, for one that would be over
    already, and where file and work do not agree on who said the serial number.
    """
    basis, serial_number = work.basis, work.serial_number
    kept = on_record if on_record is not None and on_record.serial_number == serial_number else None
    earlier = kept.current if kept is not None else None
    if kept is not None and work.declared and not kept.declared:
        raise SettingsError(
            f"calibrate {role}: the file on record says declared = false ({serial_number} says its number itself), "
            "this calibration that it was read off its plate; see why it does not say it (`station doctor`) or leave "
            f"declared out; if it never could, write declared = true into calibration/{role}.toml first"
        )
    before = dict(earlier.corrections) if earlier else {}
    fits: dict[str, Fit] = {}
    remarks: list[str] = []
    corrections: dict[str, Correction] = {}
    for one in work.quantities:
        fits[one.name] = _fit(role, one)
        found = with_points(fits[one.name].correction, one.points, before.get(one.name, Correction()))
        corrections[one.name] = found
        remarks += _told_of_range(role, one)
    carried = {name: correction for name, correction in before.items() if name not in corrections}
    due = basis.due
    if carried and kept is not None and earlier is not None:
        due = min(due, earlier.due)
        if work.quantities and due <= max(today, basis.made):
            raise SettingsError(
                f"calibrate {role}: what was not compared ({', '.join(carried)}) was due on {due} and is not renewed "
                "by the rest; compare all of it"
            )
        days = {name: compared_on(kept, name) for name in carried}
        for day in sorted(set(days.values())):
            names = ", ".join(name for name in carried if days[name] == day)
            remarks.append(f"{names}: not compared now, carried over as of {day}; all of it is due on {due}")
    if not corrections and not carried:
        raise SettingsError(
            f"calibrate {role}: no quantity was compared, and none is on record: nothing is written; compare one first"
        )
    if loopback is None and kept is not None and kept.current.loopback is not None:
        loopback = _dated(kept)
        remarks.append(
            f"loopback of {loopback.made} by {loopback.by}: not looked at now, carried over; "
            f"`station calibrate {role} --loopback` looks again"
        )
    revision = Revision(
        basis.made, due, basis.by, basis.reference, basis.certificate, corrections | carried, basis.note,
        loopback,
    )  # fmt: skip
    revisions = (*kept.revisions, revision) if kept is not None else (revision,)
    declared = kept.declared if kept is not None else work.declared
    return Outcome(Calibration(role, serial_number, revisions, declared), fits, tuple(remarks))


def _dated(calibration: Calibration) -> Loopback:
    """The one in force; where the file says neither day nor person, those of the revision that it first stood in."""
    own = calibration.current.loopback
    assert own is not None
    since = calibration.current
    for revision in reversed(calibration.revisions):
        if revision.loopback != own:
            break
        since = revision
    return replace(own, made=own.made or since.made, by=own.by or since.by)


def _told_of_range(role: str, one: Quantity) -> list[str]:
    """A full scale is a factor whatever the level; of all else nothing shows that one holds far from its points."""
    ends = narrow(one.points)
    if role == AUDIO or ends is None:
        return []
    where = f"{ends[0]:g}" if ends[0] == ends[1] else f"{ends[0]:g} to {ends[1]:g}"
    return [
        f"{one.name}: compared at {where} alone; nothing shows that its uncertainty holds elsewhere: "
        "compare over the range that is judged"
    ]


def _fit(role: str, one: Quantity) -> Fit:
    """A full scale has a factor alone: whatever is absolute counts at the smallest value that was compared."""
    if one.points and not any(point.reference for point in one.points) and not one.name.endswith("_degc"):
        raise SettingsError(
            f"{one.name}: compared at zero alone, which says nothing of its factor; compare it where it is judged"
        )
    try:
        found = _require_near(one, fit(one.points, one.beside, "factor" if role == AUDIO else _wish(one)))
    except FitError as error:
        raise SettingsError(f"{one.name}: {error}") from error
    if role != AUDIO:
        return found
    smallest = min(abs(point.reference) for point in one.points)
    if not smallest:
        raise SettingsError(f"{one.name}: a full scale needs voltages that are not zero; leave that point out")
    relative = found.correction.expanded(smallest) / smallest
    return replace(found, correction=replace(found.correction, relative=relative, absolute=0.0))


def _wish(one: Quantity) -> Shape | None:
    """0 degC is a point like any other: what does not carry a line tells an offset there, and no factor."""
    if one.wished is None and one.name.endswith("_degc") and shape_of(one.points) == "factor":
        return "offset"
    return one.wished


def _require_near(one: Quantity, found: Fit) -> Fit:
    """What the loader would refuse in figures is said in words here."""
    if abs(found.correction.factor - 1.0) > FACTOR_OFF_MAX:
        raise SettingsError(
            f"{one.name}: readings and reference are {100.0 * abs(found.correction.factor - 1.0):.3g} % apart; more "
            f"than {100.0 * FACTOR_OFF_MAX:g} % is repaired, not corrected; see leads, range and the reference values"
        )
    return found
