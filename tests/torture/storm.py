"""The director: mishaps at random until enough is made, then everything is healed, drained and balanced."""

from __future__ import annotations

import heapq
import itertools
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.torture.books import Account, balance, read_centre, read_station
from tests.torture.mishaps import TABLE
from tests.torture.settings import Settings
from tests.torture.stage import Stage

_TICK_S = 0.02
_RESTART_S = 0.5
_FIRST_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a torture came to."""

    settings: Settings
    account: Account
    counts: dict[str, int]
    findings: tuple[str, ...]
    in_storm: int
    """Results that were committed while it raged; the rest after it."""
    storm_s: float
    make_s: float
    drain_s: float

    @property
    def held(self) -> bool:
        """The books balance and nobody died of it."""
        return self.account.balanced and not self.findings

    def __str__(self) -> str:
        settings, per_s = self.settings, self.in_storm / self.storm_s
        lines = [
            f"seed {settings.seed}: {settings.stations} stations, {settings.collectors} collectors, {settings.broker},"
            f" {settings.database}; storm {self.storm_s:.1f} s ({self.in_storm} results in it,"
            f" {per_s:.0f} a second), the rest made in {self.make_s:.1f} s, drained {self.drain_s:.1f} s later",
            str(self.account),
            *(f"  {count:6d} {name}" for name, count in sorted(self.counts.items())),
            *(f"FINDING: {finding}" for finding in self.findings),
        ]
        return "\n".join(lines)


def check(outcome: Outcome, folder: Path) -> None:
    """Say what it came to. A failure names the seed, and the folder with everybody's books and logs."""
    print(f"\n{outcome}")
    size = "--small " if outcome.settings.broker == "iotcore" else ""
    again = f"python -m tests.torture {size}--seed {outcome.settings.seed}"
    assert outcome.held, f"{outcome}\nkept in {folder}; the same mishaps again: {again}"


def rage_at_random(stage: Stage) -> float:
    """Mishaps of the table until every station has made its share. Returns the seconds that it took."""
    return _Storm(stage).rage()


def torture(settings: Settings, folder: Path, rage: Callable[[Stage], float] = rage_at_random) -> Outcome:
    """Play it in `folder`, which must be empty: `rage` strikes and returns how many seconds it did."""
    folder.mkdir(parents=True, exist_ok=True)
    with Stage(settings, folder) as stage:
        storm_s = rage(stage)
        in_storm = sum(len(seat.ledger.runs) for seat in stage.seats)
        stage.heal()
        make_s, drain_s = _make_the_rest(stage), _drain(stage)
        account, counts = _balance(stage), dict(+stage.all_counts)
        return Outcome(settings, account, counts, tuple(stage.findings), in_storm, storm_s, make_s, drain_s)


class _Storm:
    """Strikes and undoes, on one thread."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._rng = random.Random(stage.settings.seed)
        self._undo: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        allowed = stage.settings.only
        self._mishaps = [mishap for mishap in TABLE if allowed is None or mishap.name in allowed]
        self._first = _FIRST_ROUNDS * self._mishaps
        self._rng.shuffle(self._first)  # each again where it did not come off: its victim had trouble enough

    def rage(self) -> float:
        """Until enough; everything that was begun is undone."""
        settings, began = self._stage.settings, time.monotonic()
        strike_at = began + 0.5
        while (now := time.monotonic()) - began < settings.storm_s_max:
            if now - began > settings.storm_s_min and _all_made(self._stage):
                break
            self._undo_due(now)
            for child in self._stage.watch():
                self._later(_RESTART_S, child.start)
            if now >= strike_at and self._mishaps:
                self._strike()
                strike_at = time.monotonic() + self._rng.expovariate(1.0 / settings.mishap_every_s)
            time.sleep(_TICK_S)
        self._undo_due(float("inf"))
        return time.monotonic() - began

    def _strike(self) -> None:
        weights = [mishap.weight for mishap in self._mishaps]
        while self._first and self._stage.counts[self._first[-1].name]:
            self._first.pop()
        mishap = self._first.pop() if self._first else self._rng.choices(self._mishaps, weights)[0]
        undo = mishap.strike(self._stage, self._rng)
        if undo is not None:
            self._later(*undo)
            self._stage.counts[mishap.name] += 1

    def _later(self, seconds: float, undo: Callable[[], object]) -> None:
        heapq.heappush(self._undo, (time.monotonic() + seconds, next(self._order), undo))

    def _undo_due(self, now: float) -> None:
        while self._undo and self._undo[0][0] <= now:
            heapq.heappop(self._undo)[2]()


def _all_made(stage: Stage) -> bool:
    """Whether every station has made its share; one that was killed before it could say so says it again."""
    return all(seat.idle for seat in stage.seats)


def _make_the_rest(stage: Stage) -> float:
    """In calm weather, until all is made or the time for it is over; returns how long it took."""
    began = time.monotonic()
    while time.monotonic() - began < stage.settings.make_s and not _all_made(stage):
        stage.restart_ended()
        time.sleep(_TICK_S)
    for seat in stage.seats:
        seat.say_enough()
    return time.monotonic() - began


def _drain(stage: Stage) -> float:
    """Wait until every station is idle and its outbox is empty, three times in a row; returns how long it took."""
    began, quiet = time.monotonic(), 0
    while time.monotonic() - began < stage.settings.drain_s and quiet < 3:
        stage.restart_ended()
        quiet = quiet + 1 if all(seat.idle and is_drained(seat.told.store) for seat in stage.seats) else 0
        time.sleep(0.2)
    took = time.monotonic() - began
    if quiet < 3:
        stage.findings.append(f"not drained within {stage.settings.drain_s:.0f} s after everything was healed")
    if stage.rogue is not None:
        stage.rogue.end()
    for child in stage.children:
        if (status := child.end()) != 0:
            stage.findings.append(f"{child.name} ended with {status} on SIGTERM; see {child.log.name}")
    return took


def is_drained(store: Path) -> bool:
    """Whether no row waits or is in quarantine, and no run is open."""
    with closing(sqlite3.connect(store, timeout=10.0)) as db:
        sql = "SELECT (SELECT count(*) FROM outbox WHERE state <> 'delivered') + (SELECT count(*) FROM steps)"
        return bool(db.execute(sql).fetchone()[0] == 0)


def _balance(stage: Stage) -> Account:
    stations = [read_station(seat.told.store) for seat in stage.seats]
    return balance(stations, {seat.told.name: seat.ledger for seat in stage.seats}, read_centre(stage.database))
