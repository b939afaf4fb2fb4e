"""Clocks, handed in and never called by name (see DESIGN, Time).

Safety time is always monotonic wall time. Test time is what steps, soak and durations count in: the same
monotonic clock on a real bench, a faster one on the simulated bench. UTC stamps carry how far to trust them.
"""

from __future__ import annotations

import asyncio
import math
import time
from datetime import UTC, datetime
from typing import Protocol


class TestClock(Protocol):
    """Test time in seconds, from an arbitrary zero."""

    @property
    def speed(self) -> float:
        """Seconds of test time in a second of wall time."""

    def now_s(self) -> float:
        """Test time now."""

    async def sleep(self, seconds: float) -> None:
        """Wait that much test time."""


class ScaledClock:
    """Monotonic wall time times `speed`; speed 1 is the clock of a real bench."""

    __test__ = False

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed

    def now_s(self) -> float:
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)


def wall_bound_s(test_s: float, speed: float) -> int:
    """A bound in test time as whole seconds of wall time, rounded up (`ON n`), never below 1."""
    return max(1, math.ceil(test_s / speed))


def utc_text(at: datetime) -> str:
    """A UTC stamp as contracts want it: `2026-11-22T03:52:10.123Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
