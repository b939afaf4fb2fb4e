"""The two wires that a line of text may run on: a serial port and a raw TCP socket. Bytes only; what they mean is the
line's business.

Both live in the event loop. A serial port opens at once; a socket has to be connected to, which takes time: what must
go out this instant (`open_now`) goes out over a serial port, or over a socket that is connected already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from drivers.errors import PortError
from drivers.serial_port import SerialPort, port_error

CONNECT_S = 3.0
SCPI_PORT = 5025
BACKLOG_BYTES = 4096
"""Bytes a socket may hold back before it counts as lost; a serial port's kernel buffer is as large."""

TALK_BYTES = 65536
"""Bytes that a socket may say between two things that we say: 128 of the longest lines. More is no instrument."""

Heard = Callable[[bytes], None]
Lost = Callable[[PortError], None]


def _nobody(_: object) -> None:
    """Listens before anybody does."""


class Wire(Protocol):
    """Every failure is a `PortError`; the wire is then closed, and may be opened again."""

    @property
    def name(self) -> str:
        """The port or address that messages are about."""

    @property
    def is_open(self) -> bool:
        """Whether bytes may be written now."""

    def attach(self, heard: Heard, lost: Lost) -> None:
        """Who is told of every byte that comes in, and of the loss of the wire."""

    async def open(self) -> None:
        """Open the wire if it is closed."""

    def open_now(self) -> None:
        """Open it without waiting, or raise."""

    def write(self, data: bytes) -> None:
        """Hand the bytes to the wire without waiting."""

    def close(self) -> None:
        """Let go; safe to call twice."""


class SerialWire:
    """A serial port; `form` is data bits, parity and stop bits."""

    def __init__(self, port: str, baud: int, form: str = "8N1") -> None:
        self.name = port
        self._baud, self._form = baud, form
        self._port: SerialPort | None = None
        self._heard: Heard = _nobody
        self._lost: Lost = _nobody

    @property
    def is_open(self) -> bool:
        return self._port is not None

    def attach(self, heard: Heard, lost: Lost) -> None:
        self._heard, self._lost = heard, lost

    async def open(self) -> None:
        self.open_now()

    def open_now(self) -> None:
        if self._port is None:
            self._port = SerialPort(self.name, self._baud, self._form)
            asyncio.get_running_loop().add_reader(self._port.fileno(), self._receive)

    def write(self, data: bytes) -> None:
        port = self._port
        if port is None:
            raise PortError(self.name, "the line was lost; plug the adapter in again")
        descriptor = port.fileno()
        try:
            port.write(data)
        except PortError:
            self._forget(descriptor)
            raise

    def close(self) -> None:
        if self._port is not None:
            port = self._port
            self._forget(port.fileno())
            port.close()

    def _receive(self) -> None:
        assert self._port is not None
        descriptor = self._port.fileno()
        try:
            data = self._port.receive(0.0)
        except PortError as error:
            self._forget(descriptor)
            self._lost(error)
        else:
            self._heard(data)

    def _forget(self, descriptor: int) -> None:
        asyncio.get_running_loop().remove_reader(descriptor)
        self._port = None


class SocketWire(asyncio.Protocol):
    """A raw TCP socket; `address` is `host` or `host:port` (5025 where none is given)."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self.name = address
        self._host, self._number = host, int(port or SCPI_PORT)
        self._transport: asyncio.Transport | None = None
        self._talk = 0
        self._heard: Heard = _nobody
        self._lost: Lost = _nobody

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def attach(self, heard: Heard, lost: Lost) -> None:
        self._heard, self._lost = heard, lost

    async def open(self) -> None:
        if self._transport is not None:
            return
        loop = asyncio.get_running_loop()
        try:
            self._talk = 0
            async with asyncio.timeout(CONNECT_S):
                self._transport, _ = await loop.create_connection(lambda: self, self._host, self._number)
        except TimeoutError:
            raise PortError(
                self.name, f"no connection within {CONNECT_S:g} s; check power, network cable and address"
            ) from None
        except OSError as error:
            raise port_error(self.name, error) from error

    def open_now(self) -> None:
        if self._transport is None:
            raise PortError(self.name, "not connected, so nothing can be said at once; check network cable and address")

    def write(self, data: bytes) -> None:
        if self._transport is None:
            raise PortError(self.name, "the connection was lost; check power and network cable")
        self._talk = 0
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > BACKLOG_BYTES:
            self._transport.abort()
            self._transport = None
            raise PortError(self.name, "takes no more bytes; check the instrument and its network cable")

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def data_received(self, data: bytes) -> None:
        self._talk += len(data)
        if self._talk <= TALK_BYTES:
            self._heard(data)
        elif self._transport is not None:  # it would keep the loop from everything else
            self._transport.abort()
            self._transport = None
            self._lost(PortError(self.name, "talks without end; is it this instrument?"))

    def connection_lost(self, error: Exception | None) -> None:
        if self._transport is not None:  # else we hung up
            self._transport = None
            self._lost(PortError(self.name, f"{error or 'it hung up'}; check power and network cable"))
