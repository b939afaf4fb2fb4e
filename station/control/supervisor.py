"""What systemd is told (sd_notify(3)): ready, alive, stopping. Where nobody listens, nothing is said.

"Alive" means that the safety kernel completes its scans, and nothing else: only the kernel's turns call `alive`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping

SHARE = 4
"""Alive is said this many times in the supervisor's time-out, so that a late one is no death."""
ANEW_S = 60.0
"""So long may it take from the last scan of a process to READY of what it becomes; then it is dead to the watchdog."""


class Supervisor:
    """`clock`: monotonic seconds. What cannot be said is not tried again: the next one will tell."""

    def __init__(self, clock: Callable[[], float], environment: Mapping[str, str] = os.environ) -> None:
        self._clock = clock
        self._address = environment.get("NOTIFY_SOCKET", "")
        limit_us = environment.get("WATCHDOG_USEC", "")
        wanted = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._pause_s = int(limit_us) / 1e6 / SHARE if limit_us.isdecimal() and wanted else None
        self._next_s = clock()

    def ready(self) -> None:
        """The bench can be used. The time-out of the watchdog is the supervisor's own again."""
        own = "" if self._pause_s is None else f"\nWATCHDOG_USEC={round(self._pause_s * SHARE * 1e6)}"
        self._say(f"READY=1{own}")

    def starting_again(self) -> None:
        """The same process is about to run itself anew: a reload, in which it may be silent for longer than usual."""
        state = f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}"
        if self._pause_s is not None:
            state += f"\nWATCHDOG_USEC={round(ANEW_S * 1e6)}"
        self._say(state)

    def stopping(self) -> None:
        """The daemon is on its way out; from here on it need not be alive."""
        self._say("STOPPING=1")

    def alive(self) -> None:
        """A scan was completed. Said only as often as systemd needs it; never waits."""
        if self._pause_s is not None and self._clock() >= self._next_s:
            self._next_s = self._clock() + self._pause_s
            self._say("WATCHDOG=1")

    def _say(self, state: str) -> None:
        if not self._address:
            return
        to = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, kind) as out:
            out.connect(to)
            out.send(state.encode())
