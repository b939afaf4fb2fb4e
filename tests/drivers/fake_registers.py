"""A Modbus device of plain registers and bits at the far end of a raw pty: byte by byte, without pymodbus."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from drivers.modbus.bus import ModbusBus
from drivers.modbus.frame import crc16
from tests.drivers.fake_line import FakeLine, Reply


@asynccontextmanager
async def device_with(
    words: Mapping[int, int], bits: Mapping[int, bool] | None = None, refused: range = range(0)
) -> AsyncIterator[tuple[ModbusBus, FakeLine]]:
    """A bus whose every device has these registers (0 elsewhere), for input and holding alike, and these bits.

    A read that begins at a register of `refused` gets exception 2.
    """

    def answer(request: bytes) -> Reply:
        if request[1] in (5, 6):
            return [(0.0, request)]
        first, count = struct.unpack(">HH", request[2:6])
        if first in refused:
            body = bytes((request[0], request[1] | 0x80, 2))
        elif request[1] in (1, 2):
            packed = sum(1 << place for place in range(count) if (bits or {}).get(first + place))
            size = (count + 7) // 8
            body = request[:2] + bytes((size,)) + packed.to_bytes(size, "little")
        else:
            body = request[:2] + bytes((2 * count,))
            body += b"".join(words.get(first + n, 0).to_bytes(2, "big") for n in range(count))
        return [(0.0, body + crc16(body))]

    async with replying(answer) as (bus, line):
        yield bus, line


@asynccontextmanager
async def replying(answer: object, length: int = 8) -> AsyncIterator[tuple[ModbusBus, FakeLine]]:
    """A bus at 19,200 baud on a line that answers as told."""
    with FakeLine(answer, length) as line:  # type: ignore[arg-type]
        bus = ModbusBus(line.path, 19200, 0.3, 0.3)
        try:
            yield bus, line
        finally:
            await bus.close()


def recorded(*frames: tuple[str, str]) -> object:
    """An answer that knows these requests only, each with its reply, in hex without CRC."""
    known = {bytes.fromhex(request): bytes.fromhex(reply) for request, reply in frames}

    def answer(request: bytes) -> Reply:
        reply = known.get(request[:-2])
        return [] if reply is None else [(0.0, reply + crc16(reply))]

    return answer
