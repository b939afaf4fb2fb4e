"""One daemon a store: whoever opens it to write holds a lock on a file beside it for as long as it lives."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from station.domain.errors import SettingsError


class StoreHeld(SettingsError):
    """Another process holds the store; `holder` is its number."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"store.path {path}: another station (process {holder}) uses it; stop that one first")
        self.holder = holder


@contextmanager
def hold_if_there(path: Path) -> Iterator[None]:
    """As `hold_store`, for who only looks at the bench: makes no file. Without a lock file no daemon ever ran here.

    Raises `StoreHeld`, and `SettingsError` where it may not be looked at.
    """
    try:
        handle = os.open(path.with_name(path.name + ".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        yield
        return
    except OSError as error:
        raise SettingsError(
            f"store.path {path}: {error.strerror}, so whether a daemon runs is not known; ask with sudo"
        ) from error
    try:
        _take(handle, path)
        yield
    finally:
        os.close(handle)


@contextmanager
def hold_store(path: Path) -> Iterator[None]:
    """Hold the store at `path`; the kernel lets go of it however this process ends.

    Raises `SettingsError` if another process holds it or the place cannot be written to: nothing is touched then.
    """
    beside = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    except OSError as error:
        raise SettingsError(
            f"store.path {path}: {error.strerror}; name a place that the station may write to"
        ) from error
    try:
        _take(handle, path)
        with suppress(OSError):  # a full disk: the lock holds without the number, and the store says what is wrong
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)


def _take(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise StoreHeld(path, os.read(handle, 32).decode(errors="replace").strip() or "unknown") from None
