"""The scanner's twin: a pty that types what it is told to scan."""

from __future__ import annotations

from drivers.sim.pty import RawPty


class ScannerTwin:
    """A bar-code scanner on a pty; both ends stay open, so that a station may come and go."""

    def __init__(self) -> None:
        self._pty: RawPty | None = None

    def start(self) -> str:
        """Plug it in; returns the path of its port."""
        self._pty = RawPty()
        return self._pty.path

    def scan(self, text: str) -> None:
        """Scan one code; lost if it is not plugged in."""
        self.raw(text.encode() + b"\r\n")

    def raw(self, sent: bytes) -> None:
        """Bytes as they are, for scanners that frame their lines in another way."""
        if self._pty is not None:
            self._pty.send(sent)

    def close(self) -> None:
        """Unplug it; safe to call twice."""
        pty, self._pty = self._pty, None
        if pty is not None:
            pty.close()
