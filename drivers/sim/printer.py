"""The label printer's twin on a loopback TCP port or a pty: reads jobs in ZPL and TSPL, answers for its state, takes
its time.

Like a real one it keeps what it was sent while it is out of paper and prints it once there is some; what is in its
memory when it is switched off is lost. What came out stands in `printed`, and as files in a folder if there is one.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Coroutine
from pathlib import Path
from typing import Literal, Protocol

from drivers.sim.pty import RawPty

PRINT_S = 0.2
"""A label of 30 mm at 150 mm/s."""
_ZPL = re.compile(rb"\^XA.*?\^XZ\n?", re.DOTALL)
_BITMAP = re.compile(rb"BITMAP \d+,\d+,(\d+),(\d+),0,")
_PRINT = re.compile(rb"PRINT \d+,\d+\r\n")

Trouble = Literal["paper", "head", "pause"]


class Writer(Protocol):
    """Where answers go: a TCP connection, or the pty."""

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...


class PrinterTwin:
    """Start, use, close. `silent_when_out`: as newer guides have it, out of paper it does not answer at all."""

    def __init__(self, keep: Path | None = None, print_s: float = PRINT_S, *, silent_when_out: bool = False) -> None:
        self.printed: list[bytes] = []
        self.trouble: set[Trouble] = set()
        self.answer_bytes = 1000
        """It answers no more than so many of each answer; 0: it is mute."""
        self._keep, self._print_s, self._silent = keep, print_s, silent_when_out
        self._waiting: list[bytes] = []
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._work: asyncio.Task[None] | None = None
        self._port = 0
        self._pty: RawPty | None = None

    @property
    def paper(self) -> bool:
        """Whether there are labels."""
        return "paper" not in self.trouble

    async def start(self) -> str:
        """Switch it on; the same port again after `close`. Returns its address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = int(self._server.sockets[0].getsockname()[1])
        self._work = asyncio.create_task(self._print())
        return f"127.0.0.1:{self._port}"

    def start_pty(self) -> str:
        """Switch it on behind a serial line of its own; returns the port."""
        self._pty = RawPty()
        reader = asyncio.StreamReader()
        asyncio.get_running_loop().add_reader(self._pty.master, self._hear, reader)
        self._work = asyncio.create_task(self._both(self._print(), self._obey_all(reader, _PtyWriter(self._pty))))
        return self._pty.path

    @property
    def pty(self) -> RawPty:
        """Its end of the serial line."""
        assert self._pty is not None, "start_pty"
        return self._pty

    async def close(self) -> None:
        """Switch it off: connections break, and what it had not printed is lost. Safe to call twice."""
        pty, self._pty = self._pty, None
        if pty is not None and self._work is not None:
            asyncio.get_running_loop().remove_reader(pty.master)
            pty.close()
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
            self._waiting.clear()
        server, self._server = self._server, None
        if server is None or self._work is None:
            return
        server.close()
        clients = dict(self._clients)
        for writer in clients:
            writer.transport.abort()
        self._work.cancel()
        serving = [task for task in clients.values() if task is not None]
        await asyncio.gather(self._work, *serving, return_exceptions=True)
        await server.wait_closed()
        self._waiting.clear()

    async def set_paper(self, there: bool) -> None:
        """Load labels, or take them out."""
        await self.set_trouble("paper", not there)

    async def set_trouble(self, trouble: Trouble, on: bool) -> None:
        """Out of paper, its head open, paused; or mended."""
        async with self._changed:
            self.trouble = self.trouble | {trouble} if on else self.trouble - {trouble}
            self._changed.notify_all()

    async def wait_printed(self, count: int, deadline_s: float = 10.0) -> None:
        """Wait until so many labels came out since it was made. Raises `TimeoutError`."""
        async with asyncio.timeout(deadline_s), self._changed:
            await self._changed.wait_for(lambda: len(self.printed) >= count)

    async def _print(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: not self.trouble and self._waiting)
            await asyncio.sleep(self._print_s)
            async with self._changed:
                job = self._waiting.pop(0)
                self.printed.append(job)
                self._file(job)
                self._changed.notify_all()

    def _file(self, job: bytes) -> None:
        if self._keep is not None:
            self._keep.mkdir(parents=True, exist_ok=True)
            end = "zpl" if job.startswith(b"^XA") else "tspl"
            part = self._keep / f"{len(self.printed):04d}.part"
            part.write_bytes(job)
            part.rename(part.with_suffix(f".{end}"))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients[writer] = asyncio.current_task()
        try:
            with contextlib.suppress(OSError):
                await self._obey_all(reader, writer)
        finally:
            del self._clients[writer]
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _hear(self, reader: asyncio.StreamReader) -> None:
        if self._pty is not None:
            reader.feed_data(self._pty.receive())

    async def _both(self, *works: Coroutine[None, None, None]) -> None:
        await asyncio.gather(*works)

    async def _obey_all(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        heard = b""
        while more := await reader.read(65536):
            heard = await self._obey(heard + more, writer)

    async def _obey(self, heard: bytes, writer: Writer) -> bytes:
        """Do what is whole, return the rest."""
        while heard:
            taken = self._job(heard)
            if taken:
                async with self._changed:
                    self._waiting.append(heard[:taken])
                    self._changed.notify_all()
            elif heard.startswith((b"~HS", b"\x1b!?")):
                taken = 3
                if self.paper or not self._silent:
                    answer = self._host_status() if heard.startswith(b"~") else self._status_byte()
                    writer.write(answer[: self.answer_bytes])
                    await writer.drain()
            else:
                return heard
            heard = heard[taken:]
        return heard

    def _job(self, heard: bytes) -> int:
        """Bytes of the whole job at the beginning, 0 if there is none."""
        if found := _ZPL.match(heard):
            return found.end()
        bitmap = _BITMAP.search(heard) if heard.startswith(b"SIZE ") else None
        if bitmap is None:
            return 0
        end = _PRINT.match(heard, bitmap.end() + int(bitmap[1]) * int(bitmap[2]) + 2)
        return end.end() if end else 0

    def _host_status(self) -> bytes:
        paper, head, pause = (int(name in self.trouble) for name in ("paper", "head", "pause"))
        left = len(self._waiting)
        first = f"030,{paper},{pause},0240,{left:03d},0,0,0,000,0,0,0"
        second = f"000,0,{head},0,0,2,6,0,{left:08d},1,000"
        return b"".join(f"\x02{line}\x03\r\n".encode() for line in (first, second, "1234,0"))

    def _status_byte(self) -> bytes:
        bits = {"paper": 0x04, "head": 0x01, "pause": 0x10}
        return bytes([sum(bits[name] for name in self.trouble) | (0x20 if self._waiting else 0)])


class _PtyWriter:
    """Implements `Writer` on a pty."""

    def __init__(self, pty: RawPty) -> None:
        self._pty = pty

    def write(self, data: bytes) -> None:
        if self._pty.master >= 0:
            self._pty.send(data)

    async def drain(self) -> None:
        """A pty takes it or loses it."""
