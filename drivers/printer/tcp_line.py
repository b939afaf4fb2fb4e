"""A label printer on a raw TCP port (9100): a fresh connection for each turn, bounded in time, and its status polled.

What a printer answers, and to which question, is its language's business.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from drivers.errors import DeviceTimeout, PortError
from drivers.ports import Identity, PrinterLanguage

PORT = 9100
CONNECT_S = 3.0
ANSWER_S = 2.0
WRITE_S = 10.0
"""A printer that takes no byte for so long has its buffer full: it is out of paper, or stuck."""
PRINT_S = 15.0
"""A label of 30 mm takes well below a second; a warm-up or a calibration feed takes some."""
LOOK_S = 0.3
"""Between two looks after a job; the first comes so late that the printer has read what it was sent."""
QUIET_LOOKS = 2
"""So many looks in a row must find a printer idle after a job: the first may have overtaken the job in its buffer."""

Ask = Callable[["Connection"], Awaitable[bool]]
"""Asks for the status over a connection: whether the printer is idle. Raises `DriverError`."""


class Connection:
    """One open connection. Raises `PortError` when it breaks and `DeviceTimeout` when nothing comes or goes."""

    def __init__(self, device: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._device, self._reader, self._writer = device, reader, writer

    async def send(self, data: bytes) -> None:
        """Hand over all of it."""
        try:
            async with asyncio.timeout(WRITE_S):
                self._writer.write(data)
                await self._writer.drain()
        except TimeoutError:
            raise DeviceTimeout(
                self._device, f"takes no data for {WRITE_S:g} s; look at its paper and its lamps"
            ) from None
        except OSError as error:
            raise PortError(self._device, f"the connection broke: {error}; look at the cable") from error

    async def receive(self, until: Callable[[bytes], bool], question: str) -> bytes:
        """What comes until it is whole."""
        heard = b""
        try:
            async with asyncio.timeout(ANSWER_S):
                while not until(heard):
                    more = await self._reader.read(4096)
                    if not more:
                        raise PortError(self._device, "closed the connection without an answer; is it busy elsewhere?")
                    heard += more
        except TimeoutError:
            raise DeviceTimeout(
                self._device,
                f"does not answer {question} within {ANSWER_S:g} s: out of paper, its head open, or of a make that "
                "never does; load labels and close it, or set `answers = false`",
            ) from None
        except OSError as error:
            raise PortError(self._device, f"the connection broke: {error}; look at the cable") from error
        return heard


class TcpLine:
    """The way to one printer; `address` is `host` or `host:port`."""

    def __init__(self, address: str) -> None:
        self.device = f"label printer {address}"
        host, bracket, port = address.partition("]")  # of `[::1]:9100`
        if not bracket:
            host, _, port = address.partition(":")
        self._host, self._port = host.strip("[]"), int(port.strip(":") or PORT)
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Connection]:
        """A connection for one turn. Raises `PortError` where there is none."""
        async with self._lock:
            try:
                async with asyncio.timeout(CONNECT_S):
                    reader, writer = await asyncio.open_connection(self._host, self._port)
            except (OSError, ValueError) as error:  # ValueError: what can be no host name
                why = str(error) or f"nothing within {CONNECT_S:g} s"
                raise PortError(
                    self.device, f"cannot be reached ({why}); switch it on and look at its cable and its address"
                ) from None
            try:
                yield Connection(self.device, reader, writer)
            finally:
                writer.close()
                with contextlib.suppress(OSError, TimeoutError):
                    async with asyncio.timeout(CONNECT_S):
                        await writer.wait_closed()

    async def wait_idle(self, line: Connection, ask: Ask) -> None:
        """Look until the printer has nothing more to do. Raises `DeviceTimeout` after `PRINT_S`, else as `ask`."""
        quiet = 0
        try:
            async with asyncio.timeout(PRINT_S):
                while quiet < QUIET_LOOKS:
                    await asyncio.sleep(LOOK_S)
                    quiet = quiet + 1 if await ask(line) else 0
        except TimeoutError:
            raise DeviceTimeout(self.device, f"is not done with a label after {PRINT_S:g} s; look at it") from None


class TcpPrinter:
    """Implements `drivers.ports.LabelPrinter` on a raw port, whatever the language.

    `answers` False: a printer that never says how it is, so it is not asked.
    """

    language: PrinterLanguage
    """What its jobs are written in."""

    def __init__(self, address: str, dpi: int = 203, *, answers: bool = True) -> None:
        self._line = TcpLine(address)
        self._answers = answers
        self._dpi = dpi

    @property
    def dpi(self) -> int:
        """Dots to the inch."""
        return self._dpi

    async def ensure_ready(self) -> Identity:
        """Whether it can be reached; it is not asked who it is."""
        async with self._line.open():
            return Identity()

    async def check(self) -> None:
        """Ask for its status. Raises `DriverError`: `PrinterNotReady` where it says what it lacks."""
        async with self._line.open() as line:
            if self._answers:
                await self.is_idle(line)

    async def print_job(self, job: bytes) -> None:
        """Send it and wait until nothing is left to print. Raises `DriverError`."""
        async with self._line.open() as line:
            await line.send(job)
            if self._answers:
                await self._line.wait_idle(line, self.is_idle)

    async def close(self) -> None:
        """Nothing is held open between two turns."""

    async def is_idle(self, line: Connection) -> bool:
        """Ask in the printer's language whether it has nothing to do. Raises `PrinterNotReady` with the remedy,
        `DeviceTimeout`, `PortError`, `ProtocolError`."""
        raise NotImplementedError
