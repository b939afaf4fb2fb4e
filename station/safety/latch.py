"""The service latch: set by a weld, kept over restarts, cleared by a maintainer alone."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

_LOG = logging.getLogger(__name__)


class Latch(Protocol):
    """Persistence of the service latch; the daemon binds it to the disk. There is no `clear` here, on purpose."""

    async def set(self, reason: str) -> None:
        """Keep `reason` durably. May raise; it is tried again until it succeeds."""

    async def read(self) -> str | None:
        """The reason of a latch that is set, or None."""


class ServiceLatch:
    """What the kernel knows of the latch: set in memory at once, on its way to the disk until it is there."""

    def __init__(self, latch: Latch, retry_s: float) -> None:
        self._latch = latch
        self._retry_s = retry_s
        self._writing: asyncio.Task[None] | None = None
        self.reason: str | None = "not read yet"
        """Why a maintainer must come; None if nobody must."""

    async def load(self) -> None:
        """Read it; a latch that cannot be read counts as set."""
        try:
            self.reason = await self._latch.read()
        except Exception as error:
            self.reason = f"it could not be read ({error})"

    def set(self, reason: str) -> None:
        """Set it now, and keep it without waiting."""
        self.reason = reason
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write(reason))

    async def close(self, within_s: float) -> None:
        """Give a write under way its time."""
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=within_s)
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _write(self, reason: str) -> None:
        while True:
            try:
                await self._latch.set(reason)
                return
            except Exception:
                _LOG.exception("the service latch could not be kept; trying again")
                await asyncio.sleep(self._retry_s)
