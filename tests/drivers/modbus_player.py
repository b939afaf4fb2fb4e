"""Random histories of a Modbus line: what is asked, what goes wrong, and whether what came back was ever true.

A history is a list of whole numbers, each a step: who is asked for what, with which faults, alone or together with the
next ones. The oracle: words that were returned all stood in the registers asked, at one moment between question and
answer; a write that was reported done was done in between; nothing energised without its permit.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from drivers.errors import DriverError, PermitDenied
from tests.drivers.modbus_plant import KINDS, UNITS, Answer, Fault, Plant

CALLS = ("input", "input", "input", "holding", "coil", "write coil", "write register", "write registers")


@dataclass(frozen=True, slots=True)
class Step:
    """One call and what happens to it."""

    call: str
    unit: int
    address: int
    count: int
    value: int
    fault: Fault
    idle_s: float
    together: bool
    cancelled: bool
    allowed: bool


def read_step(number: int, before: Step | None) -> Step:
    """The step that a number stands for; half of them meet a fault, a third of those two at once.

    As pollers do, half of them ask again what was asked before.
    """
    dice = random.Random(number)
    kinds = tuple(dice.choice(KINDS) for _ in range(dice.choice((0, 0, 0, 1, 1, 2))))
    together, idle_s = dice.random() < 0.33, dice.choice((0.0, 0.001, 0.03))
    if "repeated when idle" in kinds:
        idle_s, together = 0.05, False
    asked = (dice.choice(CALLS), dice.choice(UNITS), dice.randrange(2), dice.randrange(1, 5), dice.randrange(1000))
    if before is not None and dice.random() < 0.5:
        asked = (before.call, before.unit, before.address, before.count, before.value)
    return Step(
        *asked,
        fault=Fault(kinds, dice.getrandbits(32)),
        idle_s=idle_s,
        together=together,
        cancelled=dice.random() < 0.08,
        allowed=dice.random() < 0.88,
    )


class Client(Protocol):
    """What is asked of a bus, ours or another library's. Raises one of `errors` where there is no answer."""

    errors: tuple[type[Exception], ...]

    async def call(self, step: Step) -> tuple[int, ...] | None:
        """The words of a reading; None for a write that was done."""


class OurClient:
    """Our bus; the permit is the player's."""

    errors = (DriverError, PermitDenied)

    def __init__(self, bus: Any, permit: Any = None) -> None:
        self._bus, self._permit = bus, permit

    async def call(self, step: Step) -> tuple[int, ...] | None:
        bus, unit, address = self._bus, step.unit, step.address
        match step.call:
            case "input":
                return await bus.read_input(unit, address, step.count)
            case "holding":
                return await bus.read_holding(unit, address, step.count)
            case "coil":
                return await bus.read_coils(unit, address, step.count)
            case "write coil":
                await bus.write_coil(unit, address, bool(step.value % 2), self._permit)
            case "write register":
                await bus.write_register(unit, address, step.value, None)
            case _:
                await bus.write_registers(unit, address, values_of(step), None)
        return None


def values_of(step: Step) -> tuple[int, ...]:
    """What a step writes."""
    match step.call:
        case "write coil":
            return (step.value % 2,)
        case "write register":
            return (step.value,)
        case _:
            return tuple(step.value + place for place in range(step.count))


def de_energising(step: Step) -> bytes:
    """The request of a write that goes first, without CRC; empty for every other step."""
    where = bytes((step.unit,)), step.address.to_bytes(2, "big")
    match step.call:
        case "write coil" if step.value % 2 == 0:
            return where[0] + b"\x05" + where[1] + b"\x00\x00"
        case "write register":
            return where[0] + b"\x06" + where[1] + step.value.to_bytes(2, "big")
        case "write registers":
            words = b"".join(word.to_bytes(2, "big") for word in values_of(step))
            return where[0] + b"\x10" + where[1] + bytes((0, step.count, len(words))) + words
    return b""


class Player:
    """Plays one history. `wrong` is what the oracle found, in words; `answers` counts calls that returned."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.steps: list[Step] = []
        for number in numbers:
            self.steps.append(read_step(number, self.steps[-1] if self.steps else None))
        self.plant = Plant(random.Random(repr(numbers)).choice((0.0, 0.002, 0.008, 0.015)))
        self.wrong: list[str] = []
        self.answers = 0
        self.heard: list[bytes] = []
        self.owed: list[bytes] = []  # writes that nothing may keep off the wire
        self.allowed = True
        self._faults: Iterator[Fault] = iter([step.fault for step in self.steps])

    def answer(self, request: bytes) -> Answer:
        """The n-th request on the wire meets the n-th fault."""
        self.heard.append(request[:-2])
        if request[1] == 5 and request[4] == 0xFF and not self.allowed:
            self.wrong.append("energised without a permit")
        return self.plant.answer(request, next(self._faults, Fault((), 0)))

    def check(self) -> None:
        """The permit of this history."""
        if not self.allowed:
            raise PermitDenied("mains", "revoked")

    async def play(self, client: Client, idle: Callable[[float], None], say: Callable[[bytes, float], None]) -> None:
        """Every step in turn; those that are `together` with the next ones at once with them."""
        waiting: list[asyncio.Task[None]] = []
        for step in self.steps:
            if not waiting:
                self.allowed = step.allowed
            task = asyncio.ensure_future(self._call(client, step))
            waiting.append(task)
            if step.cancelled:
                await asyncio.sleep(0)
                task.cancel()
                self.owed += [asking for asking in (de_energising(step),) if asking]
            if step.together:
                continue
            await _settled(waiting)
            waiting.clear()
            if "repeated when idle" in step.fault.kinds and self.plant.last_reply:
                say(self.plant.last_reply, 0.01)
            idle(step.idle_s)
        await _settled(waiting)

    def check_owed(self) -> None:
        """Once the bus is closed: what de-energises went out although its caller was cancelled."""
        if any(kind.startswith("unplugged") for step in self.steps for kind in step.fault.kinds):
            return  # there was no wire to put it on
        for asking in self.owed:
            if self.heard.count(asking) < self.owed.count(asking):
                self.wrong.append(f"{asking.hex(' ')} was cancelled and never went out, and it de-energises")

    async def _call(self, client: Client, step: Step) -> None:
        self.plant.epoch += 1  # the world moves on between two questions
        since = self.plant.epoch
        try:
            words = await client.call(step)
        except client.errors:
            return
        self.answers += 1
        if words is None:
            table = "coil" if step.call == "write coil" else "holding"
            place = (step.unit, table, step.address, values_of(step), since)
            done = self.plant.did(*place) or (de_energising(step) != b"" and self.plant.held(*place))
            if not done:  # what is urgent may have the late echo of an identical one before it: it stands, too
                self.wrong.append(f"{step} was reported done and was not")
        elif len(words) != step.count or not self.plant.held(step.unit, step.call, step.address, words, since):
            self.wrong.append(f"{step} returned {words}, which never stood there")


async def _settled(waiting: Sequence[asyncio.Task[None]]) -> None:
    """All are over; raises what is no answer of a bus."""
    for outcome in await asyncio.gather(*waiting, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
