"""The bus against a byte-level fake: whatever comes over the wire, a wrong value is never returned."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.errors import DeviceRefused, DeviceTimeout, DriverError, PermitDenied, PortError, ProtocolError
from drivers.modbus.bus import ModbusBus
from drivers.modbus.frame import crc16
from drivers.modbus.rtu import silent_interval_s
from tests.drivers.fake_line import FakeLine, Reply

UNIT = 7
TIMEOUT_S, QUARANTINE_S = 0.3, 0.3


def sealed(*body: int) -> bytes:
    return bytes(body) + crc16(bytes(body))


def good(request: bytes) -> bytes:
    """The right reply; registers count up from the address asked."""
    unit, function = request[0], request[1]
    address, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
    if function in (5, 6):
        return request
    if function in (15, 16):
        return sealed(*request[:6])
    if function in (1, 2):
        return sealed(unit, function, 1, 0b00000101)
    words = b"".join((address + n).to_bytes(2, "big") for n in range(count))
    return sealed(unit, function, len(words), *words)


class Allowed:
    def check(self) -> None:
        pass


class Denied:
    def check(self) -> None:
        raise PermitDenied("mains", "tripped")


@asynccontextmanager
async def bus_with(
    answer: Callable[[bytes], Reply], length: int = 8, quarantine_s: float = QUARANTINE_S
) -> AsyncIterator[tuple[ModbusBus, FakeLine]]:
    with FakeLine(answer, length) as line:
        bus = ModbusBus(line.path, 115200, TIMEOUT_S, quarantine_s)
        try:
            yield bus, line
        finally:
            await bus.close()


def in_turn(*replies: Callable[[bytes], Reply]) -> Callable[[bytes], Reply]:
    """The n-th request gets the n-th reply, and from the last one on the right one."""
    waiting: Iterator[Callable[[bytes], Reply]] = iter(replies)
    return lambda request: next(waiting, at_once)(request)


def at_once(request: bytes) -> Reply:
    return [(0.0, good(request))]


def silent(request: bytes) -> Reply:
    return []


WRONG: dict[str, Callable[[bytes], bytes]] = {
    "wrong function": lambda r: sealed(r[0], 3 if r[1] == 4 else 4, *good(r)[2:-2]),
    "wrong unit": lambda r: sealed(r[0] + 1, *good(r)[1:-2]),
    "wrong count": lambda r: sealed(r[0], r[1], 2, 0, 1),
    "wrong CRC": lambda r: good(r)[:-1] + bytes((good(r)[-1] ^ 1,)),
    "short": lambda r: good(r)[:-1],
    "short and sealed again": lambda r: sealed(*good(r)[:-4]),
    "doubled": lambda r: good(r) * 2,
    "noise before": lambda r: b"\xff" + good(r),
    "noise after": lambda r: good(r) + b"\x00",
    "only noise": lambda r: bytes(range(40, 60)),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_a_wrong_reply_is_an_error_and_the_next_read_is_right(wrong: Callable[[bytes], bytes]) -> None:
    async with bus_with(in_turn(lambda request: [(0.0, wrong(request))])) as (bus, _):
        with pytest.raises(ProtocolError, match="address 7"):
            await bus.read_input(UNIT, 100, 3)
        assert await bus.read_input(UNIT, 100, 3) == (100, 101, 102)


async def test_silence_is_a_timeout_that_names_device_and_remedy_and_is_not_retried() -> None:
    async with bus_with(in_turn(silent)) as (bus, line):
        with pytest.raises(DeviceTimeout, match=r"address 7: reading 1 input registers from 5.*check power, address"):
            await bus.read_input(UNIT, 5, 1)
        assert len(line.requests) == 1


async def test_a_late_reply_is_never_credited_to_the_next_request() -> None:
    def late(request: bytes) -> Reply:
        return [(TIMEOUT_S + QUARANTINE_S / 3, sealed(UNIT, 4, 2, 0xBA, 0xD1))]

    async with bus_with(in_turn(late)) as (bus, _):
        with pytest.raises(DeviceTimeout):
            await bus.read_input(UNIT, 1, 1)
        assert await bus.read_input(UNIT, 2, 1) == (2,)


async def test_what_came_in_before_a_request_is_thrown_away() -> None:
    async with bus_with(at_once) as (bus, line):
        assert await bus.read_input(UNIT, 2, 1) == (2,)
        line.say(sealed(UNIT, 4, 2, 0xBA, 0xD1))
        assert await bus.read_input(UNIT, 3, 1) == (3,)


async def test_an_exception_reply_is_a_refusal_and_starts_no_quarantine() -> None:
    async with bus_with(in_turn(lambda request: [(0.0, sealed(UNIT, 0x84, 2))]), quarantine_s=3.0) as (bus, _):
        with pytest.raises(DeviceRefused, match=r"exception 2 \(illegal data address\)"):
            await bus.read_input(UNIT, 9, 1)
        begin = time.monotonic()
        assert await bus.read_input(UNIT, 9, 1) == (9,)
        assert time.monotonic() - begin < 3.0


@pytest.mark.parametrize("echo", [(7, 5, 0, 3, 0, 0), (7, 5, 0, 4, 0xFF, 0)], ids=["off instead of on", "other coil"])
async def test_a_wrong_echo_of_a_write_is_an_error(echo: tuple[int, ...]) -> None:
    async with bus_with(in_turn(lambda request: [(0.0, sealed(*echo))])) as (bus, _):
        with pytest.raises(ProtocolError, match="switching coil 3 on"):
            await bus.write_coil(UNIT, 3, True, Allowed())


async def test_every_kind_of_request_is_answered() -> None:
    async with bus_with(at_once) as (bus, line):
        assert await bus.read_holding(UNIT, 16, 2) == (16, 17)
        assert await bus.read_coils(UNIT, 0, 8) == (True, False, True, False, False, False, False, False)
        assert await bus.read_discrete(UNIT, 3, 3) == (True, False, True)
        await bus.write_register(UNIT, 16, 1, None)
        await bus.write_coil(UNIT, 0, False, None)
        assert line.requests[-1] == bytes.fromhex("07 05 00 00 00 00") + crc16(bytes.fromhex("07 05 00 00 00 00"))
    async with bus_with(lambda request: [(0.0, sealed(*request[:6]))], length=10) as (bus, line):
        await bus.write_coils(UNIT, 0, [True] + [False] * 7, Allowed())
        assert line.requests[-1][:-2] == bytes.fromhex("07 0f 00 00 00 08 01 01")
    async with bus_with(lambda request: [(0.0, sealed(*request[:6]))], length=13) as (bus, line):
        await bus.write_registers(UNIT, 0x10, (1, 0x0203), Allowed())
        assert line.requests[-1][:-2] == bytes.fromhex("07 10 00 10 00 02 04 00 01 02 03")


async def test_an_energising_register_write_asks_its_permit_and_one_without_goes_first() -> None:
    async with bus_with(in_turn(silent)) as (bus, line):
        waiting = [asyncio.create_task(bus.read_input(UNIT, n, 1)) for n in range(2)]
        await asyncio.to_thread(line.asked.wait, 5.0)
        energise = asyncio.create_task(bus.write_register(UNIT, 1, 0xFF, Denied()))
        await bus.write_register(UNIT, 1, 0, None)
        with pytest.raises(PermitDenied, match="tripped"):
            await energise
        await asyncio.gather(*waiting, return_exceptions=True)
        assert [request[1] for request in line.requests] == [4, 6, 4]


async def test_a_probe_only_reads_and_tells_what_answers() -> None:
    async with bus_with(in_turn(silent)) as (bus, line):
        assert await bus.probe(UNIT, 0.02) == "input register 0 reads 0"
        assert [request[1] for request in line.requests] == [3, 4]
    async with bus_with(in_turn(lambda request: [(0.0, sealed(UNIT, 0x83, 2))])) as (bus, _):
        assert "illegal data address" in (await bus.probe(UNIT, 0.02) or "")
    async with bus_with(silent) as (bus, _):
        assert await bus.probe(UNIT, 0.02) is None


def test_the_frame_of_the_relay_boards_manual_comes_out_byte_for_byte() -> None:
    assert sealed(0x01, 0x05, 0x00, 0x00, 0xFF, 0x00) == bytes.fromhex("01 05 00 00 FF 00 8C 3A")
    assert silent_interval_s(9600, 11) == pytest.approx(0.00401, rel=0.01)
    assert silent_interval_s(9600, 10) == pytest.approx(0.00365, rel=0.01)
    assert silent_interval_s(115200, 10) == 0.00175


async def test_an_energising_write_without_permit_puts_no_byte_on_the_wire() -> None:
    async with bus_with(at_once) as (bus, line):
        with pytest.raises(PermitDenied, match="tripped"):
            await bus.write_coil(UNIT, 0, True, Denied())
        with pytest.raises(PermitDenied, match="none was handed over"):
            await bus.write_coil(UNIT, 0, True, None)
        await bus.write_coil(UNIT, 0, False, None)
        assert [request[4] for request in line.requests] == [0x00]


async def test_the_permit_is_checked_when_the_bytes_go_out_and_not_when_they_were_asked_for() -> None:
    class Permit:
        thread = ""
        allowed = True

        def check(self) -> None:
            self.thread = threading.current_thread().name
            if not self.allowed:
                raise PermitDenied("mains", "lost in the queue")

    permit = Permit()
    async with bus_with(in_turn(silent)) as (bus, line):
        slow = asyncio.create_task(bus.read_input(UNIT, 1, 1))
        energise = asyncio.create_task(bus.write_coil(UNIT, 0, True, permit))
        await asyncio.sleep(0)
        permit.allowed = False
        with pytest.raises(DeviceTimeout):
            await slow
        with pytest.raises(PermitDenied, match="lost in the queue"):
            await energise
        assert permit.thread.startswith("bus ")
        assert len(line.requests) == 1


async def test_a_de_energising_write_overtakes_what_waits() -> None:
    async with bus_with(in_turn(silent)) as (bus, line):
        waiting = [asyncio.create_task(bus.read_input(UNIT, n, 1)) for n in range(4)]
        await asyncio.sleep(TIMEOUT_S / 3)
        await bus.write_coil(UNIT, 5, False, None)
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(results[0], DeviceTimeout)
        assert results[1:] == [(1,), (2,), (3,)]
        assert [request[1] for request in line.requests] == [4, 5, 4, 4, 4]


async def test_a_de_energising_write_waits_for_no_quarantine_and_the_rest_does() -> None:
    with FakeLine(in_turn(silent)) as line:
        bus = ModbusBus(line.path, 115200, TIMEOUT_S, 2.0)
        with pytest.raises(DeviceTimeout):
            await bus.read_input(UNIT, 1, 1)
        begin = time.monotonic()
        waiting = asyncio.create_task(bus.read_input(UNIT, 2, 1))
        await asyncio.sleep(0.05)  # the bus listens by now
        await bus.write_coil(UNIT, 5, False, None)
        took_s = time.monotonic() - begin
        assert await waiting == (2,)
        assert took_s < 1.8 and time.monotonic() - begin > 1.9
        assert [request[1] for request in line.requests] == [4, 5, 4]
        await bus.close()


async def test_cancelling_a_caller_neither_stops_its_transaction_nor_mixes_up_replies() -> None:
    async with bus_with(in_turn(lambda request: [(TIMEOUT_S * 0.4, good(request))])) as (bus, line):
        first = asyncio.create_task(bus.read_input(UNIT, 1, 1))
        await asyncio.to_thread(line.asked.wait, 5.0)  # the wire is taken: what follows waits in the queue
        dropped = asyncio.create_task(bus.write_coil(UNIT, 2, True, Allowed()))
        kept = asyncio.create_task(bus.write_coil(UNIT, 3, False, None))
        await asyncio.sleep(0)
        for task in (first, dropped, kept):
            task.cancel()
        assert await bus.read_input(UNIT, 40, 2) == (40, 41)
        sent = {(request[1], int.from_bytes(request[2:4], "big")) for request in line.requests}
        assert (5, 2) not in sent, "a cancelled energising write must not go out"
        assert (5, 3) in sent, "a cancelled de-energising write must go out"


async def test_a_lost_port_is_an_error_and_a_replugged_one_is_found_again(tmp_path: Path) -> None:
    port = tmp_path / "bench-rs485"
    first = FakeLine(at_once)
    port.symlink_to(first.path)
    bus = ModbusBus(str(port), 19200, TIMEOUT_S, QUARANTINE_S)
    with first:
        assert await bus.read_input(UNIT, 1, 1) == (1,)
    port.unlink()
    with pytest.raises(PortError, match="plugged in"):
        await bus.read_input(UNIT, 1, 1)
    with FakeLine(at_once) as second:
        port.symlink_to(second.path)
        assert await bus.read_input(UNIT, 2, 1) == (2,)
        await bus.close()


async def test_a_port_torn_out_in_a_transaction_is_a_port_error() -> None:
    async with bus_with(silent) as (bus, line):
        reading = asyncio.create_task(bus.read_input(UNIT, 1, 1))
        await asyncio.to_thread(line.asked.wait, 5.0)
        await asyncio.to_thread(line.hang_up)
        with pytest.raises(PortError):
            await reading


async def test_a_port_that_is_not_there_or_not_allowed_says_what_to_do(tmp_path: Path) -> None:
    bus = ModbusBus(str(tmp_path / "nothing"), 9600, TIMEOUT_S, QUARANTINE_S)
    with pytest.raises(PortError, match="check the cable, the adapter and the udev rule"):
        await bus.read_input(UNIT, 1, 1)
    await bus.close()


async def test_a_port_that_another_program_holds_is_refused() -> None:
    async with bus_with(at_once) as (bus, line):
        assert await bus.read_input(UNIT, 1, 1) == (1,)
        other = ModbusBus(line.path, 115200, TIMEOUT_S, QUARANTINE_S)
        with pytest.raises(PortError, match="another program holds the port"):
            await other.read_input(UNIT, 1, 1)
        await other.close()


async def test_a_babbling_line_fails_reads_but_still_gets_the_de_energising_write() -> None:
    with FakeLine(at_once) as line:
        bus = ModbusBus(line.path, 300, TIMEOUT_S, QUARANTINE_S)  # t3.5 is 0.13 s: no pause of the babbler is that long
        stop = threading.Event()

        def babble() -> None:
            while not stop.wait(0.005):
                line.say(b"\x55")

        noise = threading.Thread(target=babble)
        noise.start()
        try:
            with pytest.raises(ProtocolError, match="never silent"):
                await bus.read_input(UNIT, 1, 1)
            with pytest.raises(DriverError):
                await bus.write_coil(UNIT, 1, False, None)
        finally:
            stop.set()
            noise.join()
            await bus.close()
        assert [request[:4] for request in line.requests] == [bytes((UNIT, 5, 0, 1))]


async def test_close_is_safe_twice_and_a_closed_bus_refuses() -> None:
    async with bus_with(at_once) as (bus, _):
        assert await bus.read_input(UNIT, 1, 1) == (1,)
        await bus.close()
        await bus.close()
        with pytest.raises(PortError, match="closed"):
            await bus.read_input(UNIT, 1, 1)


async def test_an_idle_bus_uses_no_processor() -> None:
    async with bus_with(at_once) as (bus, _):
        await bus.read_input(UNIT, 1, 1)
        (bus_thread,) = [thread for thread in threading.enumerate() if thread.name.startswith("bus ")]
        stat = Path(f"/proc/{os.getpid()}/task/{bus_thread.native_id}/status")

        def switches() -> int:
            return sum(int(line.split()[1]) for line in stat.read_text().splitlines() if "ctxt_switches" in line)

        await asyncio.sleep(0.05)
        before = switches()
        await asyncio.sleep(0.3)
        assert switches() - before <= 2
