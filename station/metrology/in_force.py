"""What the calibrations on file are worth now: for the instruments that are there, on the day that it is.

Nothing here reads a file or asks a device: who an instrument says it is and what day it is are handed in. A bench that
does not know the day, or who hangs on its wire, says so and believes neither.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date

from station.domain.calibration import Calibration, Revision, Standing
from station.domain.calibration_words import refusal_words
from station.domain.role_words import role_in
from station.metrology.heard import Heard
from station.metrology.roles import MEASURED_BY, MEASURING, quantities_read, roles_of

GOOD = (Standing.VALID, Standing.DUE_SOON)
FOREIGN = (Standing.OTHER, Standing.UNKNOWN)
"""What is on file may be another instrument's: nothing is corrected by it."""


class InForce:
    """One a bench. `roles`: what it has. `said`: the serial number that a role's instrument said ("": it has none to
    say; None: it was not heard). `today`: the bench's day, None where its clock is not to be trusted. `heard`: who
    else was there since a run began."""

    def __init__(
        self, on_file: Mapping[str, Calibration], roles: Collection[str], said: Callable[[str], str | None],
        today: Callable[[], date | None], *, required: bool = False, heard: Heard | None = None,
    ) -> None:  # fmt: skip
        self._on_file, self._roles = on_file, frozenset(roles)
        self._said, self._today = said, today
        self._required = required
        self._heard = Heard() if heard is None else heard

    def begin(self) -> None:
        """A run begins: who was swapped before it is not held against it."""
        self._heard.begin()

    def news(self) -> tuple[str, ...]:
        """Which instruments were swapped since the last call, for the record."""
        return self._heard.news()

    def standing(self, role: str) -> Standing:
        """How the role's calibration stands now; once another instrument was heard in a run, never well in that run."""
        standing = self._standing(role, self._said(role), self._today())
        return Standing.CHANGED if standing in GOOD and self._heard.changes(role) else standing

    def _standing(self, role: str, said: str | None, today: date | None) -> Standing:
        calibration = self._on_file.get(role)
        if calibration is None:
            return Standing.NONE
        if today is not None:
            return calibration.standing(said, today)
        undated = calibration.standing(said, calibration.current.made)
        return undated if undated in FOREIGN else Standing.UNDATED

    def revision(self, role: str) -> Revision | None:
        """What the role's readings are corrected by: of the instrument that is there, whatever the day."""
        calibration = self._on_file.get(role)
        if calibration is None or calibration.standing(self._said(role), calibration.current.made) in FOREIGN:
            return None
        return calibration.current

    def until(self, role: str) -> str | None:
        """The due day of the instrument that is there, as on record; None where nothing of it is on file."""
        revision = self.revision(role)
        return None if revision is None else revision.due.isoformat()

    def why_not(self, role: str) -> Mapping[str, str] | None:
        """Why no PASS can be made with the role, by language; None where one can."""
        return self._refusal(role, self.standing(role))

    def _refusal(self, role: str, standing: Standing) -> Mapping[str, str] | None:
        allowed = standing in GOOD or (standing is Standing.NONE and not self._is_demanded(role))
        return None if allowed or role not in self._roles else self._words(role, standing)

    def _is_demanded(self, role: str) -> bool:
        return self._required and role in MEASURING

    def refusals(self) -> Mapping[str, Mapping[str, str]]:
        """`why_not` of every role that makes no PASS."""
        return {role: words for role in sorted(self._roles) if (words := self.why_not(role)) is not None}

    def foreseen(self) -> Mapping[str, Mapping[str, str]]:
        """The same before everybody has been asked: who was not heard yet is taken for the one on file."""
        told, today = {}, self._today()
        for role in sorted(self._roles):
            said, calibration = self._said(role), self._on_file.get(role)
            if said is None and calibration is not None:
                said = calibration.serial_number
            words = self._refusal(role, self._standing(role, said, today))
            if words is not None:
                told[role] = words
        return told

    def against(self, measurement: str, use: str) -> str | None:
        """Why this measurement of a step proves nothing, for the record; None where its instruments may be believed."""
        if not self._roles:
            return None
        try:
            roles = roles_of(measurement, use)
        except KeyError:
            return f"nobody has entered what {measurement} is measured by (station/metrology/roles.py)"
        return "; ".join(words["en"] for role in roles for words in self._against(measurement, role)) or None

    def _against(self, measurement: str, role: str) -> Iterator[Mapping[str, str]]:
        refused = self.why_not(role)
        if refused is not None:
            yield refused
        elif self._is_demanded(role) and (lacking := self._lacking(measurement, role)):
            yield self._words(role, Standing.PARTIAL, lacking=lacking)

    def _lacking(self, measurement: str, role: str) -> tuple[str, ...]:
        """What this measurement reads of a role whose calibration says nothing of it."""
        calibration = self._on_file.get(role)
        if calibration is None or role not in self._roles:
            return ()
        known = calibration.current.corrections
        return tuple(name for name in quantities_read(measurement, role) if name not in known)

    def refused(self, measured: Iterable[tuple[str, str]]) -> tuple[Mapping[str, str], ...]:
        """Why a plan with these measurements (by name and use) makes no PASS, each reason once, by language."""
        pairs = ((role, name) for name, role in _hanging(measured))
        words = [one for role, name in sorted(pairs) for one in self._against(name, role)]
        return tuple({one["en"]: one for one in words}.values())

    def uncovered(self, measured: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
        """By role: what these measurements read of it, and its calibration on file says nothing of."""
        found: dict[str, set[str]] = {}
        for name, role in _hanging(measured):
            found.setdefault(role, set()).update(self._lacking(name, role))
        return {role: tuple(sorted(names)) for role, names in sorted(found.items()) if names}

    def without(self, roles: Iterable[str]) -> tuple[str, ...]:
        """Those of `roles` that the bench has and nothing is on file for."""
        return tuple(role for role in sorted(set(roles) & self._roles) if role not in self._on_file)

    def remark(self, role: str, said: str | None) -> tuple[str, str]:
        """For people who look at the instrument: how it stands, and what is wrong with that ("" where nothing is).

        `said`: what it says of itself just now; None where it is silent, which is not this one's to blame.
        """
        today = self._today()
        standing = self._standing(role, said, today)
        if standing is Standing.NONE:
            return "none on file", self._words(role, standing)["en"] if self._is_demanded(role) else ""
        due = self._on_file[role].current.due
        if standing is Standing.UNKNOWN:
            return f"of {self._on_file[role].serial_number} until {due}", ""
        if standing in GOOD:
            days = (due - today).days if today is not None else 0
            left = f" ({days} days left: have it calibrated)" if standing is Standing.DUE_SOON else ""
            lacking = self.uncovered((name, "") for name in MEASURED_BY).get(role)
            but = f", not of {', '.join(lacking)}" if lacking else ""
            wrong = self._words(role, Standing.PARTIAL, lacking=lacking)["en"] if lacking and self._required else ""
            return f"until {due}{left}{but}", wrong
        return f"not in force ({standing})", self._words(role, standing, said)["en"]

    def remarks(self) -> tuple[str, ...]:
        """What a maintainer should hear once a day: what ends within 30 days, and what cannot make a PASS."""
        found = []
        for role in sorted(self._roles):
            refused = self.why_not(role)
            if refused is not None:
                found.append(refused["en"])
            elif self.standing(role) is Standing.DUE_SOON:
                found.append(f"{role_in(role, 'en')}: its calibration ends on {self._on_file[role].current.due}")
        return tuple(found)

    def _words(
        self, role: str, standing: Standing, said: str | None = None, lacking: Iterable[str] = ()
    ) -> dict[str, str]:
        calibration = self._on_file.get(role)
        values: dict[str, object] = {"name": role, "today": self._today()}
        if calibration is not None:
            current, heard = calibration.current, said if said is not None else self._said(role)
            values |= {"made": current.made, "due": current.due, "number": calibration.serial_number}
            values["said"] = ", ".join(self._heard.changes(role)) if standing is Standing.CHANGED else heard or "—"
            values["lacking"] = ", ".join(lacking)
        return refusal_words(standing, role, values)


def _hanging(measured: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each measurement with each of its roles; what nobody has entered is told where it is judged."""
    for name, use in measured:
        with suppress(KeyError):
            yield from ((name, role) for role in roles_of(name, use))


NOTHING_ON_FILE = InForce({}, (), lambda role: None, lambda: None)
"""Of a bench without instruments: whatever is measured may be judged."""
