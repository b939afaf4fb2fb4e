"""Modbus frames as pure values: what a request looks like, and what its only right reply looks like, on RTU and on TCP.

No I/O here. Written without pymodbus on purpose: pymodbus 3.16.1 decodes short replies, wrong functions and wrong
echoes without a word (reference/devices.md), and the twins run pymodbus: two independent codecs meet on the wire.
An *answer* is what both wires carry alike: unit, function and data. Sources: MODBUS Application Protocol V1.1b3, 6;
MODBUS over Serial Line V1.02, 2.5.1 (RTU, CRC); MODBUS Messaging on TCP/IP V1.0b, 3.1.3 (MBAP header).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT = 1, 2, 3, 4
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
EXCEPTION_BIT = 0x80
EXCEPTION_LENGTH = 3
MAX_REGISTERS = 125
MAX_WRITTEN = 123
MAX_BITS = 2000
MAX_BITS_WRITTEN = 1968
CRC_LENGTH = 2
HEADER_LENGTH = 6
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


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `head` are the bytes that must follow unit and function in the reply: a byte count or an echo.

    `answer_length` is that of a right answer, from the unit to its last byte.
    """

    unit: int
    function: int
    body: bytes
    head: bytes
    answer_length: int
    name: str

    @property
    def asking(self) -> bytes:
        """Unit, function and data of the request."""
        return bytes((self.unit, self.function)) + self.body

    def missing(self, answer: bytes) -> int:
        """How many bytes the answer still lacks. Raises `BadReply` as soon as it can no longer become right."""
        check_unit(self, answer)
        check_function(self, answer)
        if not _refuses(self, answer):
            check_head(self, answer)
        return max(0, _length(self, answer) - len(answer))

    def check(self, answer: bytes) -> None:
        """Whether `answer` is whole and answers this. Raises `BadReply`."""
        self.missing(answer)
        check_length(self, answer)

    def payload(self, answer: bytes) -> bytes:
        """What a checked answer carries after its head. Raises `Refusal`."""
        if _refuses(self, answer):
            raise Refusal(f"exception {answer[2]} ({EXCEPTIONS.get(answer[2], 'unknown')})")
        return answer[2 + len(self.head) :]


# ---- the checks, one each: the tests take them away one by one ---------------------------------------------------


def check_unit(request: Request, answer: bytes) -> None:
    """The one who was asked answers."""
    if answer[:1] and answer[0] != request.unit:
        raise BadReply(f"unit {answer[0]} answers for unit {request.unit}")


def check_function(request: Request, answer: bytes) -> None:
    """It answers what was asked, or refuses it."""
    if len(answer) > 1 and answer[1] & ~EXCEPTION_BIT != request.function:
        raise BadReply(f"function {answer[1]} instead of {request.function}")


def check_head(request: Request, answer: bytes) -> None:
    """The byte count of a reading, or the echo of a write, as far as it has come."""
    said = answer[2 : 2 + len(request.head)]
    if not request.head.startswith(said):
        raise BadReply(f"reply says {said.hex(' ')} instead of {request.head.hex(' ')}")


def check_length(request: Request, answer: bytes) -> None:
    """Not a byte more or less."""
    more = len(answer) - _length(request, answer)
    if more:
        raise BadReply(f"{more} bytes more than the reply has" if more > 0 else f"reply is {-more} bytes short")


def check_crc(reply: bytes) -> None:
    """The last two bytes of an RTU frame."""
    if crc16(reply[:-CRC_LENGTH]) != reply[-CRC_LENGTH:]:
        raise BadReply(f"CRC {reply[-CRC_LENGTH:].hex()} instead of {crc16(reply[:-CRC_LENGTH]).hex()}")


def check_transaction(number: int, reply: bytes) -> None:
    """The transaction's number of a TCP frame, as far as it has come."""
    said = reply[:2]
    if not number.to_bytes(2, "big").startswith(said):
        raise BadReply(f"transaction {said.hex()} instead of {number:04x}")


def _refuses(request: Request, answer: bytes) -> bool:
    return len(answer) > 1 and answer[1] == request.function | EXCEPTION_BIT


def _length(request: Request, answer: bytes) -> int:
    return EXCEPTION_LENGTH if _refuses(request, answer) else request.answer_length


# ---- RTU: the answer and a CRC -----------------------------------------------------------------------------------


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


