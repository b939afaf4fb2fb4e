"""Plant time: `speed` x wall time when idle; while audio is held it advances only with granted frames.

So the soak's temperature and the soak's frames share one time. Not thread-safe: the plant holds the lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable

Monotonic = Callable[[], float]


class SimClock:
    """Plant seconds from zero at construction."""

    def __init__(self, speed: float, monotonic: Monotonic = time.monotonic) -> None:
        if not 0.0 < speed <= 1000.0:
            raise ValueError(f"simulated bench: speed {speed} is impossible; give a number from 1 to 240")
        self.speed = speed
        self._monotonic = monotonic
        self._plant_s = 0.0
        self._wall_s = monotonic()
        self._holds = 0

    def wall_s(self) -> float:
        """Monotonic wall seconds."""
        return self._monotonic()

    def now_s(self) -> float:
        """Plant time now."""
        return self.at_s(self._monotonic())

    def at_s(self, wall_s: float) -> float:
        """Plant time at a wall time; while held, the time at which it is held."""
        if self._holds:
            return self._plant_s
        return self._plant_s + max(0.0, wall_s - self._wall_s) * self.speed

    @property
    def held(self) -> bool:
        """Whether plant time is advanced by hand."""
        return self._holds > 0

    def hold(self) -> None:
        """Plant time stands still until `advance` or the matching `release`."""
        self._plant_s = self.now_s()
        self._holds += 1

    def advance(self, seconds: float) -> None:
        """Let that much plant time pass at once. Only while held."""
        assert self._holds > 0, "plant time is advanced only while it is held"
        self._plant_s += seconds

    def release(self) -> None:
        """Undo one `hold`; with the last, plant time follows wall time again from here."""
        assert self._holds > 0, "release without hold"
        self._holds -= 1
        self._wall_s = self._monotonic()
