"""Modbus RTU readings a second against what the wire allows, and wrong values, beside pymodbus and minimalmodbus.

By hand: python tests/benchmarks/bench_modbus.py [seconds] [histories]. A process of its own plays one device on a pty,
throttled to the baud rate: a request's and a reply's bytes take 10 bits each (8N1), between them lies the device's
turnaround of 2 ms, and the reply comes byte by byte. The wire allows one reading in request + turnaround + reply +
t3.5. Everybody reads ten registers as often as they can, one at a time, for `seconds` at each rate, in turn. Of each
the mean rate is shown, and that of the middle reading, which other programs on the machine disturb less.

Then the random histories of tests/drivers (each step alone, on a real pty, without unplugging) are played to everybody,
with a time-out of 20 ms, no retries, and our quarantine of 60 ms: how many values came back that never stood there, and
how many writes were reported done that were not.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import multiprocessing
import random
import select
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import minimalmodbus
from pymodbus.client import AsyncModbusSerialClient, ModbusSerialClient
from pymodbus.exceptions import ModbusException

from drivers.modbus.bus import ModbusBus
from drivers.modbus.rtu import silent_interval_s
from drivers.sim.pty import RawPty
from tests.drivers.fake_line import FakeLine, rtu_length
from tests.drivers.modbus_plant import LATE_S, LONG_S, UNPLUG, Answer, Fault, Plant
from tests.drivers.modbus_player import OurClient, Player, Step, values_of

RATES = (9600, 19200, 115200)
BITS, COUNT, UNIT, TURNAROUND_S = 10, 10, 3, 0.002
Read = Callable[[], Awaitable[tuple[int, ...]]]


# ---- the throttled line, a process of its own --------------------------------------------------------------------


def line(baud: int, told: Connection) -> None:
    """One device at `baud` until told to end; spins where sleeping is too coarse."""
    pty, plant, byte_s = RawPty(), Plant(), BITS / baud
    told.send(pty.path)
    heard = b""
    while not told.poll():
        if not select.select([pty.master, told], [], [], 1.0)[0]:
            continue
        begin = time.perf_counter()
        heard += pty.receive()
        if len(heard) < 8:
            continue
        request, heard = heard[:8], b""
        ((_, reply),) = plant.answer(request, Fault((), 0))
        due = begin + len(request) * byte_s + TURNAROUND_S
        sent = 0
        while sent < len(reply):
            now = time.perf_counter()
            arrived = min(len(reply), int((now - due) / byte_s)) if now > due else 0
            if arrived > sent:
                pty.send(reply[sent:arrived])
                sent = arrived
            elif now < due - 0.001:
                time.sleep(due - now - 0.001)
    pty.close()


# ---- everybody ---------------------------------------------------------------------------------------------------


class PymodbusAsync:
    """pymodbus's asynchronous client, bare."""

    errors: tuple[type[Exception], ...] = (ModbusException, TimeoutError)

    def __init__(self, port: str, baud: int, timeout_s: float) -> None:
        self._client: Any = AsyncModbusSerialClient(
            port, baudrate=baud, timeout=timeout_s, retries=0, reconnect_delay=0
        )

    async def call(self, step: Step) -> tuple[int, ...] | None:
        if not self._client.connected:
            await self._client.connect()
        return _result(step, await _pymodbus(self._client, step))

    async def close(self) -> None:
        self._client.close()


class PymodbusSync:
    """pymodbus's synchronous client, bare, in a thread."""

    errors: tuple[type[Exception], ...] = (ModbusException, TimeoutError)

    def __init__(self, port: str, baud: int, timeout_s: float) -> None:
        self._client: Any = ModbusSerialClient(port, baudrate=baud, timeout=timeout_s, retries=0)

    async def call(self, step: Step) -> tuple[int, ...] | None:
        return await asyncio.to_thread(self.ask, step)

    def ask(self, step: Step) -> tuple[int, ...] | None:
        if not self._client.connected:
            self._client.connect()
        return _result(step, _pymodbus(self._client, step))

    async def close(self) -> None:
        self._client.close()


def _pymodbus(client: Any, step: Step) -> Any:
    unit, address = step.unit, step.address
    match step.call:
        case "input":
            return client.read_input_registers(address, count=step.count, device_id=unit)
        case "holding":
            return client.read_holding_registers(address, count=step.count, device_id=unit)
        case "coil":
            return client.read_coils(address, count=step.count, device_id=unit)
        case "write coil":
            return client.write_coil(address, bool(step.value % 2), device_id=unit)
        case "write register":
            return client.write_register(address, step.value, device_id=unit)
        case _:
            return client.write_registers(address, list(values_of(step)), device_id=unit)


def _result(step: Step, answer: Any) -> tuple[int, ...] | None:
    if answer.isError():
        raise ModbusException("refused")
    if step.call.startswith("write"):
        return None
    return tuple(answer.bits[: step.count]) if step.call == "coil" else tuple(answer.registers)


