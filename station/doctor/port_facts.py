"""What can be seen of a port without opening it: is it there, whose is it, who holds it, what else is plugged in.

Linux only: /dev/serial/by-id (udev's links), /proc/PID/fd. Blocks a little: not for the loop.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

BY_ID = Path("/dev/serial/by-id")
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class PortFacts:
    """Of one port. `holders` are processes that have it open, as `name (pid)`; of others' only root sees them."""

    port: str
    exists: bool
    usable: bool
    """This process may read and write it."""
    group: str
    mode: str
    user: str
    in_group: bool
    """Whether this process is in the group that owns it."""
    holders: tuple[str, ...]
    plugged: tuple[str, ...]
    """Serial adapters that are there, by the names that udev gives them."""


def look_at(port: str, *, by_id: Path = BY_ID, proc: Path = PROC) -> PortFacts:
    """The facts of `port`. Raises nothing: what cannot be seen is empty."""
    path = Path(port)
    user = _user(os.geteuid())
    plugged = tuple(sorted(found.name for found in by_id.glob("*")))
    try:
        seen = path.stat()
    except OSError:
        return PortFacts(port, False, False, "", "", user, False, (), plugged)
    try:
        group = grp.getgrgid(seen.st_gid).gr_name
    except KeyError:
        group = str(seen.st_gid)
    usable = os.access(path, os.R_OK | os.W_OK, effective_ids=True)
    in_group = seen.st_gid in {os.getegid(), *os.getgroups()}
    mode = f"{seen.st_mode & 0o7777:04o}"
    return PortFacts(port, True, usable, group, mode, user, in_group, holders_of(path, proc), plugged)


def holders_of(path: Path, proc: Path = PROC) -> tuple[str, ...]:
    """Other processes that have `path` open, as `name (pid)`."""
    try:
        target = path.stat()
    except OSError:
        return ()
    found = []
    for folder in sorted(proc.glob("[0-9]*"), key=lambda one: int(one.name)):
        if folder.name == str(os.getpid()) or not _has_open(folder / "fd", (target.st_dev, target.st_ino)):
            continue
        name = ""
        with contextlib.suppress(OSError):
            name = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
        found.append(f"{name or 'a process'} ({folder.name})")
    return tuple(found)


def _has_open(folder: Path, target: tuple[int, int]) -> bool:
    try:
        for link in folder.iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                seen = link.stat()
                if (seen.st_dev, seen.st_ino) == target:
                    return True
    except OSError:  # of another user, or ended
        return False
    return False


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
