"""Pseudo-terminals that behave like serial adapters: raw, with both ends held open.

`RawPty` is one line with a byte-speaking program at its far end; `Wire` joins two of them, for a far end that insists
on opening a port by its path (pymodbus's serial server). No protocol lives here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty


class RawPty:
    """One pty: `path` is the port for the station, `master` the file descriptor of the twin, non-blocking."""

    def __init__(self) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self._slave)

    def receive(self) -> bytes:
        """What the station has written since the last call; empty when nothing."""
        with contextlib.suppress(BlockingIOError):
            return os.read(self.master, 4096)
        return b""

    def send(self, data: bytes) -> None:
        """Bytes to the station. What no longer fits the terminal's buffer (4 KB unread) is lost, as on a real line."""
        with contextlib.suppress(BlockingIOError):
            os.write(self.master, data)

    def close(self) -> None:
        """Hang up: the station sees its port vanish. Safe to call twice."""
        for descriptor in (self.master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)
        self.master = self._slave = -1


class Wire:
    """Two ptys joined in the running event loop: `near.path` is for the station, `far.path` for the server."""

    def __init__(self) -> None:
        self.near = RawPty()
        self.far = RawPty()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.near.master, lambda: self.far.send(self.near.receive()))
        self._loop.add_reader(self.far.master, lambda: self.near.send(self.far.receive()))

    def close(self) -> None:
        """Hang up both ends; safe to call twice."""
        for end in (self.near, self.far):
            if end.master >= 0:
                self._loop.remove_reader(end.master)
            end.close()
