"""One look after every scan, one ear to everything that watchers are told; what follows goes to the uplink at once.

Nothing here goes through the store, waits, or can hold up a scan: the look runs after the turn, not in it. Whatever is
retained is said again by the uplink at every link.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from station.contract.bodies import Body, Info, Telemetry
from station.domain.events import Event
from station.domain.interlock import Reading, Trip
from station.telling.aggregates import Stretch
from station.telling.latched import Latched
from station.telling.progress import ProgressSoFar

INFO_S = 1.0
"""How often it is looked whether the info has changed: a device that said who it is, another configuration."""


class Way(Protocol):
    """The uplink, as far as this room needs it."""

    def retain(self, name: str, body: Body) -> None:
        """Publish, retained; the same body again is nothing."""

    def telemetry(self, body: Telemetry) -> None:
        """Publish an aggregate; without a link it is gone."""


class Sight(Protocol):
    """The safety kernel, as far as this room looks at it."""

    @property
    def trips(self) -> Sequence[Trip]:
        """What is latched, the first cause first."""

    @property
    def service_latch(self) -> str | None:
        """Why a maintainer must come."""


class Telling:
    """One a station. `now_s` is monotonic, as `Trip.at` is; `speed` is test time over wall time."""

    def __init__(
        self,
        way: Way,
        safety: Sight,
        read_table: Callable[[], Mapping[str, Reading]],
        read_info: Callable[[], Info],
        now_utc: Callable[[], datetime],
        now_s: Callable[[], float],
        speed: float,
    ) -> None:
        self._way, self._safety = way, safety
        self._read_table, self._read_info, self._now_s = read_table, read_info, now_s
        self._progress = ProgressSoFar(now_utc, speed)
        self._latched = Latched(now_utc, now_s)
        self._stretch = Stretch()
        self._session_trip: Mapping[str, Any] | None = None
        self._info_due_s = float("-inf")

    def begin(self, session: Mapping[str, Any]) -> None:
        """Say how things stand before the first link: what a life before this one retained is true no more."""
        self.follow(Event("session", session))
        self.look()

    def follow(self, event: Event) -> None:
        """What watchers are told, of any kind."""
        if event.kind == "session":
            self._session_trip = event.data["trip"]
        progress = self._progress.take(event)
        if progress is not None:
            self._way.retain("progress", progress)

    def alarms(self) -> list[dict[str, Any]]:
        """What is latched now: code, cause, run and since when."""
        return [alarm.model_dump(mode="json") for alarm in self._latched.now]

    def soon(self) -> None:
        """After a completed scan; never waits and never raises: the look itself comes when the turn is over."""
        asyncio.get_running_loop().call_soon(self.look)

    def look(self) -> None:
        """Once: what is latched, what was read, and now and then who is there."""
        run_id, now_s = self._progress.run_id, self._now_s()
        alarms = self._latched.look(self._safety.trips, self._session_trip, self._safety.service_latch, run_id)
        if alarms is not None:
            self._way.retain("alarm_active", alarms)
        telemetry = self._stretch.look(self._read_table() if run_id else {}, run_id, self._progress.step, now_s)
        if telemetry is not None:
            self._way.telemetry(telemetry)
        if now_s >= self._info_due_s:
            self._info_due_s = now_s + INFO_S
            self._way.retain("info", self._read_info())
