"""Eastron SDM120 and SDM220: mains voltage, current, active and apparent power, power factor, frequency and energy.

FC04, float32 in two registers, high word first (reference/devices.md; "SDM120Modbus Smart Meter Modbus Protocol
Implementation V2.4": at most 40 values a request, start and count even). Factory setting of the SDM120: 2400 baud, 8N1.
Serial number: holding 0xFC00 as uint32, meter code 0xFC02 (the same document's table, and that of the SDM320Y); some
units do not answer there, so both are told where they are. Negative power and power factor: the meter is wired the
wrong way round, or the DUT feeds back.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Literal

from drivers.errors import DeviceRefused, DeviceTimeout
from drivers.modbus.bus import Modbus
from drivers.modbus.reading import possible
from drivers.ports import Accuracy, Identity

Model = Literal["SDM120", "SDM220"]
MAX_A: Mapping[str, float] = {"SDM120": 45.0, "SDM220": 100.0}
VOLTAGE_MAX_V = 300.0
OVER = 1.2
# name: (register, scale)
QUANTITIES: Mapping[str, tuple[int, float]] = {
    "voltage_v": (0x00, 1.0),
    "current_a": (0x06, 1.0),
    "power_w": (0x0C, 1.0),
    "apparent_va": (0x12, 1.0),
    "power_factor": (0x1E, 1.0),
    "frequency_hz": (0x46, 1.0),
    "energy_wh": (0x156, 1000.0),  # kWh, import and export together
}
BLOCKS = ((0x00, 32), (0x46, 2), (0x156, 2))
WHO = 0xFC00


def bounds(model: Model) -> Mapping[str, tuple[float, float]]:
    """Lowest and highest possible value by name."""
    most_a = MAX_A[model] * OVER
    most_w = most_a * VOLTAGE_MAX_V
    return {
        "voltage_v": (0.0, VOLTAGE_MAX_V),
        "current_a": (0.0, most_a),
        "power_w": (-most_w, most_w),
        "apparent_va": (0.0, most_w),
        "power_factor": (-1.0, 1.0),
        "frequency_hz": (0.0, 66.0),  # 0: no mains to count
        "energy_wh": (0.0, 9_999_999_900.0),
    }


def accuracy(model: Model) -> Mapping[str, Accuracy]:
    """Error bounds after the makers' user manuals: of nominal, of range and of unity, not of the reading.

    Power: 1 % of the range (230 V times the greatest current), so a small load is better read by a PZEM.
    """
    range_w = 230.0 * MAX_A[model]
    return {
        "voltage_v": Accuracy(absolute=0.005 * 276.0),
        "current_a": Accuracy(absolute=0.005 * MAX_A[model]),
        "power_w": Accuracy(absolute=0.01 * range_w),
        "apparent_va": Accuracy(absolute=0.01 * range_w),
        "power_factor": Accuracy(absolute=0.01),
        "frequency_hz": Accuracy(absolute=0.002 * 55.0),
        "energy_wh": Accuracy(relative=0.01, absolute=1.0),
    }


class Sdm:
    """The meter at `address` of a bus. V, A, W, VA, Hz, Wh; the power factor has no unit."""

    def __init__(self, bus: Modbus, address: int, model: Model) -> None:
        self._bus = bus
        self._address = address
        self._model = model
        self._device = f"{bus.port} address {address} ({model})"
        self._bounds = bounds(model)
        self._accuracy = accuracy(model)

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds by reading name."""
        return self._accuracy

    async def ensure_ready(self) -> Identity:
        """Read once, then ask for serial number and meter code, which not every unit tells. Raises `DriverError`."""
        await self.read()
        try:
            high, low, code = await self._bus.read_holding(self._address, WHO, 3)
        except (DeviceRefused, DeviceTimeout):
            return Identity(model=self._model)
        return Identity(model=f"{self._model} (code 0x{code:04X})", serial_number=str(high << 16 | low))

    async def read(self) -> Mapping[str, float]:
        """All quantities, in three transactions. Raises `DriverError`."""
        words: dict[int, int] = {}
        for first, count in BLOCKS:
            told = await self._bus.read_input(self._address, first, count)
            words |= dict(enumerate(told, start=first))
        readings = {}
        for name, (register, scale) in QUANTITIES.items():
            (value,) = struct.unpack(">f", struct.pack(">HH", words[register], words[register + 1]))
            readings[name] = possible(self._device, name, value * scale, *self._bounds[name])
        return readings

    async def close(self) -> None:
        """Nothing of its own to let go: the bus belongs to the daemon."""
