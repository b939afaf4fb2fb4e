"""A label printer on a raw TCP port (9100): a fresh connection for each turn, bounded in time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from drivers.errors import PortError
from drivers.ports import Identity
from drivers.printer import wire
from drivers.printer.wire import Connection

PORT = 9100
CONNECT_S = 3.0


class TcpConnection:
    """One open connection; implements `wire.Connection`."""

    def __init__(self, device: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._device, self._reader, self._writer = device, reader, writer

    async def look(self) -> None:
        """A network says nothing of a printer."""

    async def send(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(wire.WRITE_S):
                self._writer.write(data)
                await self._writer.drain()
        except TimeoutError:
            raise wire.stuck(self._device) from None
        except OSError as error:
            raise PortError(self._device, f"the connection broke: {error}; look at the cable") from error

    async def receive(self, until: Callable[[bytes], bool], question: str) -> bytes:
        heard = b""
        try:
            async with asyncio.timeout(wire.ANSWER_S):
                while not until(heard):
                    more = await self._reader.read(4096)
                    if not more:
                        raise PortError(self._device, "closed the connection without an answer; is it busy elsewhere?")
                    heard += more
                    wire.require_short(self._device, question, heard)
        except TimeoutError:
            raise wire.silent(self._device, question, heard) from None
        except OSError as error:
            raise PortError(self._device, f"the connection broke: {error}; look at the cable") from error
        return heard


class TcpWire:
    """Implements `wire.Wire`; `address` is `host` or `host:port`."""

    def __init__(self, address: str) -> None:
        self.device = f"label printer {address}"
        host, bracket, port = address.partition("]")  # of `[::1]:9100`
        if not bracket:
            host, _, port = address.partition(":")
        self._host, self._port = host.strip("[]"), int(port.strip(":") or PORT)
        self._lock = asyncio.Lock()

    def identity(self) -> Identity:
        return Identity()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Connection]:
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
                yield TcpConnection(self.device, reader, writer)
            finally:
                writer.close()
                with contextlib.suppress(OSError, TimeoutError):
                    async with asyncio.timeout(CONNECT_S):
                        await writer.wait_closed()
