"""What is wrong with a register map before anything is asked: for `station check`, at the key where it stands.

Each row tells the device's key, what contradicts what, and the remedy. Types and names are judged before.
"""

from __future__ import annotations

from collections.abc import Iterator

from drivers.kinds import Fault
from drivers.modbus.decoding import BIT_FUNCTIONS, WORDS, Span, Spot, span_of, where
from drivers.modbus.frame import MAX_REGISTERS
from drivers.modbus.settings import (
    AliveField,
    IdentityField,
    IdentityFields,
    RegisterField,
    RegisterMapSettings,
    StatusField,
)

REGISTER_MAX = 65535
ASCII_WORDS_MAX = 32
Path = tuple[str, ...]
_RANGES = {
    "int16": (-0x8000, 0x7FFF), "uint16": (0, 0xFFFF), "bcd16": (0, 9999), "bcd32": (0, 99_999_999),
    "int32": (-(1 << 31), (1 << 31) - 1), "uint32": (0, (1 << 32) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1), "uint64": (0, (1 << 64) - 1),
}  # fmt: skip


def map_faults(own: RegisterMapSettings) -> Iterator[Fault]:
    """Everything that is wrong with a register map."""
    if not own.quantities:
        yield Fault(("quantities",), "no quantity at all", "name what it reads: `power_w = { register = … }`")
    yield from block_faults(own.block_max, own.gap_max)
    for name, entry in own.quantities.items():
        yield from field_faults(("quantities", name), entry)
        if span_of(entry).count > own.block_max >= 1:
            wrong = f"takes {span_of(entry).count} registers, and block_max allows {own.block_max}"
            yield Fault(("quantities", name, "type"), wrong, "raise block_max, or correct the type")
    yield from _of_overlaps(own)
    for name, status in own.valid.items():
        yield from _of_status(("valid", name), status)
    if own.alive is not None:
        yield from _of_alive(own.alive)
    yield from identity_faults(own.identity)
    yield from _of_arming(own)


def register_fault(path: Path, register: int, count: int = 1) -> Iterator[Fault]:
    """A register that does not exist. Modbus counts from 0 on the wire, manuals from 40001."""
    if register < 0 or register + count - 1 > REGISTER_MAX:
        remedy = f"use 0 to {REGISTER_MAX}, as on the wire (40001 of a manual is holding register 0)"
        yield Fault((*path, "register"), f"there is no register {register}", remedy)


def field_faults(path: Path, entry: RegisterField) -> Iterator[Fault]:
    """What is wrong with one quantity by itself."""
    span = span_of(entry)
    yield from register_fault(path, entry.register, span.count)
    for key in ("accuracy_relative", "accuracy_absolute"):
        if getattr(entry, key) < 0:
            yield Fault((*path, key), f"{getattr(entry, key):g} is no bound of an error", "write 0 or more")
    if entry.scale == 0:
        yield Fault((*path, "scale"), "0 makes every reading the same", "write what one step of the register is worth")
    if entry.function in BIT_FUNCTIONS:
        plain = RegisterField(entry.register, entry.function)
        for key in ("type", "word_order", "byte_order", "bit", "bits", "invalid"):
            if getattr(entry, key) != getattr(plain, key):
                yield Fault((*path, key), f"{where(entry)} is one bit and has none", "remove this key")
    else:
        yield from _of_registers(path, entry)
    yield from _of_bounds(path, entry)


def _of_registers(path: Path, entry: RegisterField) -> Iterator[Fault]:
    words = WORDS[entry.type]
    if words == 1 and entry.word_order != "big":
        yield Fault((*path, "word_order"), f"{entry.type} is one register", "remove it, or name the wider type")
    yield from bit_faults(path, entry, 16 * words)
    if (entry.bit is not None or entry.bits is not None) and not entry.type.startswith("uint"):
        wrong = f"{entry.type} is no row of bits"
        yield Fault((*path, "type"), wrong, f'write type = "uint{16 * words}", or remove bit and bits')
    for pattern in entry.invalid:
        if not -(1 << 16 * words - 1) <= pattern < 1 << 16 * words:
            wrong = f"{pattern:#x} does not fit {words} register{'s' * (words > 1)}"
            yield Fault((*path, "invalid"), wrong, "write raw patterns as they come, such as 0x8000")


def bit_faults(path: Path, spot: Spot, width: int) -> Iterator[Fault]:
    """A bit or field of bits that is not there."""
    if spot.bit is not None and spot.bits is not None:
        yield Fault((*path, "bits"), "stands beside `bit`", "keep one of the two")
    yield from bit_fault(path, spot.bit, width)
    bits = spot.bits
    if bits is not None and not (len(bits) == 2 and 0 <= bits[0] <= bits[1] < width):
        remedy = f"write the first and the last, 0 (the lowest) to {width - 1}: [0, 7]"
        yield Fault((*path, "bits"), f"{list(bits)} is no field of bits", remedy)


def bit_fault(path: Path, bit: int | None, width: int) -> Iterator[Fault]:
    """A bit that is not there."""
    if bit is not None and not 0 <= bit < width:
        yield Fault((*path, "bit"), f"there is no bit {bit}", f"use 0 (the lowest) to {width - 1}")


