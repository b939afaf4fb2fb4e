"""Readings with ages, interlocks (the rule) and trips (the event)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

When = Literal["always", "energised", "hv", "drive"]
Blames = Literal["dut", "station"]
Reaction = Literal["trip", "refuse"]
"""`trip`: switches off and latches, whenever. `refuse`: nothing new is begun, and what is on goes on."""
TripKind = Literal["machine", "person"]
"""A person's act (emergency stop, lid, STOP) ends a run as ABORTED; a machine's trip as `blames` says."""
BLINK_FAMILY: Mapping[Blames, int] = {"dut": 5, "station": 6}
"""The first digit of an interlock's `blink`, by whom it blames."""
SENSOR_BLINK = 20
"""Added to `blink` where not the value is the trouble but the reading: 7x for a 5x, 8x for a 6x."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value and the monotonic second at which it was taken. `value` None: the device failed then."""

    value: float | None
    taken_at: float


@dataclass(frozen=True, slots=True)
class Interlock:
    """A rule over one reading. Stale (older than `max_age_s`), missing or not finite is *not OK*, never the last value.

    A reading out of bounds for `for_s` trips and blames as declared; a stale one trips at once and blames the
    station. `measurement` names the measurement that a trip stands for in the causes.
    """

    name: str
    reading: str
    max_age_s: float
    low: float | None = None
    high: float | None = None
    for_s: float = 0.0
    when: When = "energised"
    blames: Blames = "dut"
    measurement: str | None = None
    code: str = ""
    text: tuple[tuple[str, str], ...] = ()  # (("zh", …), ("en", …))
    reaction: Reaction = "trip"
    blink: int = 0
    """What the violet lamp blinks for it: two digits, see `station.safety.lamp_codes`."""
    families: tuple[str, ...] = ()
    """Product families that it is for; empty: every one. While no family is known it is judged."""


@dataclass(frozen=True, slots=True)
class Trip:
    """An interlock, the guard or the kernel itself took the permit away. `at` is monotonic seconds."""

    interlock: str
    cause: str
    value: float | None
    limit: float | None
    blames: Blames
    at: float
    measurement: str | None = None
    code: str = ""
    kind: TripKind = "machine"
    blink: int = 0
