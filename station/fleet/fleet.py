"""All light stations of a process in one loop: who connects next, whose second of telemetry it is, who has a run."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from station.contract.envelope import ReadStamp
from station.contract.keys import PublicKeys
from station.contract.messages import Messages
from station.fleet.figures import Figures
from station.fleet.light import Fellowship, LightStation, State, StationLink
from station.fleet.work import TELEMETRY, do_run, introduce
from station.mqtt.address import BrokerAddress
from station.mqtt.crowd import Crowd
from station.mqtt.keeper import Backoff

OPENING_MAX = 64
"""Links under way at once: less than a broker's queue of connections that it has not accepted yet (mosquitto: 100),
so that none of them ever waits in the kernel, and nobody behind it."""
IDLE_S = 0.2
BEAT_S = 0.01
"""The telemetry of so long goes out together: a turn for every message would cost more than the message."""
SLICE, SLICE_OPENING = 1024, 128
"""Telemetry messages, or goodbyes, between two looks at the network; fewer while stations wait to come online, because
each of them needs several looks, and a process that gets little time would keep them waiting for telemetry."""
GOODBYE_S = 20.0


@dataclass(frozen=True, slots=True)
class Work:
    """What the fleet does: runs a second of all stations together, telemetry messages a second of each."""

    results_per_s: float = 1.0
    telemetry_hz: float = 1.0


@dataclass(slots=True)
class Settling:
    """From the first lost link (or the start) to the moment when all is well again, in seconds."""

    began: float
    back_s: float | None = None
    """All stations are online."""
    settled_s: float | None = None
    """And every message from before that moment has its receipt."""


def fleet_names(count: int) -> list[str]:
    """`fleet-0001` …"""
    return [f"fleet-{number:04}" for number in range(1, count + 1)]


class Fleet:
    """Call `turn` again and again, then `leave`."""

    def __init__(
        self, names: Sequence[str], address: BrokerAddress, keys: PublicKeys, read_stamp: ReadStamp, work: Work,
        *, backoff: Backoff | None = None, now: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.figures = Figures()
        self.settling = Settling(now())
        self._now, self._work = now, work
        self._crowd = Crowd()
        shared = Fellowship(address, keys, self._crowd.open, self.figures, backoff or Backoff())
        self.stations = [LightStation(Messages(name, read_stamp), shared) for name in names]
        for station in self.stations:
            introduce(station)
        self._at = {station.name: index for index, station in enumerate(self.stations)}
        self._by_link: dict[StationLink, LightStation] = {}
        self._opening: set[LightStation] = set()
        self._queue: deque[LightStation] = deque(self.stations)
        self._wakes: list[tuple[float, int]] = []
        self._wake_at = [float("inf")] * len(names)
        self._began = now()
        self._ticks = self._runs = 0

    def turn(self) -> None:
        """Do what is due, then wait for the network, at most until something else is due."""
        now = self._now()
        self._open_some(now)
        self._wake_stations(now)
        late = self._send_telemetry(now)
        self._begin_runs(now)
        self._listen(0.0 if late else self._pause_s(self._now()))
        self._look(self._now())

    def settle(self, within_s: float) -> bool:
        """No more work, until every message has its receipt; whether it came to that."""
        self._work = Work(0.0, 0.0)
        until = self._now() + within_s
        while self.figures.unsettled and self._now() < until:
            self.turn()
        return not self.figures.unsettled

    def leave(self) -> None:
        """Every station says goodbye, and the links are closed."""
        self._work = Work(0.0, 0.0)
        self._queue.clear()
        leaving = [station for station in self.stations if station.state is State.ONLINE]
        until = self._now() + GOODBYE_S
        for start in range(0, len(leaving), SLICE):
            for station in leaving[start : start + SLICE]:
                station.leave()
            self._listen(0.0)
        while self._by_link and self._now() < until:
            self._listen(BEAT_S)
        self._crowd.close()

    # --- one turn ----------------------------------------------------------------------------------------------

    def _open_some(self, now: float) -> None:
        for _ in range(len(self._queue)):
            if len(self._opening) >= OPENING_MAX:
                return
            station = self._queue.popleft()
            link = station.open(now)
            if link is not None:
                self._by_link[link] = station
                self._opening.add(station)
            self._give_turn(station, now)

    def _wake_stations(self, now: float) -> None:
        while self._wakes and self._wakes[0][0] <= now:
            at, index = heapq.heappop(self._wakes)
            if self._wake_at[index] == at:
                self._give_turn(self.stations[index], now)

    def _give_turn(self, station: LightStation, now: float) -> None:
        if station.wants_link(now):
            self._wake(station, float("inf"))
            self._queue.append(station)
        else:
            self._wake(station, station.turn(now))

    def _wake(self, station: LightStation, at: float) -> None:
        index = self._at[station.name]
        if self._wake_at[index] != at:
            self._wake_at[index] = at
            if at != float("inf"):
                heapq.heappush(self._wakes, (at, index))

    def _send_telemetry(self, now: float) -> bool:
        """The stations take turns, evenly over the second; whether more is due at once."""
        count = len(self.stations)
        due = int((now - self._began) * self._work.telemetry_hz * count)
        if due - self._ticks > count:
            self.figures.telemetry_skipped += due - count - self._ticks
            self._ticks = due - count
        now_due = min(due, self._ticks + (SLICE_OPENING if self._opening else SLICE))
        for tick in range(self._ticks, now_due):
            self.stations[tick % count].say_telemetry(TELEMETRY[tick % len(TELEMETRY)])
        self._ticks = max(self._ticks, now_due)
        return self._ticks < due

    def _begin_runs(self, now: float) -> None:
        due = int((now - self._began) * self._work.results_per_s)
        for run in range(self._runs, due):
            station = self.stations[run % len(self.stations)]
            do_run(station, now)
            self.figures.runs += 1
            if station.state is not State.AWAY:
                self._give_turn(station, now)
        self._runs = max(self._runs, due)

    def _listen(self, wait_s: float) -> None:
        for link in self._crowd.turn(wait_s):
            now = self._now()
            heard, link.heard[:] = list(link.heard), []
            station = self._by_link[link]
            station.hear(link, heard, now)
            if link.ended:
                del self._by_link[link]
            if station.state is not State.OPENING:
                self._opening.discard(station)
            self._give_turn(station, now)

    def _pause_s(self, now: float) -> float:
        if self._queue and len(self._opening) < OPENING_MAX:
            return 0.0
        ends = [now + IDLE_S]
        if self._work.telemetry_hz:
            ends.append(now + BEAT_S)
        if self._work.results_per_s:
            ends.append(self._began + (self._runs + 1) / self._work.results_per_s)
        if self._wakes:
            ends.append(self._wakes[0][0])
        return max(0.0, min(ends) - now)

    def _look(self, now: float) -> None:
        """Whether all is well, and since when not."""
        settling, everybody = self.settling, self.figures.online == len(self.stations)
        if settling.settled_s is not None and not everybody:
            self.settling = Settling(now)
        elif settling.back_s is None and everybody:
            settling.back_s = now - settling.began
        elif settling.back_s is not None and settling.settled_s is None:
            oldest = next(iter(self.figures.unsettled.values()), float("inf"))
            if not everybody:
                settling.back_s = None
            elif oldest > settling.began + settling.back_s:
                settling.settled_s = now - settling.began
