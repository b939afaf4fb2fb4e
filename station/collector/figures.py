"""What a worker counts of itself, as plain numbers; `station.collector.metrics` shows them to Prometheus."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STATIONS_MAX = 20_000
"""So many names are remembered; without certificates anybody can invent more."""
BATCH_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


class Figures:
    """Counts since this worker was started; ages by its own monotonic clock."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._heard_s: dict[str, float] = {}
        self.received: Counter[str] = Counter()
        """Messages by kind."""
        self.answered: Counter[tuple[str, str]] = Counter()
        """Messages by kind and by what became of them: `stored`, `duplicate`, `rejected`."""
        self.alarms: Counter[tuple[str, str]] = Counter()
        """The centre's own alarms by code and by what became of them: `written` or `withheld`."""
        self.receipts: Counter[str] = Counter()
        """Receipts by status."""
        self.batches = [0] * (len(BATCH_BOUNDS_S) + 1)
        """Commits by how long they took; the last place is for what took longer than every bound."""
        self.batch_s_sum = 0.0
        self._committing_since_s: float | None = None
        self.database_errors = 0
        self.database_up = False
        self.linked = False
        self.links = 0
        self.online: int | None = None
        """Stations online as the database has it; None: not asked yet."""

    def heard(self, station: str) -> None:
        """A message of this station came in."""
        if station in self._heard_s or len(self._heard_s) < STATIONS_MAX:
            self._heard_s[station] = self._now_s()

    @contextmanager
    def committing(self) -> Iterator[None]:
        """A batch is with the database; it counts as committed if nothing is raised."""
        began_s = self._committing_since_s = self._now_s()
        try:
            yield
            took_s = self._now_s() - began_s
            self.batches[bisect_left(BATCH_BOUNDS_S, took_s)] += 1
            self.batch_s_sum += took_s
        finally:
            self._committing_since_s = None

    def commit_age_s(self) -> float:
        """Seconds that the commit under way has lasted; 0 where there is none."""
        since_s = self._committing_since_s
        return 0.0 if since_s is None else self._now_s() - since_s

    def silences_s(self) -> dict[str, float]:
        """Seconds since the last message of every station that this worker heard."""
        now_s = self._now_s()
        return {station: now_s - heard_s for station, heard_s in self._heard_s.copy().items()}
