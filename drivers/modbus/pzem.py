"""PZEM-016 (and PZEM-004T v3): mains voltage, current, power, energy, frequency and power factor.

Source: reference/devices.md: FC04 from 0, ten registers in one read; 32-bit values with the low word first.
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers.modbus.bus import ModbusBus
from drivers.modbus.reading import possible
from drivers.ports import Accuracy, Identity

REGISTERS = 10
# name: (registers low word first, scale, lowest and highest possible value)
QUANTITIES: Mapping[str, tuple[tuple[int, ...], float, float, float]] = {
    "voltage_v": ((0,), 0.1, 0.0, 300.0),
    "current_a": ((1, 2), 0.001, 0.0, 110.0),
    "power_w": ((3, 4), 0.1, 0.0, 26000.0),
    "energy_wh": ((5, 6), 1.0, 0.0, 9_999_999.0),
    "frequency_hz": ((7,), 0.1, 0.0, 65.0),
    "power_factor": ((8,), 0.01, 0.0, 1.0),
}
ACCURACY = {
    "voltage_v": Accuracy(relative=0.005, absolute=0.05),
    "current_a": Accuracy(relative=0.005, absolute=0.0005),
    "power_w": Accuracy(relative=0.005, absolute=0.05),
    "energy_wh": Accuracy(relative=0.005, absolute=0.5),
    "frequency_hz": Accuracy(relative=0.005, absolute=0.05),
    "power_factor": Accuracy(relative=0.005, absolute=0.005),
}
"""0.5 % of the reading (data sheet of the PZEM-016, contracts/cli.md) and half a step of the register."""


class Pzem016:
    """The meter at `address` of a bus. W, V, A, Wh, Hz; the power factor has no unit."""

    def __init__(self, bus: ModbusBus, address: int) -> None:
        self._bus = bus
        self._address = address
        self._device = f"{bus.port} address {address} (PZEM-016)"

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds by reading name."""
        return ACCURACY

    async def ensure_ready(self) -> Identity:
        """Read once: the meter tells neither model nor serial number. Raises `DriverError`."""
        await self.read()
        return Identity(model="PZEM-016")

    async def read(self) -> Mapping[str, float]:
        """All quantities of one transaction. Raises `DriverError`."""
        words = await self._bus.read_input(self._address, 0, REGISTERS)
        readings = {}
        for name, (places, scale, low, high) in QUANTITIES.items():
            raw = sum(words[place] << (16 * shift) for shift, place in enumerate(places))
            readings[name] = possible(self._device, name, raw * scale, low, high)
        return readings

    async def close(self) -> None:
        """Nothing of its own to let go: the bus belongs to the daemon."""
