"""The kernel's turns in time: the loop that makes them at a fixed period, and those who wait for the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from drivers.errors import DeviceTimeout
from station.domain.clock import tick_after

EARLY_S = 1e-6
"""A tick that is nearer than this has come."""


async def tick(turn: Callable[[float], None], clock: Callable[[], float], period_s: float) -> None:
    """Call `turn(due)` on every tick until it raises or this is cancelled; ticks that were missed are not made up."""
    due = clock()
    while True:
        begun = clock()
        turn(due)
        due = tick_after(max(due, begun - period_s) + EARLY_S, period_s)
        await asyncio.sleep(max(0.0, due - clock()))


class Turns:
    """Wakes whoever waits for a completed turn. `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next = asyncio.Event()
        self.waiting = 0
        """How many wait for the next turn."""

    def completed(self) -> None:
        """A turn is over: everyone looks again."""
        done, self._next = self._next, asyncio.Event()
        done.set()

    async def wait(self, deadline: float, what: str) -> None:
        """Until the next turn is over. Raises `DeviceTimeout` if `deadline` passes first."""
        left_s = deadline - self._clock()
        if left_s > 0:
            try:
                self.waiting += 1
                async with asyncio.timeout(left_s):
                    await self._next.wait()
                return
            except TimeoutError:
                pass
            finally:
                self.waiting -= 1
        raise DeviceTimeout("bench", f"{what} did not come in time")
