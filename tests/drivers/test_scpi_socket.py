"""The same line over a raw TCP socket: asked, silent, hung up on, and found again."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers.errors import DeviceTimeout, PortError
from drivers.scpi.incoming import GARBLED, MAX_LINES, Incoming
from drivers.scpi.line import ScpiLine
from drivers.scpi.proving import answer_shape
from drivers.scpi.wire import SocketWire

IDENTITY, VALUE = r"ACME,.*", r"V=(\d+)"


class Server:
    """Answers `*IDN?` and `V?`; says nothing while `mute`."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.mute = False
        self.spoken_to = asyncio.Event()
        self._callers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers.append(writer)
        while line := (await _line(reader)).decode().strip():
            self.heard.append(line)
            self.spoken_to.set()
            if line == "FLOOD":
                writer.write(b"V=1\n" * 20_000)
            answer = {"*IDN?": "ACME,1", "V?": f"V={self.heard.count('V?')}"}.get(line)
            if answer and not self.mute:
                writer.write(f"{answer}\n".encode())
        writer.close()

    def hang_up(self) -> None:
        for writer in self._callers:
            writer.transport.abort()


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ConnectionError:
        return b""


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Server, ScpiLine]]:
    server = Server()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        line = ScpiLine(SocketWire(f"{host}:{port}"), IDENTITY, timeout_s=0.3, end="\n")
        yield server, line
        line.close()
        line.close()
        server.hang_up()
        await asyncio.sleep(0.01)  # the server's side ends


async def test_a_socket_carries_the_same_dialogue() -> None:
    async with serving() as (server, line):
        assert (await line.identify())[0] == "ACME,1"
        assert [(await line.ask("V?", VALUE))[1] for _ in range(3)] == ["1", "2", "3"]
        line.tell_now("STOP")
        await line.ask("V?", VALUE)
        assert "STOP" in server.heard


async def test_a_connection_that_is_lost_is_a_port_error_and_made_anew() -> None:
    async with serving() as (server, line):
        await line.ask("V?", VALUE)
        server.mute = True
        with pytest.raises(DeviceTimeout):
            await line.ask("V?", VALUE)
        asking = asyncio.create_task(line.ask("V?", VALUE))
        server.spoken_to.clear()
        await server.spoken_to.wait()
        server.hang_up()
        with pytest.raises(PortError, match=r"127\.0\.0\.1.*plug it in again"):
            await asking
        server.mute = False
        assert (await line.ask("V?", VALUE))[1] == str(server.heard.count("V?"))


async def test_where_nobody_listens_the_error_names_the_address() -> None:
    async with await asyncio.start_server(Server().serve, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
    line = ScpiLine(SocketWire(f"{host}:{port}"), IDENTITY)
    with pytest.raises(PortError, match=f"{host}:{port}"):
        await line.ask("V?", VALUE)
    with pytest.raises(PortError, match="not connected, so nothing can be said at once"):
        line.tell_now("STOP")


def test_5025_is_the_port_where_none_is_named() -> None:
    wire = SocketWire("bench-dmm")
    assert (wire.name, wire._host, wire._number) == ("bench-dmm", "bench-dmm", 5025)


async def test_an_instrument_that_talks_without_end_is_hung_up_on_and_asked_again() -> None:
    async with serving() as (_, line):
        await line.ask("V?", VALUE)
        await line.tell("FLOOD")
        with pytest.raises(PortError):  # the loss is told to whoever asks
            await line.ask("NOBODY?", "nothing")
        assert len(line._incoming.lines) <= MAX_LINES
        assert (await line.ask("V?", VALUE))[1] == "2"


async def test_what_a_socket_holds_back_is_bounded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:  # nobody reads
        host, port = listening.getsockname()
        wire = SocketWire(f"{host}:{port}")
        await wire.open()
        with pytest.raises(PortError, match="takes no more bytes"):
            for _ in range(10_000):
                wire.write(bytes(4096))
        assert not wire.is_open
        await asyncio.sleep(0)  # the transport ends


def test_a_line_longer_than_512_bytes_is_no_line_and_is_not_kept() -> None:
    incoming = Incoming()
    incoming.feed(b"1" * 512 + b"\n" + b"1" * 513 + b"\n")
    assert list(incoming.lines) == ["1" * 512, GARBLED]
    incoming.feed(b"1" * 513)
    assert incoming._half == b""
    assert incoming.has_half


@pytest.mark.parametrize("answer", ["10", "VOLT", "*", "(1)"])
def test_no_proof_takes_a_garbled_line(answer: str) -> None:
    assert re.fullmatch(answer_shape(answer), GARBLED) is None
