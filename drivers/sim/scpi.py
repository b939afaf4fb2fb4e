"""A simulated instrument that speaks in lines: a pty or a TCP socket, a line splitter, and ticks while it is busy.

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
    """The base of line-speaking twins. Lives in the running event loop; `end` ends what it says."""

    end = "\r\n"

    def __init__(self) -> None:
        self._pty: RawPty | None = None
        self._server: asyncio.Server | None = None
        self._callers: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._buffer = b""
        self._ticking: asyncio.TimerHandle | None = None

    async def start(self) -> str:
        """Serve on a pty; returns the port for the station."""
        self._pty = RawPty()
        asyncio.get_running_loop().add_reader(self._pty.master, self._receive_from_pty)
        return self._pty.path

    async def start_on_socket(self) -> str:
        """Serve on a raw TCP socket instead; returns `host:port` for the station."""
        self._server = await asyncio.start_server(self._receive_from_caller, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    async def close(self) -> None:
        """Hang up; safe to call twice."""
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        if self._pty is not None:
            asyncio.get_running_loop().remove_reader(self._pty.master)
            self._pty.close()
            self._pty = None
        if self._server is not None:
            self._server.close()
            self._server = None
        serving = [task for task in self._callers.values() if task is not None]
        for caller in self._callers:
            caller.transport.abort()
        await asyncio.gather(*serving, return_exceptions=True)

    def answer(self, header: str, argument: str) -> str | None:
        """What the instrument answers to a short header and its argument; None for a command."""
        raise NotImplementedError

    def shorten(self, header: str) -> str:
        """The header as `answer` knows it; for an instrument that does not keep SCPI's rule to say otherwise."""
        return short_header(header)

    def tick(self) -> bool:
        """Look at the plant; True to be asked again soon."""
        return False

    def begin_ticking(self) -> None:
        """Call `tick` until it returns False."""
        if self._ticking is None:
            self._ticking = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def send(self, text: str) -> None:
        """A line to the station, asked for or not."""
        data = (text + self.end).encode("ascii")
        if self._pty is not None:
            self._pty.send(data)
        for caller in self._callers:
            caller.write(data)

    def _tick(self) -> None:
        self._ticking = None
        if self.tick():
            self.begin_ticking()

    def _receive_from_pty(self) -> None:
        assert self._pty is not None
        self._hear(self._pty.receive())

    async def _receive_from_caller(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers[writer] = asyncio.current_task()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                self._hear(data)
        del self._callers[writer]
        writer.close()

    def _hear(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            with contextlib.suppress(UnicodeDecodeError):
                if text := line.decode("ascii").strip():
                    self._obey(text)

    def _obey(self, text: str) -> None:
        header, _, argument = text.partition(" ")
        reply = self.answer(self.shorten(header), argument.strip())
        if reply is not None:
            self.send(reply)
