"""A simulated instrument that speaks in lines: a pty, a line splitter, and a clock tick while it is busy.

Headers are understood in their short and long forms. What an instrument says is in the twin of that instrument.
"""

from __future__ import annotations

import asyncio
import contextlib

from drivers.sim.pty import RawPty

TICK_S = 0.005  # wall time between looks at the plant while a test runs


def short_header(header: str) -> str:
    """`:MEASure:MAXimum?` as `MEAS:MAX?`: each word in capitals, at most four letters, three where the fourth is a
    vowel (SCPI's rule, as far as these instruments follow it)."""
    words = header.upper().lstrip(":").removesuffix("?").split(":")
    short = [word if len(word) <= 4 else word[:3] if word[3] in "AEIOU" else word[:4] for word in words]
    return ":".join(short) + ("?" if header.endswith("?") else "")


class ScpiTwin:
    """The base of line-speaking twins. Lives in the running event loop."""

    def __init__(self) -> None:
        self._pty: RawPty | None = None
        self._buffer = b""
        self._ticking: asyncio.TimerHandle | None = None

    async def start(self) -> str:
        """Serve; returns the port for the station."""
        self._pty = RawPty()
        asyncio.get_running_loop().add_reader(self._pty.master, self._receive)
        return self._pty.path

    async def close(self) -> None:
        """Hang up; safe to call twice."""
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        if self._pty is not None:
            asyncio.get_running_loop().remove_reader(self._pty.master)
            self._pty.close()
            self._pty = None

    def answer(self, header: str, argument: str) -> str | None:
        """What the instrument answers to a short header and its argument; None for a command."""
        raise NotImplementedError

    def tick(self) -> bool:
        """Look at the plant; True to be asked again soon."""
        return False

    def begin_ticking(self) -> None:
        """Call `tick` until it returns False."""
        if self._ticking is None:
            self._ticking = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def send(self, text: str) -> None:
        """A line to the station, asked for or not."""
        if self._pty is not None:
            self._pty.send(text.encode("ascii") + b"\r\n")

    def _tick(self) -> None:
        self._ticking = None
        if self.tick():
            self.begin_ticking()

    def _receive(self) -> None:
        assert self._pty is not None
        self._buffer += self._pty.receive()
        *lines, self._buffer = self._buffer.replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            with contextlib.suppress(UnicodeDecodeError):
                if text := line.decode("ascii").strip():
                    self._obey(text)

    def _obey(self, text: str) -> None:
        header, _, argument = text.partition(" ")
        reply = self.answer(short_header(header), argument.strip())
        if reply is not None:
            self.send(reply)
