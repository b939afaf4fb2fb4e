"""Devices of a Modbus line that know what they held when, and the faults with which they answer.

`Plant.answer` speaks bytes and pauses, so one plant stands behind a real pty (`FakeLine`), a line in virtual time
(`VirtualLine`) and under other libraries' clients. Its codec is its own; the CRC is pymodbus's. Every register of FC04
changes with every deed of anyone (`epoch`), so a value is right at one moment only. No reply
begins later than time-out and quarantine together, and none is repeated while its device is asked again: against those
no master can do anything (`drivers/modbus/rtu.py`).

Noise flips what CRC-16 finds for certain: one or two bits, or a burst of up to 16. What is worse passes by one chance
in 65,536, on every Modbus RTU line.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pymodbus.framer.rtu import FramerRTU

UNITS = (3, 7, 17)
UNPLUG = b"\xffunplug"
"""Among what an answer yields: the port is gone from here on."""
LONG_S, LATE_S = 0.02, 0.06
"""What a bus of these tests waits for a reply, and how long it listens after a failure."""

Answer = Iterator[tuple[float, bytes]]
Place = tuple[int, str, int]


def sealed(body: bytes) -> bytes:
    """A frame with its CRC."""
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one request: up to two things at once; `seed` decides the rest."""

    kinds: tuple[str, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Deed:
    """A write that a device has done."""

    epoch: int
    unit: int
    table: str
    address: int
    values: tuple[int, ...]


class Plant:
    """Units with input registers, holding registers and coils, all of which take `turnaround_s` to answer."""

    def __init__(self, turnaround_s: float = 0.0) -> None:
        self._turnaround_s = turnaround_s
        self.epoch = 0
        self.deeds: list[Deed] = []
        self.last_reply = b""
        self._log: dict[Place, list[tuple[int, int]]] = {}

    def at(self, unit: int, table: str, address: int, epoch: int) -> int:
        """What this place held at that moment."""
        if table == "input":
            return (epoch * 40503 + unit * 7919 + address * 257) % 65521
        for since, value in reversed(self._log.get((unit, table, address), ())):
            if since <= epoch:
                return value
        return (unit * 911 + address * 31) % 65521 if table == "holding" else (unit + address) % 2

    def held(self, unit: int, table: str, address: int, words: tuple[int, ...], since: int) -> bool:
        """Whether all `words` stood there at one moment since then."""
        return any(
            all(self.at(unit, table, address + place, epoch) == word for place, word in enumerate(words))
            for epoch in range(since, self.epoch + 1)
        )

    def did(self, unit: int, table: str, address: int, values: tuple[int, ...], since: int) -> bool:
        """Whether this write was done since then."""
        return any(
            deed.epoch > since and (deed.unit, deed.table, deed.address, deed.values) == (unit, table, address, values)
            for deed in self.deeds
        )

    # ---- one device, one request -------------------------------------------------------------------------------

    def act(self, request: bytes, unit: int | None = None, function: int | None = None) -> bytes:
        """Do it and return the right reply, without CRC; as another unit or function where told."""
        self.epoch += 1
        unit, function = unit or request[0], function or request[1]
        address, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
        if function in (3, 4):
            table = "holding" if function == 3 else "input"
            words = b"".join(self.at(unit, table, address + n, self.epoch).to_bytes(2, "big") for n in range(count))
            return bytes((unit, function, len(words))) + words
        if function in (1, 2):
            packed = sum(self.at(unit, "coil", address + n, self.epoch) << n for n in range(count))
            return bytes((unit, function, (count + 7) // 8)) + packed.to_bytes((count + 7) // 8, "little")
        if function == 5:
            self._do(unit, "coil", address, (int(request[4] == 0xFF),))
            return bytes((unit, function)) + request[2:6]
        values = [count] if function == 6 else [request[7 + n] << 8 | request[8 + n] for n in range(0, request[6], 2)]
        self._do(unit, "holding", address, tuple(values))
        return bytes((unit, function)) + request[2:6]

    def _do(self, unit: int, table: str, address: int, values: tuple[int, ...]) -> None:
        self.deeds.append(Deed(self.epoch, unit, table, address, values))
        for place, value in enumerate(values):
            self._log.setdefault((unit, table, address + place), []).append((self.epoch, value))

    def answer(self, request: bytes, fault: Fault) -> Answer:
        """Pauses and bytes after the end of `request`."""
        dice, kinds = random.Random(fault.seed), fault.kinds
        if "deaf" in kinds or request[0] not in UNITS:
            return
        if "unplugged before" in kinds:
            yield 0.0, UNPLUG
        pause_s = self._turnaround_s
        if "slow" in kinds:
            pause_s = dice.uniform(0.1, 0.9) * LONG_S
        if "late" in kinds:
            pause_s = LONG_S + dice.uniform(0.02, 0.98) * dice.choice((0.3, 1.0)) * LATE_S
        left_s = max(0.0, LONG_S + LATE_S - 0.012 - pause_s)  # the last of it begins within the quarantine
        if "done late" in kinds and pause_s:
            yield pause_s, b""
            pause_s = 0.0
        reply = self._reply(request, kinds, dice)
        self.last_reply = reply
        if "babble" in kinds:
            for _ in range(dice.randrange(1, 11)):
                yield dice.uniform(0.0, min(0.008, left_s / 20)), dice.randbytes(dice.randrange(1, 6))
        if "silent" in kinds:
            return
        if "split" in kinds and "doubled" not in kinds and len(reply) > 1:
            cut = dice.randrange(1, len(reply))
            yield pause_s, reply[:cut]
            pause_s, reply = dice.uniform(0.0, min(0.01, left_s / 2)), reply[cut:]
        yield pause_s, reply
        if "unplugged after" in kinds:
            yield dice.uniform(0.0, 0.003), UNPLUG

    def _reply(self, request: bytes, kinds: tuple[str, ...], dice: random.Random) -> bytes:
        unit, function = request[0], request[1]
        reply = b""
        for kind in kinds:
            if kind in WRONG:
                reply = sealed(WRONG[kind](self, request, dice))
        if "refused" in kinds:
            reply = sealed(bytes((unit, function | 0x80, dice.choice((1, 2, 3, 4, 6)))))
        reply = reply or sealed(self.act(request))
        for kind in kinds:
            if kind in SPOILT:
                reply = SPOILT[kind](reply, dice)
        return reply


def _other_place(plant: Plant, request: bytes, dice: random.Random) -> bytes:
    """Echo of another address, for a write; the value of another, for a reading, is a right reply to no one's eye."""
    if request[1] in (5, 6, 16):
        return request[:2] + bytes((request[2], request[3] ^ 1)) + request[4:6]
    return _other_count(plant, request, dice)


def _other_value(plant: Plant, request: bytes, dice: random.Random) -> bytes:
    if request[1] in (5, 6, 16):
        return request[:4] + bytes((request[4] ^ 0xFF, request[5]))
    return _other_count(plant, request, dice)


def _other_count(plant: Plant, request: bytes, dice: random.Random) -> bytes:
    reply = plant.act(request)
    return reply[:2] + bytes((reply[2] ^ 2,)) + reply[3:]


def _other_function(plant: Plant, request: bytes, dice: random.Random) -> bytes:
    """The other table's values, or the echo of a write that was none."""
    other = {1: 2, 3: 4, 4: 3, 5: 6, 6: 5, 16: 15}[request[1]]
    return plant.act(request, function=other) if other in (3, 4) else bytes((request[0], other)) + request[2:6]


def _other_unit(plant: Plant, request: bytes, dice: random.Random) -> bytes:
    other = UNITS[(UNITS.index(request[0]) + 1) % len(UNITS)]
    return plant.act(request, other) if request[1] in (1, 3, 4) else bytes((other,)) + request[1:6]


def _flip(reply: bytes, dice: random.Random) -> bytes:
    """One bit, two bits, or a burst of up to 16."""
    if not reply:
        return reply
    bits = int.from_bytes(reply, "big")
    if dice.random() < 0.5:
        for _ in range(dice.randrange(1, 3)):
            bits ^= 1 << dice.randrange(8 * len(reply))
    else:
        bits ^= (dice.randrange(1, 1 << 16)) << dice.randrange(max(1, 8 * len(reply) - 15))
        bits &= (1 << 8 * len(reply)) - 1
    return bits.to_bytes(len(reply), "big")


def _interleaved(reply: bytes, dice: random.Random) -> bytes:
    other = sealed(bytes((dice.choice(UNITS),)) + reply[1:-2])
    return bytes(byte for pair in zip(reply, other, strict=False) for byte in pair)


WRONG: dict[str, Callable[[Plant, bytes, random.Random], bytes]] = {
    "wrong function": _other_function,
    "wrong unit": _other_unit,
    "wrong place": _other_place,
    "wrong echo": _other_value,
    "wrong count": _other_count,
    "short and sealed": lambda plant, request, dice: plant.act(request)[: -dice.randrange(1, 3)],
}
"""Replies that are well formed and answer something else; most do nothing of what was asked."""
SPOILT: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "noisy": _flip,
    "short": lambda reply, dice: reply[: dice.randrange(len(reply) or 1)],
    "noise before": lambda reply, dice: dice.randbytes(dice.randrange(1, 4)) + reply,
    "noise after": lambda reply, dice: reply + dice.randbytes(dice.randrange(1, 4)),
    "only noise": lambda reply, dice: dice.randbytes(dice.randrange(1, 30)),
    "doubled": lambda reply, dice: reply * 2,
    "two at once": _interleaved,
}
TIMED = ("slow", "late", "done late", "silent", "deaf", "refused", "split", "babble", "unplugged before")
OFTEN = ("late", "late", "repeated when idle", "repeated when idle")  # what harms only where the next step fits
KINDS = (*TIMED, "unplugged after", *OFTEN, *WRONG, *SPOILT)
