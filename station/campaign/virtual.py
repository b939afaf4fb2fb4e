"""An event loop whose time does not pass by itself: when nothing is ready it asks for time, and gets as much as is due.

Time is whole microseconds, so that sums of steps are exact and the same everywhere. Whoever owns time (`pass_time`)
may let things happen before the loop's own next timer; without an owner the loop jumps to that timer.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

US = 1_000_000
"""Microseconds in a second."""


class _Patience(selectors.SelectSelector):
    """Instead of waiting, asks the owner of time to go on."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            self.loop.pass_time(None)
        elif timeout > 0.0:
            self.loop.pass_time(self.loop.now_us + max(1, round(timeout * US)))
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """`pass_time(limit_us)` must move `now_us` on, at most to `limit_us` (None: no timer waits)."""

    def __init__(self, now_us: int = 1_000 * US, pass_time: Callable[[VirtualLoop, int | None], None] | None = None):
        patience = _Patience()
        patience.loop = self
        self.now_us = now_us
        self._owner = pass_time
        self._timed = False
        super().__init__(patience)
        self._clock_resolution = 1.0 / US  # a timer that is due within the same microsecond is due

    def time(self) -> float:
        """Virtual seconds."""
        return self.now_us / US

    def pass_time(self, limit_us: int | None) -> None:
        """Called when nothing is ready."""
        if self._owner is not None:
            self._timed = False
            self._owner(self, limit_us)
            return
        if limit_us is None:
            raise RuntimeError("everything waits for nothing: a deadlock")
        self.now_us = limit_us

    def has_work(self, limit_us: int | None) -> bool:
        """Whether there is more to do than to let time pass: something is ready, or a timer came, went or is due."""
        return bool(self._ready) or self._timed or (limit_us is not None and self.now_us >= limit_us)  # type: ignore[attr-defined]

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:  # type: ignore[override]
        """As ever, and time stops to look at it."""
        self._timed = True
        return super().call_at(when, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        self._timed = True
        super()._timer_handle_cancelled(handle)  # type: ignore[misc]

    def let_go(self) -> None:
        """Nobody owns this loop's time any more, and nobody listens to its complaints: it only has to end."""
        self._owner = None
        self.set_exception_handler(lambda loop, context: None)

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]
        """There are no threads in virtual time."""
        return self.call_soon(callback, *args, context=context)