def rtu_frame(request: Request) -> bytes:
    """The bytes for a serial line."""
    return request.asking + crc16(request.asking)


def rtu_missing(request: Request, reply: bytes) -> int:
    """How many bytes the reply still lacks. Raises `BadReply` as soon as it can no longer become right."""
    request.missing(reply)
    return max(0, _length(request, reply) + CRC_LENGTH - len(reply))


def rtu_payload(request: Request, reply: bytes) -> bytes:
    """What a whole reply carries. Raises `BadReply`, or `Refusal` for a sound exception reply."""
    request.check(reply[:-CRC_LENGTH])
    check_crc(reply)
    return request.payload(reply[:-CRC_LENGTH])


# ---- TCP: a header of transaction, protocol 0 and length, and the answer -----------------------------------------


def tcp_frame(request: Request, number: int) -> bytes:
    """The bytes for a connection; `number` is the transaction's."""
    return struct.pack(">HHH", number, 0, len(request.asking)) + request.asking


def tcp_missing(request: Request, number: int, reply: bytes) -> int:
    """How many bytes the reply still lacks. Raises `BadReply` as soon as it can no longer become right."""
    check_transaction(number, reply)
    if reply[2:4] not in (b"", b"\0", b"\0\0"):
        raise BadReply(f"protocol {reply[2:4].hex()} instead of 0000")
    answer = reply[HEADER_LENGTH:]
    request.missing(answer)
    return max(0, HEADER_LENGTH + _length(request, answer) - len(reply))


def tcp_payload(request: Request, number: int, reply: bytes) -> bytes:
    """What a whole reply carries. Raises `BadReply`, or `Refusal` for a sound exception reply."""
    tcp_missing(request, number, reply)
    answer = reply[HEADER_LENGTH:]
    request.check(answer)
    said = int.from_bytes(reply[4:HEADER_LENGTH], "big")
    if said != len(answer):
        raise BadReply(f"the header says {said} bytes and {len(answer)} came")
    return request.payload(answer)


# ---- the requests ------------------------------------------------------------------------------------------------


def _words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


def _bound(count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise ValueError(f"count {count} is not within 1 to {most}; use several transactions")


def read_registers(function: int, unit: int, address: int, count: int) -> Request:
    """FC03 or FC04: `count` registers from `address`."""
    _bound(count, MAX_REGISTERS)
    name = f"{count} {'input' if function == READ_INPUT else 'holding'} registers from {address}"
    return Request(unit, function, _words(address, count), bytes((2 * count,)), 3 + 2 * count, f"reading {name}")


def read_bits(function: int, unit: int, address: int, count: int) -> Request:
    """FC01 or FC02: `count` coils or discrete inputs from `address`."""
    _bound(count, MAX_BITS)
    size = (count + 7) // 8
    name = f"reading {count} {'coils' if function == READ_COILS else 'discrete inputs'} from {address}"
    return Request(unit, function, _words(address, count), bytes((size,)), 3 + size, name)


def write_coil(unit: int, address: int, on: bool) -> Request:
    """FC05: one coil; the reply is the request."""
    body = _words(address, 0xFF00 if on else 0x0000)
    return Request(unit, WRITE_COIL, body, body, 6, f"switching coil {address} {'on' if on else 'off'}")


def write_coils(unit: int, address: int, values: Sequence[bool]) -> Request:
    """FC0F: several coils; the reply echoes address and count."""
    _bound(len(values), MAX_BITS_WRITTEN)
    packed = sum(1 << place for place, on in enumerate(values) if on).to_bytes((len(values) + 7) // 8, "little")
    head = _words(address, len(values))
    body = head + bytes((len(packed),)) + packed
    return Request(unit, WRITE_COILS, body, head, 6, f"switching {len(values)} coils from {address}")


def write_register(unit: int, address: int, value: int) -> Request:
    """FC06: one holding register; the reply is the request."""
    body = _words(address, value)
    return Request(unit, WRITE_REGISTER, body, body, 6, f"writing {value} to holding register {address}")


def write_registers(unit: int, address: int, values: Sequence[int]) -> Request:
    """FC10: several holding registers; the reply echoes address and count."""
    _bound(len(values), MAX_WRITTEN)
    head = _words(address, len(values))
    body = head + bytes((2 * len(values),)) + _words(*values)
    return Request(unit, WRITE_REGISTERS, body, head, 6, f"writing {len(values)} holding registers from {address}")
