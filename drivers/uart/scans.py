"""What every scanner does with what it read: keep the scans that nobody has taken yet, drop what is none.

Two scans of the same code are two scans, however quickly they follow: what a second one means the session judges.
"""

from __future__ import annotations

import asyncio

from drivers.errors import PortError

SCAN_MAX = 200
"""Longer lines are no scan of ours and are thrown away."""
KEPT_SCANS = 16
NO_READ = frozenset({"noread", "no read", "no_read", "nr", "error", "?"})
"""What scanners send (in any case of letters) when their trigger was pulled and they saw no code."""


class Scans:
    """The scans of one scanner, oldest first; of those that nobody waits for the newest few are kept."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | PortError] = asyncio.Queue()

    @property
    def waiting(self) -> bool:
        """Whether `take` would return, or raise, at once."""
        return not self._queue.empty()

    def put(self, line: str) -> None:
        """A line that came whole; thrown away if it is empty, too long, not printable or says that nothing was read."""
        text = line.strip()
        if not text or len(text) > SCAN_MAX or not text.isprintable() or text.lower() in NO_READ:
            return
        if self._queue.qsize() >= KEPT_SCANS:
            self._queue.get_nowait()
        self._queue.put_nowait(text)

    def end(self, error: PortError) -> None:
        """The scanner is gone: whoever waits is told, after the scans that came before."""
        self._queue.put_nowait(error)

    async def take(self) -> str:
        """Wait for the next scan. Raises what `end` was told, once."""
        scan = await self._queue.get()
        if isinstance(scan, PortError):
            raise scan
        return scan
