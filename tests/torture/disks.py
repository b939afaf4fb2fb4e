"""Disks that can be full: a small file system where this process may mount one, else a limit on the size of files."""

from __future__ import annotations

import contextlib
import resource
import subprocess
from collections.abc import Iterable
from pathlib import Path

_FILLER = "filler"
_WORDS = 1 << 16
"""Bytes that a file may have in any case: a process that may not even say why it ends would be a riddle."""


class Disk:
    """The folder of a store. `mounted` says which way it can be full."""

    def __init__(self, place: Path, room: str | None) -> None:
        """`room` of a file system of its own ("64m"), in memory; None, or where that is not allowed: a plain folder."""
        self.place = place
        place.mkdir(parents=True, exist_ok=True)
        self.mounted = room is not None and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={room}", "none", place], capture_output=True
        ).returncode  # fmt: skip
        self._limited: set[int] = set()

    def fill(self, pids: Iterable[int]) -> None:
        """From now on nothing can grow here; where it is not mounted: no file of these processes."""
        if self.mounted:
            with (self.place / _FILLER).open("ab", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(1 << 20))
            with (self.place / _FILLER).open("ab", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(512))
            return
        largest = max([_WORDS, *(file.stat().st_size for file in self.place.glob("*-wal"))])
        for pid in pids:
            self._limit(pid, largest)

    def make_room(self) -> None:
        """All is well again."""
        (self.place / _FILLER).unlink(missing_ok=True)
        for pid in self._limited:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self._limited.clear()

    def close(self) -> None:
        """Unmount it; what was in it is gone."""
        if self.mounted:
            subprocess.run(["umount", "-l", self.place], check=True)
            self.mounted = False

    def _limit(self, pid: int, size: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            self._limited.add(pid)
