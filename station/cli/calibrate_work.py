"""What `calibrate` works on, whoever gave it: who vouches, the quantities that were compared, and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from station.domain.calibration import Calibration, Correction, Loopback, Revision
from station.domain.errors import SettingsError
from station.metrology.fitting import Beside, Comparison, Fit, FitError, Shape, fit, shape_of, with_points
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


def revise(on_record: Calibration | None, role: str, work: Work, loopback: Loopback | None = None) -> Outcome:
    """Fit every quantity and add the revision; what was not compared is carried over with the due day it had.

    Raises `SettingsError` that names the quantity, and for a calibration of nothing at all.
    """
    basis, serial_number = work.basis, work.serial_number
    same = on_record is not None and on_record.serial_number == serial_number
    earlier = on_record.current if on_record is not None and same else None
    before = dict(earlier.corrections) if earlier else {}
    fits: dict[str, Fit] = {}
    corrections: dict[str, Correction] = {}
    for one in work.quantities:
        fits[one.name] = _fit(role, one)
        found = with_points(fits[one.name].correction, one.points, before.get(one.name, Correction()))
        corrections[one.name] = found
    carried = {name: correction for name, correction in before.items() if name not in corrections}
    remarks = []
    due = basis.due
    if carried and earlier is not None:
        due = min(due, earlier.due)
        remarks.append(
            f"{', '.join(carried)}: not compared now, carried over as of {earlier.made}; all of it is due on {due}"
        )
    if not corrections and not carried:
        raise SettingsError(
            f"calibrate {role}: no quantity was compared, and none is on record: nothing is written; compare one first"
        )
    known_loopback = earlier.loopback if earlier else None
    revision = Revision(
        basis.made, due, basis.by, basis.reference, basis.certificate, corrections | carried, basis.note,
        loopback or known_loopback,
    )  # fmt: skip
    revisions = (*on_record.revisions, revision) if on_record is not None and same else (revision,)
    return Outcome(Calibration(role, serial_number, revisions, work.declared), fits, tuple(remarks))


def _fit(role: str, one: Quantity) -> Fit:
    """A full scale has a factor alone: whatever is absolute counts at the smallest value that was compared."""
    try:
        if role != AUDIO:
            return _require_near(one, fit(one.points, one.beside, _wish(one)))
        found = fit(one.points, one.beside, "factor")
    except FitError as error:
        raise SettingsError(f"{one.name}: {error}") from error
    _require_near(one, found)
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
