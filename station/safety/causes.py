"""What a trip means: its interlock and cause, whom it blames, which verdict it makes, which code a technician looks up.

Trips of declared interlocks carry the interlock's own name and code; those of the guard are named `guard` with the
cause of the line; those of the station's own supervision and of persons stand in `lamp_codes.CODES`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from station.domain.interlock import Interlock, Trip, TripKind
from station.domain.trip_words import trip_words
from station.domain.verdict import Verdict
from station.safety.lamp_codes import CODES, code_of

Kind = Literal["dut", "station", "person"]

_PERSON_GUARD = frozenset({"ESTOP", "LID"})
_VERDICT: dict[Kind, Verdict] = {"dut": Verdict.FAIL, "station": Verdict.ERROR, "person": Verdict.ABORTED}


def kind_of(trip: Trip) -> Kind:
    """Whose doing a trip is. Emergency stop, lid and STOP are a person's act; the record knows no third party."""
    return "person" if trip.kind == "person" else trip.blames


def verdict_of(trip: Trip) -> Verdict:
    """What a trip makes of the run: FAIL (DUT), ERROR (station) or ABORTED (a person)."""
    return _VERDICT[kind_of(trip)]


def blame_words(trip: Trip) -> str:
    """Whose doing it was, for the record's causes and the alarm at the centre."""
    return "by a person's act" if trip.kind == "person" else f"blames the {trip.blames}"


def guard_trip(cause: str, at: float) -> Trip:
    """A trip that the guard reports, or that the station holds against it."""
    kind: TripKind = "person" if cause in _PERSON_GUARD else "machine"
    code, blink = CODES.get(("guard", cause), CODES["guard", "UNKNOWN"])
    return Trip("guard", cause, None, None, "station", at, None, code, kind, blink)


def station_trip(interlock: str, cause: str, at: float, value: float | None = None, limit: float | None = None) -> Trip:
    """A trip of the station's own supervision, or a person's STOP."""
    kind: TripKind = "person" if interlock == "stop" else "machine"
    code, blink = code_of(interlock, cause)
    return Trip(interlock, cause, value, limit, "station", at, None, code, kind, blink)


def trip_text(trip: Trip, interlocks: Sequence[Interlock]) -> dict[str, str]:
    """Words for `trip`, by language: its interlock's own from interlocks.toml, else the table's.

    An interlock's own words say what is out of bounds; a sensor that proves nothing is not that.
    """
    for row in interlocks:
        if row.name == trip.interlock and row.text and trip.cause in ("HIGH", "LOW"):
            return dict(row.text)
    zh, en = trip_words(trip.interlock, trip.cause)
    return {"zh": zh, "en": en}
