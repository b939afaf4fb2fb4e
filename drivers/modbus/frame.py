"""Modbus RTU frames as pure values: what a request looks like and what its only right reply looks like.

No I/O here. Written without pymodbus on purpose: pymodbus 3.16.1 decodes short replies, wrong functions and wrong
echoes without a word (reference/devices.md), and the twins run pymodbus: two independent codecs meet on the wire.
Source: MODBUS over Serial Line V1.02, 2.5.1 (RTU, t3.5, CRC) and MODBUS Application Protocol V1.1b3, 6.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT = 1, 2, 3, 4
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
EXCEPTION_BIT = 0x80
EXCEPTION_LENGTH = 5
MAX_REGISTERS = 125
MAX_WRITTEN = 123
EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target silent",
}


class BadReply(Exception):
    """The bytes do not answer the request; the text says how."""


class Refusal(Exception):
    """A well-formed exception reply; the text names the code."""


def _table() -> tuple[int, ...]:
    entries = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
        entries.append(byte)
    return tuple(entries)


_CRC_TABLE = _table()


def crc16(frame: bytes) -> bytes:
    """CRC-16/MODBUS of `frame`, low byte first, as it stands on the wire."""
    crc = 0xFFFF
    for byte in frame:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `head` are the bytes that must follow unit and function in the reply: a byte count or an echo."""

    unit: int
    function: int
    body: bytes
    head: bytes
    reply_length: int
    name: str

    @property
    def frame(self) -> bytes:
        """The bytes for the wire."""
        frame = bytes((self.unit, self.function)) + self.body
        return frame + crc16(frame)

    def missing(self, reply: bytes) -> int:
        """How many bytes the reply still lacks. Raises `BadReply` as soon as it can no longer become right."""
        if reply[:1] and reply[0] != self.unit:
            raise BadReply(f"unit {reply[0]} answers for unit {self.unit}")
        if len(reply) > 1 and reply[1] == self.function | EXCEPTION_BIT:
            return max(0, EXCEPTION_LENGTH - len(reply))
        if len(reply) > 1 and reply[1] != self.function:
            raise BadReply(f"function {reply[1]} instead of {self.function}")
        if reply[2:] and not (reply[2:].startswith(self.head) or self.head.startswith(reply[2:])):
            raise BadReply(f"reply says {reply[2 : 2 + len(self.head)].hex(' ')} instead of {self.head.hex(' ')}")
        return max(0, self.reply_length - len(reply))

    def payload(self, reply: bytes) -> bytes:
        """What the reply carries after its head. Raises `BadReply`, or `Refusal` for a sound exception reply."""
        if missing := self.missing(reply):
            raise BadReply(f"reply of {len(reply)} bytes is {missing} short")
        refused = reply[1] != self.function
        length = EXCEPTION_LENGTH if refused else self.reply_length
        if len(reply) > length:
            raise BadReply(f"{len(reply) - length} bytes more than the reply has")
        if crc16(reply[:-2]) != reply[-2:]:
            raise BadReply(f"CRC {reply[-2:].hex()} instead of {crc16(reply[:-2]).hex()}")
        if refused:
            raise Refusal(f"exception {reply[2]} ({EXCEPTIONS.get(reply[2], 'unknown')})")
        return reply[2 + len(self.head) : -2]


def _words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


def read_registers(function: int, unit: int, address: int, count: int) -> Request:
    """FC03 or FC04: `count` registers from `address`."""
    if not 1 <= count <= MAX_REGISTERS:
        raise ValueError(f"count {count} is not within 1 to {MAX_REGISTERS}; read in several transactions")
    name = f"{count} {'input' if function == READ_INPUT else 'holding'} registers from {address}"
    return Request(unit, function, _words(address, count), bytes((2 * count,)), 5 + 2 * count, f"reading {name}")


def read_bits(function: int, unit: int, address: int, count: int) -> Request:
    """FC01 or FC02: `count` coils or discrete inputs from `address`."""
    if not 1 <= count <= 2000:
        raise ValueError(f"count {count} is not within 1 to 2000")
    size = (count + 7) // 8
    name = f"reading {count} {'coils' if function == READ_COILS else 'discrete inputs'} from {address}"
    return Request(unit, function, _words(address, count), bytes((size,)), 5 + size, name)


def write_coil(unit: int, address: int, on: bool) -> Request:
    """FC05: one coil; the reply is the request."""
    body = _words(address, 0xFF00 if on else 0x0000)
    return Request(unit, WRITE_COIL, body, body, 8, f"switching coil {address} {'on' if on else 'off'}")


def write_coils(unit: int, address: int, values: Sequence[bool]) -> Request:
    """FC0F: several coils; the reply echoes address and count."""
    packed = sum(1 << place for place, on in enumerate(values) if on).to_bytes((len(values) + 7) // 8, "little")
    head = _words(address, len(values))
    body = head + bytes((len(packed),)) + packed
    return Request(unit, WRITE_COILS, body, head, 8, f"switching {len(values)} coils from {address}")


def write_register(unit: int, address: int, value: int) -> Request:
    """FC06: one holding register; the reply is the request."""
    body = _words(address, value)
    return Request(unit, WRITE_REGISTER, body, body, 8, f"writing {value} to holding register {address}")


def write_registers(unit: int, address: int, values: Sequence[int]) -> Request:
    """FC10: several holding registers; the reply echoes address and count."""
    if not 1 <= len(values) <= MAX_WRITTEN:
        raise ValueError(f"{len(values)} registers are not within 1 to {MAX_WRITTEN}; write in several transactions")
    head = _words(address, len(values))
    body = head + bytes((2 * len(values),)) + _words(*values)
    return Request(unit, WRITE_REGISTERS, body, head, 8, f"writing {len(values)} holding registers from {address}")
