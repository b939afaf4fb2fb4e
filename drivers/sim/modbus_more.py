"""Modbus devices that are not on the simulated bench, as twins that tests put on a bus: a meter, relays.

As in `modbus_devices.py` each is a table of registers, written down a second time on purpose.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import ClassVar

from drivers.sim.modbus_devices import MAINS, RegisterTwin, Words
from drivers.sim.world import RELAY_ROLES, World

SHARK_NAME, SHARK_SERIAL = "Shark 100", "0012345678"


def floats(*values: float) -> Words:
    """Each in two registers, high word first."""
    return list(struct.unpack(f">{2 * len(values)}H", struct.pack(f">{len(values)}f", *values)))


def letters(told: str, words: int) -> Words:
    """ASCII, two letters a register, filled up with blanks."""
    return list(struct.unpack(f">{words}H", told.ljust(2 * words).encode("ascii")))


class SharkTwin(RegisterTwin):
    """Electro Industries Shark 100: name and serial number as text, floats from 999, status 4999, its clock at 5001."""

    spans: ClassVar = {3: (0, 5003)}

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, seed)
        self._volts = self.instrument("voltage", MAINS)
        self._watts = self.instrument("power", MAINS)
        self.state = 1  # Run; 2: Limp
        self.name = SHARK_NAME
        self.since_reset = 0

    def read(self, function: int) -> Words:
        truth = self.world.mains()
        self.since_reset += 25  # steps of 4 ms
        words = [0] * 5003
        words[0:16] = letters(self.name, 8) + letters(SHARK_SERIAL, 8)
        words[999:1001] = floats(self._volts.read(truth.voltage_v))
        words[1011:1013] = floats(truth.current_a)
        words[1017:1019] = floats(self._watts.read(truth.power_w))
        words[1021:1027] = floats(truth.voltage_v * truth.current_a, truth.power_factor, truth.frequency_hz)
        words[4999] = 0x3F00 | self.state
        words[5001:5003] = [self.since_reset >> 16 & 0xFFFF, self.since_reset & 0xFFFF]
        return words


class OutputsTwin(RegisterTwin):
    """A relay module of all sorts: coils 16 to 23, bits of holding 5, values in holding 0 to 3, a watchdog in 9.

    Coil 16 + n is the n-th of the bench's relays; the registers are by themselves. `stuck`: registers that keep theirs.
    """

    spans: ClassVar = {1: (16, 8), 5: (16, 8), 15: (16, 8), 3: (0, 10), 6: (0, 10)}

    def __init__(self, world: World, seed: str) -> None:
        super().__init__(world, seed)
        self.words = [0] * 10
        self.written: list[tuple[int, int]] = []
        self.stuck: frozenset[int] = frozenset()

    def read(self, function: int) -> Words:
        if function == 3:
            return list(self.words)
        return [sum(1 << place for place, role in enumerate(RELAY_ROLES) if self.world.relay(role))]

    def write(self, function: int, address: int, values: Sequence[int | bool]) -> None:
        for place, value in enumerate(values, start=address):
            self.written.append((place, int(value)))
            if function == 6 and place not in self.stuck:
                self.words[place] = int(value)
            elif function != 6:
                self.world.set_relay(RELAY_ROLES[place - 16], bool(value))
