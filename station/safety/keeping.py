"""Fan and bleed relay: put where the last scan wants them, one write at a time each, without holding up a scan."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from drivers.errors import DriverError
from station.safety.relays import SAFE_CLOSED, RelayDesk

_LOG = logging.getLogger(__name__)


class Keeping:
    """The hands of the kernel on the relays that no step may switch. `retry_s`: pause after a write that failed."""

    def __init__(self, desk: RelayDesk, retry_s: float) -> None:
        self._desk = desk
        self._retry_s = retry_s
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.settled = True
        """Nothing was left to put when the last scan looked: no relay is being tried again and again."""

    def keep(self, wanted: Mapping[str, bool]) -> None:
        """Start what is needed to bring each role where it is wanted. Never waits."""
        self.settled = True
        for role in SAFE_CLOSED:
            busy = self._tasks.get(role)
            done = self._desk.commanded(role) is wanted[role]
            if done or not self._desk.started or not self._desk.has(role):
                continue
            self.settled = False
            if busy is None or busy.done():
                self._tasks[role] = asyncio.get_running_loop().create_task(self._put(role, wanted[role]))

    async def close(self) -> None:
        """Let go; the relays stay where they are (a hot load bank keeps its fan)."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _put(self, role: str, closed: bool) -> None:
        try:
            await self._desk.keep(role, closed)
        except DriverError as error:
            _LOG.warning("relay %s: %s", role, error)
            await asyncio.sleep(self._retry_s)
