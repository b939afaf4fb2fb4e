"""One daemon a store: whoever opens it to write holds a lock on a file beside it for as long as it lives."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from station.domain.errors import SettingsError


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
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
            raise SettingsError(
                f"store.path {path}: another station (process {holder}) uses it; stop that one first"
            ) from None
        with suppress(OSError):  # a full disk: the lock holds without the number, and the store says what is wrong
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)
