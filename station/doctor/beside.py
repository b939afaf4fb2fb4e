"""The examination that a running daemon gives over its socket: through its own open devices, and out of a run's way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from station.doctor.examine import examine, examine_told
from station.doctor.finding import Finding, as_document

if TYPE_CHECKING:
    from station.assembly import Devices

WIRE_S = 8.0
"""Shorter than what the socket gives one command."""
LOOK_S = 0.1
"""So soon after a run begins an examination lets go of the devices."""


class BesideRun:
    """`running`: whether a run is under way; then nothing is asked, and what is known is told with its age."""

    def __init__(self, devices: Devices, running: Callable[[], bool]) -> None:
        self._devices, self._running = devices, running
        self._one = asyncio.Lock()

    async def look(self) -> dict[str, Any]:
        """One examination at a time, as it goes out: `running` and `devices`."""
        async with self._one:
            found = None if self._running() else await self._ask()
            told = found is None
            if found is None:
                found = await examine_told(self._devices, time.monotonic())
        return {"running": told, "devices": [as_document(one) for one in found]}

    async def _ask(self) -> tuple[Finding, ...] | None:
        """The findings; None where a run began meanwhile."""
        asking = asyncio.ensure_future(examine(self._devices, wire_s=WIRE_S, owned=True))
        try:
            while not asking.done():
                await asyncio.wait({asking}, timeout=LOOK_S)
                if not asking.done() and self._running():
                    return None
            return asking.result()
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
