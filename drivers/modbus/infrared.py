"""Infrared thermometer on Modbus: a bridge that hands on the memory cells of an MLX90614.

Input registers 6 (ambient) and 7 (object), raw x 0.02 K - 273.15; a cell above 0x7FFF is flagged invalid
(reference/devices.md, MLX90614). A shiny heatsink needs tape or paint to be seen at all.
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers.errors import ProtocolError
from drivers.modbus.bus import Modbus
from drivers.modbus.reading import possible
from drivers.ports import Accuracy, Identity

CELLS = {"ambient_degc": 6, "object_degc": 7}
BOUNDS_DEGC = {"ambient_degc": (-40.0, 125.0), "object_degc": (-70.0, 382.2)}  # the sensor's range
INVALID = 0x8000
ACCURACY = Accuracy(absolute=0.52)
"""A fixed 0.5 K and noise of 0.02 K (contracts/cli.md)."""


class InfraredThermometer:
    """The thermometer at `address` of a bus."""

    def __init__(self, bus: Modbus, address: int) -> None:
        self._bus = bus
        self._address = address
        self._device = f"{bus.port} address {address} (infrared thermometer)"

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds by reading name."""
        return dict.fromkeys(CELLS, ACCURACY)

    async def ensure_ready(self) -> Identity:
        """Read once: the bridge tells no name. Raises `DriverError`."""
        await self.read()
        return Identity(model="MLX90614 on Modbus")

    async def read(self) -> Mapping[str, float]:
        """`object_degc` and `ambient_degc` of one transaction. Raises `DriverError`; an invalid flag is one."""
        first = min(CELLS.values())
        words = await self._bus.read_input(self._address, first, len(CELLS))
        readings = {}
        for name, cell in CELLS.items():
            raw = words[cell - first]
            if raw & INVALID:
                raise ProtocolError(
                    self._device, f"{name} is flagged invalid (0x{raw:04X}); clean or replace the sensor"
                )
            readings[name] = possible(self._device, name, raw * 0.02 - 273.15, *BOUNDS_DEGC[name])
        return readings

    async def close(self) -> None:
        """Nothing of its own to let go: the bus belongs to the daemon."""
