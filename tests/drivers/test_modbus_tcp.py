"""Modbus TCP against a byte-level fake host and against pymodbus's server: the promises of the serial line hold."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.catalog import CATALOG
from drivers.errors import DeviceRefused, DeviceTimeout, PermitDenied, PortError, ProtocolError
from drivers.modbus import frame
from drivers.modbus.address import host_and_port
from drivers.modbus.bus import ModbusTcp
from drivers.modbus.settings import TcpBusSettings
from tests.drivers.fake_host import HANG_UP, FakeHost
from tests.drivers.test_modbus_bus import Allowed, Denied

UNIT = 7
TIMEOUT_S, QUARANTINE_S = 0.5, 0.05
Answer = Callable[[bytes], Iterable[tuple[float, bytes]]]


def framed(request: bytes, body: bytes) -> bytes:
    return request[:4] + len(body).to_bytes(2, "big") + body


def good(request: bytes) -> bytes:
    """Registers count up from the address asked; writes are echoed."""
    unit, function = request[6], request[7]
    address, count = int.from_bytes(request[8:10], "big"), int.from_bytes(request[10:12], "big")
    if function in (5, 6, 15, 16):
        return framed(request, request[6:12])
    if function in (1, 2):
        return framed(request, bytes((unit, function, 1, 0b101)))
    words = b"".join((address + n).to_bytes(2, "big") for n in range(count))
    return framed(request, bytes((unit, function, len(words))) + words)


def at_once(request: bytes) -> Iterable[tuple[float, bytes]]:
    return [(0.0, good(request))]


def silent(request: bytes) -> Iterable[tuple[float, bytes]]:
    return []


def in_turn(*replies: Answer) -> Answer:
    """The n-th request gets the n-th reply, and from the last one on the right one."""
    waiting: Iterator[Answer] = iter(replies)
    return lambda request: next(waiting, at_once)(request)


@asynccontextmanager
async def bus_with(answer: Answer) -> AsyncIterator[tuple[ModbusTcp, FakeHost]]:
    with FakeHost(answer) as host:
        bus = ModbusTcp(host.address, TIMEOUT_S, QUARANTINE_S)
        try:
            yield bus, host
        finally:
            await bus.close()


WRONG: dict[str, Callable[[bytes], bytes]] = {
    "transaction": lambda r: bytes((r[0], r[1] ^ 1)) + good(r)[2:],
    "protocol": lambda r: good(r)[:2] + b"\0\1" + good(r)[4:],
    "length in the header": lambda r: good(r)[:5] + bytes((good(r)[5] + 1,)) + good(r)[6:],
    "unit": lambda r: good(r)[:6] + bytes((r[6] + 1,)) + good(r)[7:],
    "function": lambda r: good(r)[:7] + bytes((r[7] ^ 1,)) + good(r)[8:],
    "count": lambda r: good(r)[:8] + bytes((good(r)[8] ^ 2,)) + good(r)[9:],
    "doubled": lambda r: good(r) * 2,
    "too long": lambda r: framed(r, good(r)[6:] + b"\0\1"),
    "an RTU frame": lambda r: bytes.fromhex("07 04 02 00 01 30 f1 00 00 00 00"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_a_wrong_reply_is_an_error_and_the_next_read_is_right_on_a_new_connection(
    wrong: Callable[[bytes], bytes],
) -> None:
    async with bus_with(in_turn(lambda request: [(0.0, wrong(request))])) as (bus, host):
        with pytest.raises(ProtocolError, match="address 7"):
            await bus.read_input(UNIT, 100, 3)
        assert await bus.read_input(UNIT, 100, 3) == (100, 101, 102)
        assert host.connections == 2


@pytest.mark.parametrize("missing", ["check_transaction", "check_unit", "check_function", "check_head", "check_length"])
async def test_without_one_of_its_checks_a_wrong_value_would_pass(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {
        "check_transaction": lambda r: bytes((r[0], r[1] ^ 1)) + good(r)[2:-1] + b"\x63",
        "check_unit": lambda r: good(r)[:6] + bytes((r[6] + 1,)) + good(r)[7:-1] + b"\x63",
        "check_function": lambda r: good(r)[:7] + bytes((r[7] ^ 1,)) + good(r)[8:-1] + b"\x63",
        "check_head": lambda r: good(r)[:8] + bytes((good(r)[8] ^ 2,)) + good(r)[9:-1] + b"\x63",
        "check_length": lambda r: framed(r, good(r)[6:] + b"\0\x63"),
    }[missing]
    async with bus_with(lambda request: [(0.0, wrong(request))]) as (bus, _):
        with pytest.raises(ProtocolError):
            await bus.read_input(UNIT, 1, 1)
        monkeypatch.setattr(frame, missing, lambda *args: None)
        assert await bus.read_input(UNIT, 1, 1) != (1,)


async def test_silence_ends_at_the_deadline_and_a_late_reply_has_nowhere_to_arrive() -> None:
    def late(request: bytes) -> Iterable[tuple[float, bytes]]:
        return [(TIMEOUT_S + 0.02, good(request))]

    async with bus_with(in_turn(late)) as (bus, host):
        begin = time.monotonic()
        with pytest.raises(DeviceTimeout, match=r"address 7: reading 1 input registers from 1: no whole reply within"):
            await bus.read_input(UNIT, 1, 1)
        assert time.monotonic() - begin >= TIMEOUT_S
        assert await bus.read_input(UNIT, 2, 1) == (2,)
        assert len(host.requests) == 2, "nothing is asked twice"


async def test_a_reply_that_dribbles_in_past_the_deadline_is_a_timeout() -> None:
    def dribble(request: bytes) -> Iterable[tuple[float, bytes]]:
        return [(TIMEOUT_S / 4, good(request)[n : n + 1]) for n in range(8)]

    async with bus_with(in_turn(dribble)) as (bus, _):
        with pytest.raises(DeviceTimeout):
            await bus.read_input(UNIT, 1, 1)
        assert await bus.read_input(UNIT, 2, 1) == (2,)


async def test_a_refusal_keeps_the_connection() -> None:
    def refuse(request: bytes) -> Iterable[tuple[float, bytes]]:
        return [(0.0, framed(request, bytes((UNIT, request[7] | 0x80, 11))))]

    async with bus_with(in_turn(refuse)) as (bus, host):
        with pytest.raises(DeviceRefused, match=r"exception 11 \(gateway target silent\)"):
            await bus.read_input(UNIT, 9, 1)
        assert await bus.read_input(UNIT, 9, 1) == (9,)
        assert host.connections == 1


async def test_a_connection_that_ended_or_spoke_unasked_while_idle_is_opened_anew_before_the_request() -> None:
    async with bus_with(at_once) as (bus, host):
        assert await bus.read_input(UNIT, 1, 1) == (1,)
        host.hang_up()
        assert await bus.read_input(UNIT, 2, 1) == (2,)
        host.say(framed(b"\0\3\0\0", bytes((UNIT, 4, 2, 0xBA, 0xD1))))
        assert await bus.read_input(UNIT, 3, 1) == (3,)
        assert host.connections == 3 and len(host.requests) == 3


async def test_a_connection_that_breaks_under_a_request_is_a_port_error_and_is_not_retried() -> None:
    async with bus_with(in_turn(lambda request: [(0.0, good(request)[:5]), (0.0, HANG_UP)])) as (bus, host):
        with pytest.raises(PortError, match="the connection broke"):
            await bus.read_input(UNIT, 1, 1)
        assert len(host.requests) == 1
        assert await bus.read_input(UNIT, 2, 1) == (2,)


async def test_a_host_that_is_not_there_says_what_to_do_and_connecting_counts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    bus = ModbusTcp(f"127.0.0.1:{port}", TIMEOUT_S, 0.0)
    with pytest.raises(PortError, match=r"refused.*check its power, its cable and the `address`"):
        await bus.read_input(UNIT, 1, 1)
    await bus.close()
    nobody = ModbusTcp("no-such-host.invalid", TIMEOUT_S, 0.0)
    with pytest.raises(PortError, match=r"no-such-host.invalid: "):
        await nobody.read_input(UNIT, 1, 1)
    await nobody.close()


async def test_a_host_that_takes_no_connection_costs_the_deadline_and_no_more() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        crowd = [socket.socket() for _ in range(4)]  # the backlog is theirs: the next one's SYN is not answered
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(address)
        bus = ModbusTcp(f"127.0.0.1:{address[1]}", TIMEOUT_S, 0.0)
        begin = time.monotonic()
        with pytest.raises(PortError, match=r"no connection within 0.5 s"):
            await bus.read_input(UNIT, 1, 1)
        assert time.monotonic() - begin >= TIMEOUT_S
        await bus.close()
        for one in crowd:
            one.close()


async def test_the_permit_is_asked_in_the_thread_when_the_bytes_go_out_and_off_goes_first() -> None:
    async with bus_with(in_turn(silent)) as (bus, host):
        slow = asyncio.create_task(bus.read_input(UNIT, 1, 1))
        await asyncio.to_thread(host.asked.wait, 10.0)  # the line is taken: what follows waits in the queue
        read = asyncio.create_task(bus.read_input(UNIT, 2, 1))
        energise = asyncio.create_task(bus.write_coil(UNIT, 0, True, Denied()))
        off = asyncio.create_task(bus.write_coil(UNIT, 0, False, None))
        done = await asyncio.gather(slow, read, energise, off, return_exceptions=True)
        assert isinstance(done[0], DeviceTimeout) and isinstance(done[2], PermitDenied)
        assert done[1] == (2,) and done[3] is None
        assert [(request[7], request[10]) for request in host.requests] == [(4, 0), (5, 0), (4, 0)]
    async with bus_with(at_once) as (bus, host):
        await bus.write_coil(UNIT, 3, True, Allowed())
        assert host.requests[-1][6:] == bytes.fromhex("07 05 00 03 ff 00")


async def test_after_an_off_in_the_rest_the_others_still_wait_for_its_end() -> None:
    with FakeHost(in_turn(silent)) as host:
        bus = ModbusTcp(host.address, TIMEOUT_S, 0.5)
        with pytest.raises(DeviceTimeout):
            await bus.read_input(UNIT, 1, 1)
        begin = time.monotonic()
        await bus.write_coil(UNIT, 0, False, None)
        assert await bus.read_input(UNIT, 2, 1) == (2,), "right, and not in doubt"
        assert time.monotonic() - begin > 0.4
        assert host.connections == 2, "the OFF's serves on"
        await bus.close()


async def test_a_de_energising_write_waits_for_no_rest_and_the_others_do() -> None:
    with FakeHost(in_turn(silent)) as host:
        bus = ModbusTcp(host.address, TIMEOUT_S, 2.0)
        with pytest.raises(DeviceTimeout):
            await bus.write_coils(UNIT, 0, [True] * 8, Allowed())
        begin = time.monotonic()
        waiting = asyncio.create_task(bus.read_input(UNIT, 2, 1))
        await asyncio.sleep(0.05)  # the bus rests by now
        with pytest.raises(ProtocolError, match="it was sent, and is not proven"):
            await bus.write_coils(UNIT, 0, [False] * 8, None)
        assert time.monotonic() - begin < 1.8
        assert await waiting == (2,)
        assert [request[7] for request in host.requests] == [15, 15, 4]
        await bus.close()


@pytest.mark.parametrize("address", ["gateway:abc", "fe80::1", "2001:db8::5:502", "gateway:0", "[::1", "a b", ""])
def test_what_is_no_address_is_refused_and_not_guessed(address: str) -> None:
    with pytest.raises(ValueError):
        host_and_port(address)


def test_addresses_with_and_without_a_port() -> None:
    assert host_and_port("gateway") == ("gateway", 502)
    assert host_and_port("10.0.0.7:1502") == ("10.0.0.7", 1502)
    assert host_and_port("[fe80::1]") == ("fe80::1", 502)
    assert host_and_port("[2001:db8::5]:503") == ("2001:db8::5", 503)


async def test_transactions_are_counted_past_their_end() -> None:
    async with bus_with(at_once) as (bus, host):
        bus._transactions._line._number = 0xFFFE  # type: ignore[attr-defined]
        for _ in range(3):
            assert await bus.read_input(UNIT, 5, 1) == (5,)
        assert [request[:2].hex() for request in host.requests] == ["ffff", "0001", "0002"]


async def test_pymodbus_server_is_read_and_written_and_found_again_after_a_restart() -> None:
    coils = SimData(0, values=[False] * 16, datatype=DataType.BITS)
    words = SimData(0, values=list(range(100, 120)), datatype=DataType.REGISTERS)

    async def start(port: int) -> ModbusTcpServer:
        device = SimDevice(UNIT, ([coils], [coils], [words], [words]))
        server = ModbusTcpServer([device], address=("127.0.0.1", port))
        await server.serve_forever(background=True)
        return server

    server = await start(0)
    port = server.transport.sockets[0].getsockname()[1]
    settings = TcpBusSettings(f"localhost:{port}", TIMEOUT_S * 5, QUARANTINE_S)
    bus = CATALOG["modbus-tcp"].make(settings, {})
    assert await bus.read_input(UNIT, 3, 2) == (103, 104)
    await bus.write_registers(UNIT, 4, (7, 8), None)
    assert await bus.read_holding(UNIT, 3, 4) == (103, 7, 8, 106)
    await bus.write_coil(UNIT, 2, True, Allowed())
    assert await bus.read_coils(UNIT, 0, 4) == (False, False, True, False)
    assert await bus.read_discrete(UNIT, 0, 2) == (False, False)
    assert await bus.probe(UNIT, TIMEOUT_S) == "holding register 0 reads 100"
    await server.shutdown()
    with pytest.raises(PortError):
        await bus.read_input(UNIT, 3, 1)
    server = await start(port)
    assert await bus.read_input(UNIT, 3, 1) == (103,)
    await bus.close()
    await server.shutdown()


async def test_close_ends_the_thread() -> None:
    async with bus_with(at_once) as (bus, _):
        assert await bus.read_input(UNIT, 1, 1) == (1,)
        await bus.close()
        await bus.close()
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("bus ")]
        with pytest.raises(PortError, match="closed"):
            await bus.read_input(UNIT, 1, 1)