class Minimalmodbus:
    """minimalmodbus, in a thread."""

    errors: tuple[type[Exception], ...] = (OSError, ValueError)  # all of its own are OSErrors

    def __init__(self, port: str, baud: int, timeout_s: float) -> None:
        self._instrument = minimalmodbus.Instrument(port, UNIT)
        self._instrument.serial.baudrate = baud
        self._instrument.serial.timeout = timeout_s + 40 * BITS / baud

    async def call(self, step: Step) -> tuple[int, ...] | None:
        return await asyncio.to_thread(self.ask, step)

    def ask(self, step: Step) -> tuple[int, ...] | None:
        line, address = self._instrument, step.address
        line.address = step.unit
        match step.call:
            case "input" | "holding":
                return tuple(line.read_registers(address, step.count, 4 if step.call == "input" else 3))
            case "coil":
                return tuple(line.read_bits(address, step.count, 1))
            case "write coil":
                line.write_bit(address, step.value % 2, 5)
            case "write register":
                line.write_register(address, step.value, 0, 6)
            case _:
                line.write_registers(address, list(values_of(step)))
        return None

    async def close(self) -> None:
        self._instrument.serial.close()


class Ours(OurClient):
    """Our bus."""

    def __init__(self, port: str, baud: int, timeout_s: float, permit: Any = None) -> None:
        self._own = ModbusBus(port, baud, timeout_s, LATE_S)
        super().__init__(self._own, permit)

    async def close(self) -> None:
        await self._own.close()


class OursTwice(Ours):
    """Our bus as the daemon uses it: while one poller takes its reading the other's question already waits."""


EVERYBODY: dict[str, Callable[..., Any]] = {
    "ours": Ours,
    "ours, two pollers": OursTwice,
    "minimalmodbus": Minimalmodbus,
    "pymodbus, asynchronous": PymodbusAsync,
    "pymodbus, synchronous": PymodbusSync,
}


# ---- the two figures ---------------------------------------------------------------------------------------------


async def rate(client: Any, seconds: float, pollers: int) -> tuple[float, float]:
    """Readings a second: of all, and of the middle one."""
    step = Step("input", UNIT, 0, COUNT, 0, Fault((), 0), 0.0, False, False, True)
    await client.call(step)
    begin = time.perf_counter()
    ends = [begin]
    sync = getattr(client, "ask", None)

    async def poll() -> None:
        while ends[-1] < begin + seconds:
            words = sync(step) if sync else await client.call(step)
            assert len(words) == COUNT
            ends.append(time.perf_counter())

    await asyncio.gather(*(poll() for _ in range(pollers)))
    middle_s = statistics.median(later - earlier for earlier, later in itertools.pairwise(ends))
    return (len(ends) - 1) / (ends[-1] - begin), 1 / middle_s


def _plugged(player: Player, request: bytes) -> Answer:
    return (part for part in player.answer(request) if part[1] != UNPLUG)


async def wrong_values(make: Callable[..., Any], histories: int) -> tuple[int, int, int]:
    """Calls, answers, and those that were wrong."""
    calls = answers = wrong = 0
    dice = random.Random(20)
    for _ in range(histories):
        player = Player([dice.getrandbits(48) for _ in range(dice.randrange(3, 9))])
        player.steps = [replace(step, together=False, cancelled=False, allowed=True) for step in player.steps]
        with FakeLine(partial(_plugged, player), rtu_length) as fake:
            client = make(fake.path, 115200, LONG_S)
            if isinstance(client, Ours):
                client._permit = player
            await player.play(client, time.sleep, lambda data, after_s: fake.say(data))
            await client.close()
        calls, answers, wrong = calls + len(player.steps), answers + player.answers, wrong + len(player.wrong)
    return calls, answers, wrong


async def main(seconds: float, histories: float) -> None:
    """Print both tables."""
    print(f"readings of {COUNT} registers a second, 8N1, turnaround {TURNAROUND_S * 1e3:g} ms")
    for baud in RATES:
        bound = 1 / ((8 + 5 + 2 * COUNT) * BITS / baud + TURNAROUND_S + silent_interval_s(baud, BITS))
        print(f"{baud:>7} baud: the wire allows {bound:.1f}")
        for name, make in EVERYBODY.items():
            ours, theirs = multiprocessing.Pipe()
            process = multiprocessing.get_context("spawn").Process(target=line, args=(baud, theirs))
            process.start()
            client = make(ours.recv(), baud, 0.3)
            mean, middle = await rate(client, seconds, 2 if make is OursTwice else 1)
            await client.close()
            ours.send("end")
            process.join()
            print(f"    {name:<24}{mean:8.1f} {mean / bound:6.1%}   middle {middle / bound:6.1%}", flush=True)
    print(f"wrong values in the same {histories:g} random histories")
    for name, make in EVERYBODY.items():
        if make is OursTwice:
            continue
        calls, answers, wrong = await wrong_values(make, int(histories))
        print(f"    {name:<24}{wrong:5} wrong of {answers} answers to {calls} calls", flush=True)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # pymodbus logs every bad frame
    given = [float(word) for word in sys.argv[1:]]
    asyncio.run(main(*given, *(3, 200)[len(given) :]))
