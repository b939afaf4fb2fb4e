"""Twin of an MLX90614 behind the messages of an I2C bus: it reckons its packet codes itself, and misbehaves on demand.

In the place of `smbus2.SMBus`: `i2c_rdwr` gets the very messages that would go to the kernel, and answers as one with
this sensor at 0x5A would.
"""

from __future__ import annotations

import errno
import os
import threading
from typing import Any

from drivers.sim.instrument import Bounds, Instrument
from drivers.sim.world import World

ADDRESS = 0x5A
WARM = Bounds(absolute=0.5, noise_absolute=0.01)
_ROWS = bytes((0x00, 0x07, 0x0E, 0x09, 0x1C, 0x1B, 0x12, 0x15, 0x38, 0x3F, 0x36, 0x31, 0x24, 0x23, 0x2A, 0x2D))


def check_byte(data: bytes) -> int:
    """SMBus packet error code, by nibbles."""
    code = 0
    for byte in data:
        for nibble in (byte >> 4, byte & 0x0F):
            code = _ROWS[code >> 4 ^ nibble] ^ code << 4 & 0xF0
    return code


class Mlx90614Twin:
    """The sensor looks at the DUT's case. `fault`: "code", "nack", "low", "hang" (until `release`), "gone"."""

    def __init__(self, world: World, seed: int = 7, emissivity: float = 1.0) -> None:
        self._world = world
        self._object, self._ambient = (Instrument(f"{seed} mlx {name}", WARM) for name in ("object", "ambient"))
        self.fault = ""
        self.released = threading.Event()
        self.flagged = False
        self.asked: list[tuple[int, bytes]] = []
        self.closed = 0
        self._eeprom = {0x24: round(65535 * emissivity), 0x3C: 0x0001, 0x3D: 0x8A2F, 0x3E: 0x5113, 0x3F: 0xC0DE}

    def i2c_rdwr(self, *messages: Any) -> None:
        """One combined transfer."""
        write, read = messages
        self.asked.append((write.addr, bytes(write)))
        if self.fault == "hang":
            self.released.wait()
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        codes = {"nack": errno.EREMOTEIO, "low": errno.ETIMEDOUT, "gone": errno.ENODEV}
        if self.fault in codes or write.addr != ADDRESS or read.addr != ADDRESS:
            code = codes.get(self.fault, errno.EREMOTEIO)
            raise OSError(code, os.strerror(code))
        (command,) = bytes(write)
        word = self._cell(command)
        packet = bytes((ADDRESS << 1, command, ADDRESS << 1 | 1)) + word.to_bytes(2, "little")
        reply = packet[3:] + bytes((check_byte(packet) ^ (self.fault == "code"),))
        for place in range(read.len):
            read.buf[place] = reply[place : place + 1]

    def close(self) -> None:
        """Count how often it was let go of."""
        self.closed += 1

    def _cell(self, command: int) -> int:
        if command in self._eeprom:
            return self._eeprom[command]
        degc = {0x06: self._world.ambient_degc, 0x07: self._world.case_degc}[command]()
        meter = self._ambient if command == 0x06 else self._object
        return round((meter.read(degc) + 273.15) / 0.02) | 0x8000 * self.flagged
