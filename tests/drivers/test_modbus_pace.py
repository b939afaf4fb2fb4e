"""How fast a Modbus line is and who gets its turns, in virtual time: what the wire allows, and what the silent take.

The bound of a reading is the request's and the reply's bytes, the device's turnaround, and t3.5. In virtual time only
the bus's own waits count, not this machine; on a real pty it is measured by `tests/benchmarks/bench_modbus.py`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from drivers.errors import DeviceTimeout
from drivers.modbus.bus import Modbus
from drivers.modbus.rtu import RtuLine, silent_interval_s
from drivers.serial_port import SerialPort, bits_per_byte
from drivers.sim.pty import RawPty
from tests.drivers.modbus_plant import Answer, Fault, Plant
from tests.drivers.virtual_line import VirtualLine

TIMEOUT_S, QUARANTINE_S = 0.3, 0.2
SILENT = 17


@asynccontextmanager
async def line_at(
    baud: int, form: str, turnaround_s: float, while_silent: Callable[[], None] = lambda: None
) -> AsyncIterator[tuple[Modbus, VirtualLine]]:
    plant = Plant(turnaround_s)

    def answer(request: bytes) -> Answer:
        if request[0] == SILENT:
            while_silent()
        return plant.answer(request, Fault(("deaf",) if request[0] == SILENT else (), 0))

    line = VirtualLine(answer, bits_per_byte(form) / baud)
    bus = Modbus(RtuLine("virtual", baud, TIMEOUT_S, QUARANTINE_S, form, line.clock, line.open))
    try:
        yield bus, line
    finally:
        await bus.close()


@pytest.mark.parametrize("count", [1, 10, 60])
@pytest.mark.parametrize("form", ["8N1", "8E1"])
@pytest.mark.parametrize("baud", [9600, 19200, 115200])
async def test_a_reading_takes_its_bytes_the_turnaround_and_one_silence(baud: int, form: str, count: int) -> None:
    turnaround_s, readings = 0.002, 20
    bits = bits_per_byte(form)
    bound_s = (8 + 5 + 2 * count) * bits / baud + turnaround_s + silent_interval_s(baud, bits)
    async with line_at(baud, form, turnaround_s) as (bus, line):
        await bus.read_input(3, 0, count)
        begin = line.now
        for _ in range(readings):
            await bus.read_input(3, 0, count)
        assert readings * bound_s / (line.now - begin) == pytest.approx(1.0, abs=0.001)


async def test_a_silent_device_keeps_the_others_waiting_for_its_deadline_and_quarantine_and_no_longer() -> None:
    answers: dict[int, list[float]] = {3: [], 7: []}
    silences = 0

    def others_have_asked() -> None:
        """A deadline is long enough for the loop to ask again, but here its time costs none."""
        for _ in range(5000):
            if line.now >= 59.0 or {job.request.unit for job in list(bus._transactions._jobs)} >= {3, 7}:
                return
            time.sleep(0.0005)

    async with line_at(19200, "8N1", 0.002, others_have_asked) as (bus, line):

        async def poll(unit: int) -> None:
            while line.now < 60.0:
                await bus.read_input(unit, 0, 10)
                answers[unit].append(line.now)

        async def ask_the_silent() -> None:
            nonlocal silences
            while line.now < 60.0:
                with pytest.raises(DeviceTimeout):
                    await bus.read_input(SILENT, 0, 10)
                silences += 1

        await asyncio.gather(poll(3), poll(7), *(ask_the_silent() for _ in range(5)))  # asked by five at once
    own_s = 33 * 10 / 19200 + 0.01  # a reading of ten registers
    for times in [[at for at in times if at < 58.0] for times in answers.values()]:
        assert max(later - earlier for earlier, later in itertools.pairwise(times)) < (
            TIMEOUT_S + QUARANTINE_S + 5 * own_s
        )
    assert silences > 60.0 / (TIMEOUT_S + QUARANTINE_S + 3 * own_s) - 7, "the silent one is asked in its turn too"


async def test_a_device_that_is_asked_too_often_does_not_push_another_out() -> None:
    everyone_asked = threading.Event()
    async with line_at(19200, "8N1", 0.002) as (bus, line):
        line.clock = lambda: line.now if everyone_asked.wait(10.0) else 0.0  # type: ignore[method-assign]
        bus._transactions._line._clock = line.clock  # type: ignore[attr-defined]
        asked = [3] * 40 + [7] * 4 + [17] * 2
        waiting = [asyncio.ensure_future(bus.read_coils(unit, 0, 1)) for unit in asked]
        await asyncio.sleep(0)
        everyone_asked.set()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert [request[0] for request in line.sent[:10]] == [3, 7, 17, 3, 7, 17, 3, 7, 3, 7]


@pytest.mark.parametrize(("form", "parity", "stops", "bits"), [("8N1", "N", 1, 10), ("8E1", "E", 1, 11),
                                                               ("8O1", "O", 1, 11), ("8N2", "N", 2, 11)])  # fmt: skip
def test_a_port_is_opened_in_the_format_of_the_line(form: str, parity: str, stops: int, bits: int) -> None:
    pty = RawPty()
    port = SerialPort(pty.path, 9600, form)
    try:
        assert (port._serial.parity, port._serial.stopbits, bits_per_byte(form)) == (parity, stops, bits)
        os.write(pty.master, b"\x80\xff")
        assert port.receive(1.0) == b"\x80\xff"
    finally:
        port.close()
        pty.close()


def test_a_format_that_modbus_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="'7E1' is none of 8N1, 8E1, 8O1, 8N2"):
        bits_per_byte("7E1")
