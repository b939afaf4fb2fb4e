"""The scanner's twin: a pty that types what it is told to scan."""

from __future__ import annotations

import os
import tty


class ScannerTwin:
    """A bar-code scanner on a pty; both ends stay open, so that a station may come and go."""

    def __init__(self) -> None:
        self._master = self._slave = -1

    def start(self) -> str:
        """Plug it in; returns the path of its port."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        return os.ttyname(self._slave)

    def scan(self, text: str) -> None:
        """Scan one code. Raises `BlockingIOError` if nobody has read for very long."""
        os.write(self._master, text.encode() + b"\r\n")

    def close(self) -> None:
        """Unplug it; safe to call twice."""
        if self._master >= 0:
            os.close(self._master)
            os.close(self._slave)
        self._master = self._slave = -1
