"""What the violet lamp says of a trip: a two-digit number a trip, and the table that the docs are printed from.

The first digit is the family, so that who cannot look the number up knows at least whom to call:

    1 a person's act    2 contactor, voltage, heat    3 the guard itself and its line    4 the station itself
    5 the DUT           6 the bench's own devices     7 the sensor of a 5x    8 the sensor of a 6x

5x and 6x are `blink` in interlocks.toml; 7x and 8x follow from them: the reading is missing, stale or impossible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from station.domain.interlock import SENSOR_BLINK, Interlock
from station.domain.trip_words import trip_words

SENSOR = "-SENSOR"
"""Behind an interlock's code where its reading is the trouble: that says nothing of what the interlock watches."""

CODES: Mapping[tuple[str, str], tuple[str, int]] = {
    ("stop", "STOP"): ("P01", 11), ("stop", "SHUTDOWN"): ("P02", 12),
    ("guard", "ESTOP"): ("G02", 13), ("guard", "LID"): ("G04", 14), ("power", "RETURN"): ("POWER", 15),
    ("guard", "THERMO"): ("G03", 21), ("guard", "TIME"): ("G06", 22), ("guard", "WELD"): ("G07", 23),
    ("guard", "DROPOUT"): ("G08", 24), ("guard", "UNWANTED"): ("G15", 25), ("guard", "LEFT"): ("G16", 26),
    ("guard", "OFF_FAILED"): ("G17", 27), ("mains", "BOUND"): ("K08", 28), ("discharge", "NOT_PROVEN"): ("K09", 29),
    ("guard", "BOOT"): ("G01", 31), ("guard", "HEARTBEAT"): ("G05", 32), ("guard", "LINK"): ("G09", 33),
    ("guard", "HOST"): ("G10", 34), ("guard", "UNKNOWN"): ("G11", 35), ("guard", "SILENT"): ("G12", 36),
    ("guard", "LOST"): ("G13", 37), ("guard", "RESTARTED"): ("G14", 38),
    ("scan", "LATE"): ("K01", 41), ("scan", "FAULT"): ("K02", 42), ("poller", "DEAD"): ("K03", 43),
    ("relays", "MISMATCH"): ("K04", 44), ("relays", "STALE"): ("K05", 45), ("relays", "TESTER_ON_MAINS"): ("K06", 46),
    ("relays", "NOT_ISOLATED"): ("K07", 47),
}  # fmt: skip
"""Code and blink number by interlock and cause: the guard's line, what the station holds against it, and its own."""
OTHER = ("K00", 49)
"""A trip that the table has forgotten."""
BLINKS: Mapping[str, int] = dict(CODES.values())
PERSONS = frozenset({"P01", "P02", "G02", "G04", "POWER"})


@dataclass(frozen=True, slots=True)
class LampRow:
    """A line of *When a lamp is red*: `code`, the number that the violet lamp blinks, the words, whose doing it is."""

    code: str
    blink: int
    zh: str
    en: str
    doing: str
    """`person`, `station` or `dut`."""


def code_of(interlock: str, cause: str) -> tuple[str, int]:
    """Code and blink number of a trip that no interlocks.toml declares; `cause` may name something after a space."""
    return CODES.get((interlock, cause.partition(" ")[0]), OTHER)


def lamp_rows(interlocks: Sequence[Interlock]) -> tuple[LampRow, ...]:
    """Every code that this bench can show, in the order of the numbers."""
    rows = []
    for (interlock, cause), (code, blink) in CODES.items():
        zh, en = trip_words(interlock, cause)
        rows.append(LampRow(code, blink, zh, en, "person" if code in PERSONS else "station"))
    for row in interlocks:
        if row.reaction == "refuse":
            continue
        words = dict(row.text)
        rows.append(LampRow(row.code, row.blink, words.get("zh", row.name), words.get("en", row.name), row.blames))
        zh, en = trip_words(row.name, "INVALID")
        rows.append(LampRow(row.code + SENSOR, row.blink + SENSOR_BLINK, zh, en, "station"))
    return tuple(sorted(rows, key=lambda row: row.blink))
