"""Clocks, handed in and never called by name (see DESIGN, Time).

Safety time is always monotonic wall time. Test time is what steps, soak and durations count in. On a real bench it
is the monotonic clock. On a bench whose plant runs faster it is what was waited for, times the speed, plus what was
captured: time that the station itself spends on its wires is not blown up with it.
UTC stamps carry how far to trust them.
"""

from __future__ import annotations

import asyncio
import math
import time
from datetime import UTC, datetime
from typing import Protocol

WIRE_S = 20.0
"""Wall time that buses, processes and scans of one run take at any speed."""


class TestClock(Protocol):
    """Test time in seconds, from an arbitrary zero."""

    @property
    def speed(self) -> float:
        """Seconds of test time in a second of wall time."""

    def now_s(self) -> float:
        """Test time now."""

    def spent(self, seconds: float) -> None:
        """Test time that passed inside a device: captured frames, a tester's own run."""

    async def sleep(self, seconds: float) -> None:
        """Wait that much test time."""


class MonotonicClock:
    """The clock of a real bench: test time is monotonic time, and what passes inside a device passes anyway."""

    speed: float = 1.0

    def now_s(self) -> float:
        return time.monotonic()

    def spent(self, seconds: float) -> None:
        return

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ScaledClock:
    """Test time of a bench that runs `speed` times faster: waits and captured frames add up."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._now_s = 0.0

    def now_s(self) -> float:
        return self._now_s

    def spent(self, seconds: float) -> None:
        self._now_s += seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)
        self._now_s += seconds


def wall_bound_s(test_s: float, speed: float) -> int:
    """A bound in test time as whole seconds of wall time, rounded up (`ON n`), never below 1.

    At speed 1 it is the bound itself. On a faster bench only the test is faster: what the wires take stays as long
    as it is, so up to `WIRE_S` of it is allowed on top.
    """
    return max(1, math.ceil(test_s / speed + WIRE_S * (1.0 - 1.0 / speed)))


def tick_after(now_s: float, period_s: float) -> float:
    """The next whole multiple of `period_s`: what is due at the same tick wakes the loop once instead of one by one.

    A tick that is nearer than a millionth of the period has come: rounding must not give the same one twice.
    """
    return (math.floor(now_s / period_s + 1e-6) + 1) * period_s


def utc_text(at: datetime) -> str:
    """A UTC stamp as contracts want it: `2026-11-22T03:52:10.123Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
