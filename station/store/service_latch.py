"""The service latch on disk: set by a weld, kept over restarts, cleared by a maintainer alone (`service clear-weld`).

A file of its own beside the database, because it must be readable when the database is not.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path


class FileLatch:
    """Implements `station.safety.latch.Latch`. A file that cannot be read raises, which counts as set."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def set(self, reason: str) -> None:
        """Written beside, synced, moved, and the folder synced: there or not there, never half. Raises `OSError`."""
        await asyncio.to_thread(self._write, reason)

    def clear(self, who: str, at: str) -> str | None:
        """A maintainer's act, with the daemon stopped: log who cleared what and when, then take the latch away.

        Returns the reason that stood there, None if there was no latch. Raises `OSError`; then it is still set.
        """
        reason = self._read()
        if reason is None:
            return None
        with self._path.with_suffix(".service-log").open("a", encoding="utf-8") as log:
            log.write(f"{at} {who} cleared: {reason}\n")
            log.flush()
            os.fsync(log.fileno())
        self._path.unlink()
        self._sync_folder()
        return reason

    async def read(self) -> str | None:
        """The reason, or None where there is no latch. Raises `OSError`."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> str | None:
        try:
            return self._path.read_text(encoding="utf-8", errors="replace").strip() or "set, without a reason"
        except FileNotFoundError:
            return None

    def _write(self, reason: str) -> None:
        beside = self._path.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            file.write(reason + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        self._sync_folder()

    def _sync_folder(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
