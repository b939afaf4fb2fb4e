"""Any Modbus relay module by its register map from the configuration: coils, registers, or bits of registers.

Echoes are checked by the bus, positions are read back. A module may hold its relays when the line goes quiet: where it
has a communication watchdog, that is made to read its value before each write that switches on (reference/safety.md).
A bit can only be written with its whole register. So a register of outputs belongs to this table alone; a write that
switches off keeps other bits on only where they were seen on just now, and fan and bleed wherever they were put on; of
those that switch on, one at a time is under way in a register, made anew when another bit of it was switched off
meanwhile. Coils know none of this: prefer them.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from drivers.errors import PermitDenied, ProtocolError, SettingMismatch
from drivers.modbus.bus import Modbus
from drivers.modbus.decoding import Span, plan_blocks
from drivers.modbus.identity import read_identity, read_image
from drivers.modbus.settings import OutputField, OutputSettings
from drivers.ports import Identity, Permit

KEPT_S = 1.5
"""A bit seen on this long ago is kept on; positions are polled every second at least."""
SAFE_ON = ("fan", "bleed")
"""Roles that may be on at any time, and must not fall because another one of their register does."""
ANEW_MAX = 8


class _OvertakenError(Exception):
    """An output of the same register was switched off between reckoning and sending."""


class _Fresh:
    """A permit that also looks whether its write is still right; asked in the bus thread, right before the bytes."""

    def __init__(self, permit: Permit, still: Callable[[], bool]) -> None:
        self._permit = permit
        self._still = still

    def check(self) -> None:
        """Raises `PermitDenied`, or `_OvertakenError`."""
        self._permit.check()
        if not self._still():
            raise _OvertakenError


def _heard(write: asyncio.Future[None]) -> None:
    """Its failure was told, or nobody waits for it any more."""
    if not write.cancelled():
        write.exception()


class ModbusOutputs:
    """The module after `settings`; channel n is the n-th of its outputs. `clock`: monotonic seconds."""

    def __init__(self, bus: Modbus, settings: OutputSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._bus = bus
        self._own = settings
        self._address = settings.address
        self._device = f"{bus.port} address {settings.address} ({settings.model or 'relay outputs'})"
        self._outputs = tuple(settings.outputs.items())
        spans = [Span(entry.function, entry.register, 1) for _, entry in self._outputs]
        self._blocks = plan_blocks(spans, settings.block_max, settings.gap_max)
        self._clock = clock
        self._seen: dict[int, tuple[int, float]] = {}  # registers with bits: their word, and when
        self._released: set[tuple[int, int]] = set()  # (register, bit) last switched off
        self._put_on: set[tuple[int, int | None]] = set()  # (register, bit) last switched on
        self._turns: dict[int, int] = {}  # how often an output of a register was switched off
        self._raising: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)  # by register

    async def ensure_ready(self) -> Identity:
        """Ask who it is, where the map tells that, and read the positions. Writes nothing. Raises `DriverError`."""
        who = await read_identity(self._bus, self._address, self._device, self._own.identity, self._own.model)
        await self.read_back()
        return who

    async def write(self, channel: int, on: bool, permit: Permit | None) -> None:
        """Switch one output. Raises `DriverError`; on also `PermitDenied`, and `SettingMismatch` for its watchdog."""
        if not 0 <= channel < len(self._outputs):
            raise ValueError(f"output {channel} is not within 0 to {len(self._outputs) - 1}")
        role, entry = self._outputs[channel]
        if not on:
            await self._release(entry)
            return
        if permit is None:
            raise PermitDenied("relay", f"switching {role} on needs a permit and none was handed over")
        await self._prove_watchdog()
        if entry.function == "coil":
            await self._bus.write_coil(self._address, entry.register, True, permit)
        elif entry.bit is None:
            await self._bus.write_register(self._address, entry.register, entry.on, permit)
        else:
            async with self._raising[entry.register]:
                await self._raise_bit(entry.register, entry.bit, permit)

    async def read_back(self) -> Sequence[bool]:
        """The position of every output as the module tells it. Raises `DriverError`."""
        image = await read_image(self._bus, self._address, self._blocks)
        now = self._clock()
        positions = []
        for role, entry in self._outputs:
            word = image[entry.function, entry.register]
            if entry.bit is not None:
                self._seen[entry.register] = (word, now)
            positions.append(self._position(role, entry, word))
        return positions

    async def all_off(self) -> None:
        """Release every output, coils in a row and registers in a write each. Raises the first `DriverError`.

        Every write goes out, also where the caller is cancelled at once.
        """
        bits = {(entry.register, entry.bit) for _, entry in self._outputs if entry.bit is not None}
        self._released |= bits
        self._put_on -= bits
        coils = [Span("coil", entry.register, 1) for _, entry in self._outputs if entry.function == "coil"]
        writes = [
            self._bus.write_coils(self._address, run.first, [False] * run.count, None)
            for run in plan_blocks(coils, self._own.block_max, 0)
        ]
        registers = {entry.register: entry for _, entry in self._outputs if entry.function == "holding"}
        writes += [self._release(entry) for entry in registers.values()]
        under_way = [asyncio.ensure_future(write) for write in writes]
        for one in under_way:
            one.add_done_callback(_heard)
        if under_way:
            await asyncio.wait(under_way)  # which cancels none of them
        for one in under_way:
            one.result()

    async def close(self) -> None:
        """Nothing of its own to let go: the bus belongs to the daemon."""

    def _position(self, role: str, entry: OutputField, word: int) -> bool:
        if entry.function == "coil":
            return bool(word)
        if entry.bit is not None:
            return bool(word >> entry.bit & 1)
        on = entry.on if entry.reads_on is None else entry.reads_on
        off = entry.off if entry.reads_off is None else entry.reads_off
        if word not in (on, off):
            raise ProtocolError(
                self._device,
                f"{role}: holding register {entry.register} reads {word}, neither {on} (on) nor {off} (off); "
                "check the register map",
            )
        return word == on

    async def _release(self, entry: OutputField) -> None:
        if entry.function == "coil":
            await self._bus.write_coil(self._address, entry.register, False, None)
        elif entry.bit is None:
            await self._bus.write_register(self._address, entry.register, entry.off, None)
        else:
            register = entry.register
            self._turns[register] = self._turns.get(register, 0) + 1
            self._released.add((register, entry.bit))
            self._put_on.discard((register, entry.bit))
            word, seen_at = self._seen.get(register, (0, -KEPT_S))
            if self._clock() - seen_at >= KEPT_S:
                word = 0
            for role, other in self._outputs:
                if role in SAFE_ON and other.bit is not None and (register, other.bit) in self._put_on:
                    word |= (other.register == register) << other.bit
            kept = self._ours(register, word)
            await self._bus.write_register(self._address, register, kept, None)
            self._seen[register] = (kept, self._clock())

    async def _raise_bit(self, register: int, bit: int, permit: Permit) -> None:
        self._released.discard((register, bit))
        for _ in range(ANEW_MAX):
            turn = self._turns.get(register, 0)
            (word,) = await self._bus.read_holding(self._address, register, 1)
            wanted = self._ours(register, word | 1 << bit)
            fresh = _Fresh(permit, lambda turn=turn: self._turns.get(register, 0) == turn)  # type: ignore[misc]
            try:
                await self._bus.write_register(self._address, register, wanted, fresh)
            except _OvertakenError:
                continue
            if self._turns.get(register, 0) != turn:
                continue  # what was switched off since knew nothing of this bit
            self._seen[register] = (wanted, self._clock())
            self._put_on.add((register, bit))
            return
        raise ProtocolError(self._device, f"holding register {register} is switched off again and again; by whom?")

    def _ours(self, register: int, word: int) -> int:
        """The bits of `word` that are outputs and were not switched off last."""
        ours = [entry.bit for _, entry in self._outputs if entry.register == register and entry.bit is not None]
        return word & sum(1 << bit for bit in ours if (register, bit) not in self._released)

    async def _prove_watchdog(self) -> None:
        register, value = self._own.watchdog_register, self._own.watchdog_value
        if register is None or value is None:
            return
        (seen,) = await self._bus.read_holding(self._address, register, 1)
        if seen == value:
            return
        await self._bus.write_register(self._address, register, value, None)
        (seen,) = await self._bus.read_holding(self._address, register, 1)
        if seen != value:
            raise SettingMismatch(
                self._device,
                f"its communication watchdog (holding register {register}) reads {seen} after {value} was written: "
                "nothing is switched on; check the register, or set it with the maker's tool",
            )