def _of_bounds(path: Path, entry: RegisterField) -> Iterator[Fault]:
    """Bounds that no raw value can keep: a wrong scale, unit or type."""
    least, most = (0, 1) if entry.function in BIT_FUNCTIONS else _RANGES.get(entry.type, (None, None))
    if entry.bit is not None:
        least, most = 0, 1
    elif entry.bits is not None and len(entry.bits) == 2:
        least, most = 0, (1 << max(0, entry.bits[1] - entry.bits[0]) + 1) - 1
    if least is None or most is None:
        return
    ends = sorted((least * entry.scale + entry.offset, most * entry.scale + entry.offset))
    remedy = "correct the scale, the type or the bound"
    if entry.low is not None and entry.low > ends[1]:
        yield Fault((*path, "low"), f"{entry.low:g}, but it reads {ends[1]:g} at most", remedy)
    if entry.high is not None and entry.high < ends[0]:
        yield Fault((*path, "high"), f"{entry.high:g}, but it reads {ends[0]:g} at least", remedy)


def _of_overlaps(own: RegisterMapSettings) -> Iterator[Fault]:
    """Two numbers that share some registers and not all: one stands in the middle of the other."""
    seen: list[tuple[str, Span]] = []
    for name, entry in own.quantities.items():
        span = span_of(entry)
        for other, before in seen:
            apart = span.function != before.function or span.end <= before.first or before.end <= span.first
            if not apart and span != before:
                wrong = f"{span.function} registers {span.first} to {span.end - 1} run into those of `{other}`"
                yield Fault(("quantities", name, "register"), wrong, "correct the register or type of one of the two")
        seen.append((name, span))


def block_faults(block_max: int, gap_max: int) -> Iterator[Fault]:
    """Blocks that Modbus cannot ask for."""
    if not 1 <= block_max <= MAX_REGISTERS:
        yield Fault(("block_max",), f"{block_max} registers at once", f"use 1 to {MAX_REGISTERS}")
    elif not 0 <= gap_max < block_max:
        yield Fault(("gap_max",), f"{gap_max} idle registers in a block of {block_max}", f"use 0 to {block_max - 1}")


def _of_status(path: Path, status: StatusField) -> Iterator[Fault]:
    yield from register_fault(path, status.register)
    width = 1 if status.function in BIT_FUNCTIONS else 16
    if width == 1 and (status.bit is not None or status.bits is not None):
        key = "bit" if status.bit is not None else "bits"
        yield Fault((*path, key), f"a {status.function} is one bit and has none", "remove this key")
        return
    found = list(bit_faults(path, status, 16))
    yield from found
    if status.bit is not None:
        width = 1
    elif status.bits is not None and not found:
        width = status.bits[1] - status.bits[0] + 1
    if not 0 <= status.equals < 1 << width:
        wrong = f"{status.equals} is more than {width} bit{'s' * (width > 1)} can be"
        yield Fault((*path, "equals"), wrong, f"use 0 to {(1 << width) - 1}")


def _of_alive(alive: AliveField) -> Iterator[Fault]:
    yield from register_fault(("alive",), alive.register, WORDS[alive.type])
    if alive.max_age_s <= 0:
        yield Fault(("alive", "max_age_s"), "leaves no time to change in", "write at least two of the meter's periods")
    if WORDS[alive.type] == 1 and alive.word_order != "big":
        yield Fault(("alive", "word_order"), f"{alive.type} is one register", "remove it, or name the wider type")


def identity_faults(own: IdentityFields) -> Iterator[Fault]:
    """Identity registers that cannot be read or never be as expected."""
    for name in ("model", "serial_number", "firmware"):
        told: IdentityField | None = getattr(own, name)
        if told is not None:
            yield from _of_identity(("identity", name), told)


def _of_identity(path: Path, told: IdentityField) -> Iterator[Fault]:
    yield from register_fault(path, told.register, told.words or WORDS.get(told.type, 1))
    if told.type == "ascii":
        if not 1 <= told.words <= ASCII_WORDS_MAX:
            wrong = f"{told.words} registers of text" if told.words else "is missing: text has a length"
            yield Fault((*path, "words"), wrong, f"write 1 to {ASCII_WORDS_MAX} (two letters a register)")
        return
    if told.words:
        yield Fault((*path, "words"), f"{told.type} has its own length", 'remove it, or type = "ascii"')
    if told.expect and _as_number(told.expect) is None:
        wrong = f"{told.expect!r} is no number, and {told.type} is one"
        yield Fault((*path, "expect"), wrong, 'write it as "1234" or "0x04D2"')


def _as_number(expect: str) -> int | None:
    try:
        return int(expect, 0)
    except ValueError:
        return None


def _of_arming(own: RegisterMapSettings) -> Iterator[Fault]:
    if own.arm_register is None:
        if own.arm_value != 1:
            yield Fault(("arm_value",), "nothing is armed", "name `arm_register`, or remove this key")
        return
    if own.shares:
        wrong = f"writes to the device of `{own.shares}`, and could switch it without a permit"
        yield Fault(("arm_register",), wrong, "remove `shares` and give the probe an address of its own")
    for key, value in (("arm_register", own.arm_register), ("arm_value", own.arm_value)):
        if not 0 <= value <= REGISTER_MAX:
            yield Fault((key,), f"{value} does not fit a register", f"use 0 to {REGISTER_MAX}")
