"""What registers mean: raw words into numbers and texts, and which registers one transaction may read. No I/O.

Modbus says nothing of types wider than one register (MODBUS Application Protocol V1.1b3, 4.2): order of words and of
bytes is each maker's own, so both are declared.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

WORDS: Mapping[str, int] = {
    "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "int64": 4, "uint64": 4, "float32": 2, "float64": 4,
    "bcd16": 1, "bcd32": 2,
}  # fmt: skip
"""Registers of each type."""
BIT_FUNCTIONS = ("coil", "discrete")
Image = Mapping[tuple[str, int], int]
"""What was read: by function and address; a coil or discrete input is 0 or 1."""


class NoReading(Exception):
    """The registers hold no value; the text says why."""


class Spot(Protocol):
    """Where bits stand: a whole register, one bit of it, or a field."""

    @property
    def function(self) -> str: ...
    @property
    def register(self) -> int: ...
    @property
    def bit(self) -> int | None: ...
    @property
    def bits(self) -> tuple[int, ...] | None: ...


class Numeric(Protocol):
    """A number in registers, as any field declares one."""

    @property
    def function(self) -> str: ...
    @property
    def register(self) -> int: ...
    @property
    def type(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Span:
    """Registers (or coils) that belong together: `count` from `first`."""

    function: str
    first: int
    count: int

    @property
    def end(self) -> int:
        """The first register behind it."""
        return self.first + self.count


def span_of(entry: Numeric) -> Span:
    """The registers of a field."""
    return Span(entry.function, entry.register, 1 if entry.function in BIT_FUNCTIONS else WORDS[entry.type])


def plan_blocks(spans: Iterable[Span], block_max: int, gap_max: int) -> tuple[Span, ...]:
    """As few transactions as may be: none longer than `block_max`, reading over at most `gap_max` idle registers."""
    blocks: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.function, one.first, one.count)):
        last = blocks[-1] if blocks else None
        if last and last.function == span.function and span.first <= last.end + gap_max:
            end = max(last.end, span.end)
            if end - last.first <= block_max:
                blocks[-1] = Span(last.function, last.first, end - last.first)
                continue
        blocks.append(span)
    return tuple(blocks)


def words_at(image: Image, span: Span) -> tuple[int, ...]:
    """The words of `span`; all of them were read."""
    return tuple(image[span.function, span.first + place] for place in range(span.count))


def octets(words: tuple[int, ...], word_order: str = "big", byte_order: str = "big") -> bytes:
    """The bytes of some registers, highest first."""
    ordered = words if word_order == "big" else words[::-1]
    return b"".join(word.to_bytes(2, "big" if byte_order == "big" else "little") for word in ordered)


def pick(raw: int, spot: Spot) -> int:
    """`raw` whole, or the bit or field of it that `spot` names."""
    if spot.bit is not None:
        return raw >> spot.bit & 1
    if spot.bits is not None:
        first, last = spot.bits
        return raw >> first & (1 << last - first + 1) - 1
    return raw


def number(kind: str, data: bytes) -> float:
    """The number of `kind` in `data`, highest byte first; of the float types also infinite or none. `NoReading`."""
    if kind.startswith("float"):
        return float(struct.unpack(">f" if kind == "float32" else ">d", data)[0])
    if kind.startswith("bcd"):
        return float(digits(data))
    return float(int.from_bytes(data, "big", signed=kind.startswith("int")))


def digits(data: bytes) -> int:
    """A number in binary-coded decimal, two digits a byte. Raises `NoReading` for a digit above 9."""
    if not data.hex().isdecimal():
        raise NoReading(f"0x{data.hex().upper()} is no binary-coded decimal")
    return int(data.hex())


def text(data: bytes) -> str:
    """Printable ASCII without the padding behind it. Raises `NoReading` for anything else."""
    told = data.rstrip(b"\x00 \xff")
    if not told.isascii() or not told.decode("ascii").isprintable():
        raise NoReading(f"0x{data.hex()} is no text")
    return told.decode("ascii").strip()


def where(spot: Spot) -> str:
    """A place in words: `input register 7 bit 3`, `coil 4`, `discrete input 2`."""
    if spot.function in BIT_FUNCTIONS:
        return f"{'coil' if spot.function == 'coil' else 'discrete input'} {spot.register}"
    part = "" if spot.bit is None else f" bit {spot.bit}"
    part = part if spot.bits is None else f" bits {spot.bits[0]} to {spot.bits[-1]}"
    return f"{spot.function} register {spot.register}{part}"
