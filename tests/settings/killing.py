"""Counts what changes the disk below a folder, and stops it there: by a kill, or because the disk is full."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from station.domain.errors import StationError


class Killed(BaseException):
    """Nothing after this happened."""


class _Killer:
    """Counts what changes the disk, and stops before the operation that it was told, or at all from it on."""

    EVENTS = ("open", "os.rename", "os.symlink", "os.mkdir", "os.remove", "os.rmdir", "os.utime")
    TAKES_ROOM = ("open", "os.symlink", "os.mkdir")

    def __init__(self) -> None:
        self.root, self.left, self.seen = "", -1, 0
        self.full = False

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        if self.root and event in self.EVENTS and any(self.root in str(arg) for arg in args):
            self.step(event, args)

    def step(self, event: str = "fsync", args: tuple[Any, ...] = ()) -> None:
        self.seen += 1
        self.left -= 1
        if self.full and self.left <= 0 and event in self.TAKES_ROOM and _writes(event, args):
            raise OSError(errno.ENOSPC, "No space left on device")
        if not self.full and self.left == 0:
            raise Killed


def _writes(event: str, args: tuple[Any, ...]) -> bool:
    """Reading needs no room."""
    if event != "open":
        return True
    flags = args[2] if isinstance(args[2], int) else 0
    return bool(flags & (os.O_CREAT | os.O_TRUNC))


KILLER = _Killer()
sys.addaudithook(lambda event, args: KILLER.hear(event, args))


@contextmanager
def killed_before(number: int, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Die before that operation; what was written to a file and not synced is cut in half."""
    real = os.fsync

    def fsync(handle: int) -> None:
        try:
            KILLER.step()
        except Killed:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                os.truncate(handle, os.fstat(handle).st_size // 2)
            raise
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        KILLER.root, KILLER.left, KILLER.seen, KILLER.full = str(root), number, 0, False
        try:
            yield
        except Killed:
            pass
        finally:
            KILLER.root = ""


@contextmanager
def full_from(number: int, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """From that operation on the disk takes nothing more; what the program says of it is its own to say."""
    real = os.fsync

    def fsync(handle: int) -> None:
        KILLER.step()
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        KILLER.root, KILLER.left, KILLER.seen, KILLER.full = str(root), number, 0, True
        try:
            with suppress(StationError):
                yield
        finally:
            KILLER.root = ""
