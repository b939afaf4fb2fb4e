"""What is latched now, for `up/alarm_active`: the kernel's trips, the session's own trip, the service latch.

A RESET that cleared the kernel's latch leaves the list empty; the service latch stays until a maintainer clears it.
A message in quarantine, paper that ran out and a device that is silent latch nothing and are not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from station.contract.bodies import Alarm, AlarmActive
from station.domain.clock import utc_text
from station.domain.interlock import Trip
from station.safety.causes import blame_words

SERVICE = "SERVICE"
"""The code of the service latch, which no lamp has."""
MOST = 50
"""Alarms in a snapshot, the first causes first."""


def alarm_cause(trip: Trip) -> str:
    """A trip in one line, the same in `up/alarm` and in `up/alarm_active`."""
    return f"{trip.interlock}, {trip.cause}; {blame_words(trip)}"


def alarm_code(trip: Trip) -> str:
    """What the technician looks up, or the interlock's name where it has no code."""
    return trip.code or trip.interlock


class Latched:
    """Compares cheaply, so that it may be asked after every scan. An alarm keeps the stamp and the run of its begin."""

    def __init__(self, now_utc: Callable[[], datetime], now_s: Callable[[], float]) -> None:
        self._now_utc, self._now_s = now_utc, now_s
        self._told: tuple[Any, ...] | None = None
        self._known: dict[tuple[Any, ...], Alarm] = {}

    @property
    def now(self) -> tuple[Alarm, ...]:
        """What is latched, as of the last look."""
        return tuple(self._known.values())

    def look(
        self, trips: Sequence[Trip], session: Mapping[str, Any] | None, service: str | None, run_id: str | None
    ) -> AlarmActive | None:
        """The snapshot where it is another one than the last; `session` is the trip in the session's view."""
        code = session["code"] if session else None
        seen = (tuple(trips), code, service)
        if seen == self._told:
            return None
        self._told = seen
        wanted: dict[tuple[Any, ...], tuple[str, str, float]] = {
            (trip.interlock, trip.cause, trip.at): (alarm_code(trip), alarm_cause(trip), self._now_s() - trip.at)
            for trip in trips[:MOST]
        }
        if session and code not in {alarm_code(trip) for trip in trips}:
            wanted["session", code] = (session["code"], session["text"].get("en", session["code"]), 0.0)
        if service is not None:
            wanted["service", service] = (SERVICE, f"service latch: {service}; a maintainer clears it", 0.0)
        self._known = {key: self._known.get(key) or self._alarm(*said, run_id) for key, said in wanted.items()}
        return AlarmActive(alarms=tuple(self._known.values()))

    def _alarm(self, code: str, cause: str, ago_s: float, run_id: str | None) -> Alarm:
        at = utc_text(self._now_utc() - timedelta(seconds=ago_s))
        return Alarm(code=code[:80], cause=cause[:1000], run_id=run_id, at=at)
