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

    async def read(self) -> str | None:
        """The reason, or None where there is no latch. Raises `OSError`."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> str | None:
        try:
            return self._path.read_text(encoding="utf-8").strip() or "set, without a reason"
        except FileNotFoundError:
            return None

    def _write(self, reason: str) -> None:
        beside = self._path.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            file.write(reason + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
