"""PZEM-016 and PZEM-004T v3: mains voltage, current, power, energy, frequency and power factor.

FC04 from 0, ten registers in one read; 32-bit values with the low word first (reference/devices.md; the makers' manuals
"PZEM-014/016" and "PZEM-004T V3.0", 1 and 2.3, whose example reply is in the tests). Both speak alike and measure alike
(0.1 V, 1 mA, 0.1 W, 1 Wh, 0.1 Hz, 0.01); the 004T has a TTL port, is fed with 5 V, and comes with a shunt for 10 A or
a current transformer for 100 A, as the 016 has. Below 10 or 20 mA and 0.4 W they read 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from drivers.modbus.bus import Modbus
from drivers.modbus.reading import possible
from drivers.ports import Accuracy, Identity

REGISTERS = 10
OVER = 1.1
"""So much beyond its range a meter may still tell; more is no reading."""
POWER_W_PER_A = 230.0
"""The manuals' 2.3 kW for 10 A, 23 kW for 100 A."""
# name: (registers low word first, scale, highest possible value; for current and power times the range in amperes)
QUANTITIES: Mapping[str, tuple[tuple[int, ...], float, float]] = {
    "voltage_v": ((0,), 0.1, 300.0),
    "current_a": ((1, 2), 0.001, OVER),
    "power_w": ((3, 4), 0.1, POWER_W_PER_A * OVER),
    "energy_wh": ((5, 6), 1.0, 9_999_999.0),
    "frequency_hz": ((7,), 0.1, 65.0),
    "power_factor": ((8,), 0.01, 1.0),
}
OF_RANGE = ("current_a", "power_w")
ACCURACY = {
    "voltage_v": Accuracy(relative=0.005, absolute=0.05),
    "current_a": Accuracy(relative=0.005, absolute=0.0005),
    "power_w": Accuracy(relative=0.005, absolute=0.05),
    "energy_wh": Accuracy(relative=0.005, absolute=0.5),
    "frequency_hz": Accuracy(relative=0.005, absolute=0.05),
    "power_factor": Accuracy(relative=0.01, absolute=0.005),
}
"""0.5 % of the reading, the power factor 1 % (manuals, 1.1 to 1.6), and half a step of the register."""


class Pzem:
    """The meter at `address` of a bus. W, V, A, Wh, Hz; the power factor has no unit. `range_a`: its full scale."""

    def __init__(
        self, bus: Modbus, address: int, model: Literal["PZEM-016", "PZEM-004T"] = "PZEM-016", range_a: int = 100
    ) -> None:
        self._bus = bus
        self._address = address
        self._model = model
        self._device = f"{bus.port} address {address} ({model})"
        self._most = {name: high * (range_a if name in OF_RANGE else 1) for name, (_, _, high) in QUANTITIES.items()}

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds by reading name."""
        return ACCURACY

    async def ensure_ready(self) -> Identity:
        """Read once: the meter tells neither model nor serial number. Raises `DriverError`."""
        await self.read()
        return Identity(model=self._model)

    async def read(self) -> Mapping[str, float]:
        """All quantities of one transaction. Raises `DriverError`."""
        words = await self._bus.read_input(self._address, 0, REGISTERS)
        readings = {}
        for name, (places, scale, _) in QUANTITIES.items():
            raw = sum(words[place] << (16 * shift) for shift, place in enumerate(places))
            readings[name] = possible(self._device, name, raw * scale, 0.0, self._most[name])
        return readings

    async def close(self) -> None:
        """Nothing of its own to let go: the bus belongs to the daemon."""
