"""The calibration of a bench's instruments: what was found, what is corrected, until when it may be believed.

A calibration belongs to one instrument, known by its serial number, in one role. `station.settings` reads it from
`calibration/ROLE.toml`; revisions are only ever added, the last one counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

WARN_BEFORE = timedelta(days=30)


class Standing(StrEnum):
    """How a role's calibration stands on a day. Only `VALID` and `DUE_SOON` may make a PASS; `NONE` and
    `PARTIAL` by setting."""

    VALID = "valid"
    DUE_SOON = "due_soon"
    EXPIRED = "expired"
    FUTURE = "future"
    """Its date is after today: the clock or the file is wrong."""
    OTHER = "other"
    """It belongs to an instrument with another serial number."""
    UNKNOWN = "unknown"
    """The instrument has not said who it is."""
    CHANGED = "changed"
    """More than one number was heard in this run: nobody knows which of them measured what."""
    PARTIAL = "partial"
    """It says nothing of the quantity that is measured."""
    UNDATED = "undated"
    """Nobody knows what day it is: the clock is not set."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Point:
    """One comparison: what the reference said and what the instrument read, in the unit of the quantity's name."""

    reference: float
    reading: float


@dataclass(frozen=True, slots=True)
class Correction:
    """Of one quantity (`power_w`, `insulation_mohm` …): corrected = `factor` * reading + `offset`.

    `relative` (fraction of the corrected value) and `absolute` (unit of the name) make the expanded uncertainty, k=2,
    of a corrected reading: reference, comparison, fit, and what the instrument drifts until it is due.
    """

    factor: float = 1.0
    offset: float = 0.0
    relative: float = 0.0
    absolute: float = 0.0
    as_found: tuple[Point, ...] = ()
    as_left: tuple[Point, ...] = ()

    def correct(self, reading: float) -> float:
        """The corrected value."""
        return self.factor * reading + self.offset

    def expanded(self, value: float) -> float:
        """Expanded uncertainty (k=2) of a corrected value; the two parts are independent."""
        return math.hypot(self.relative * value, self.absolute)


@dataclass(frozen=True, slots=True)
class Loopback:
    """What an audio interface does by itself, output joined to input: it bounds what may be claimed of a DUT.

    `thd_db` re the fundamental; `noise_db` rms in 20 Hz to 20 kHz re a full-scale sine; `response_db`: the largest
    deviation from 1 kHz in 20 Hz to 20 kHz, None where it was not looked at. `response_left` and `response_right`:
    (Hz, dB re 1 kHz) of output and input together, rising; with them a response is corrected. `made` and `by`: the day
    and the person at the cable; None and "" where the file does not say them apart from the revision's.
    """

    thd_db: float
    noise_db: float
    response_db: float | None = None
    response_left: tuple[tuple[float, float], ...] = ()
    response_right: tuple[tuple[float, float], ...] = ()
    made: date | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """One calibration. `by`: the person or laboratory. `reference`: what it was compared with (serial number)."""

    made: date
    due: date
    by: str
    reference: str
    certificate: str
    corrections: Mapping[str, Correction] = field(default_factory=dict)
    note: str = ""
    loopback: Loopback | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """All revisions of one instrument in one role, oldest first; at least one.

    `declared`: the instrument cannot say its serial number, a person has read it off its plate.
    """

    role: str
    serial_number: str
    revisions: tuple[Revision, ...]
    declared: bool = False

    @property
    def current(self) -> Revision:
        """The one that counts."""
        return self.revisions[-1]

    def is_of(self, serial_number: str) -> bool:
        """Whether it belongs to an instrument that says this serial number ("": it says none)."""
        return serial_number == self.serial_number or (self.declared and not serial_number)

    def standing(self, serial_number: str | None, today: date) -> Standing:
        """How it stands for an instrument that says this serial number ("": it says none; None: it was not heard)."""
        if serial_number is None:
            return Standing.UNKNOWN
        if not self.is_of(serial_number):
            return Standing.OTHER
        if self.current.made > today:
            return Standing.FUTURE
        if self.current.due < today:
            return Standing.EXPIRED
        return Standing.DUE_SOON if self.current.due - today <= WARN_BEFORE else Standing.VALID
