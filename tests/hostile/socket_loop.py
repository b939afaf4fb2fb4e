"""Virtual time with real sockets: what is ready on a file descriptor goes first, then time passes to the next timer.

Every peer must live in the same loop: nothing is ever waited for in real time.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

from station.campaign.virtual import US, VirtualLoop


class _Patience(selectors.SelectSelector):
    loop: SocketLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and (timeout is None or timeout > 0.0):
            self.loop.pass_time(None if timeout is None else self.loop.now_us + max(1, round(timeout * US)))
        return ready


class SocketLoop(VirtualLoop):
    """See above."""

    def __init__(self) -> None:
        patience = _Patience()
        patience.loop = self
        self.now_us, self._owner = 1_000 * US, None
        asyncio.SelectorEventLoop.__init__(self, patience)
        self._clock_resolution = 1.0 / US
