"""What a trip means: its interlock and cause, whom it blames, which verdict it makes, which code a technician looks up.

Trips of declared interlocks carry the interlock's own name and code; those of the guard are named `guard` with the
cause of the line; those of the station's own supervision and of persons stand in the table below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from station.domain.interlock import Interlock, Trip, TripKind
from station.domain.trip_words import trip_words
from station.domain.verdict import Verdict

Kind = Literal["dut", "station", "person"]

GUARD_CODES = {
    "BOOT": "G01", "ESTOP": "G02", "THERMO": "G03", "LID": "G04", "HEARTBEAT": "G05",
    "TIME": "G06", "WELD": "G07", "DROPOUT": "G08", "LINK": "G09", "HOST": "G10",
    "UNKNOWN": "G11", "SILENT": "G12", "LOST": "G13", "RESTARTED": "G14",
    "UNWANTED": "G15", "LEFT": "G16", "OFF_FAILED": "G17",
}  # fmt: skip
"""Causes of the guard's line, then what the station holds against the guard itself."""
STATION_CODES = {
    ("scan", "LATE"): "K01", ("scan", "FAULT"): "K02", ("poller", "DEAD"): "K03",
    ("relays", "MISMATCH"): "K04", ("relays", "STALE"): "K05", ("relays", "TESTER_ON_MAINS"): "K06",
    ("relays", "NOT_ISOLATED"): "K07", ("mains", "BOUND"): "K08", ("discharge", "NOT_PROVEN"): "K09",
    ("stop", "STOP"): "P01", ("stop", "SHUTDOWN"): "P02",
}  # fmt: skip
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
    return Trip("guard", cause, None, None, "station", at, None, GUARD_CODES.get(cause, GUARD_CODES["UNKNOWN"]), kind)


def station_trip(interlock: str, cause: str, at: float, value: float | None = None, limit: float | None = None) -> Trip:
    """A trip of the station's own supervision, or a person's STOP."""
    plain = cause.split(" ", 1)[0]
    kind: TripKind = "person" if interlock == "stop" else "machine"
    return Trip(interlock, cause, value, limit, "station", at, None, STATION_CODES.get((interlock, plain), "K00"), kind)


def trip_text(trip: Trip, interlocks: Sequence[Interlock]) -> dict[str, str]:
    """Words for `trip`, by language: its interlock's own from interlocks.toml, else the table's."""
    for row in interlocks:
        if row.name == trip.interlock and row.text:
            return dict(row.text)
    zh, en = trip_words(trip.interlock, trip.cause)
    return {"zh": zh, "en": en}
