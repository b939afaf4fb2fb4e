"""Melexis MLX90614: infrared thermometer on I2C, object and ambient.

SMBus read word (data sheet 3901090614, 8.4; application note 390119061402): RAM 0x06 ambient, 0x07 object, in 0.02 K,
above 0x7FFF flagged invalid; EEPROM 0x24 emissivity as 65535 x e, 0x3C to 0x3F its identity. The emissivity belongs to
the surface it looks at: it is read back and compared with the configuration, and never written here (EEPROM wears, and
a wrong cell loses the factory's calibration). A shiny heatsink needs tape or paint to be seen at all.
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers.errors import ProtocolError, SettingMismatch
from drivers.i2c.line import I2cLine
from drivers.ports import Accuracy, Identity

CELLS = {"object_degc": 0x07, "ambient_degc": 0x06}
BOUNDS_DEGC = {"object_degc": (-70.01, 382.2), "ambient_degc": (-40.0, 125.0)}
EMISSIVITY = 0x24
IDENTITY = (0x3C, 0x3D, 0x3E, 0x3F)
INVALID = 0x8000
EMISSIVITY_TOLERANCE = 0.002
ACCURACY = Accuracy(absolute=1.02)
"""1 K for objects up to 120 degC at an ambient of 0 to 50 degC (data sheet, standard accuracy), and a step."""


class Mlx90614:
    """The sensor at the 7-bit `address` of a line, which is its own. `emissivity`: of the surface, 0.1 to 1."""

    def __init__(self, line: I2cLine, address: int = 0x5A, emissivity: float = 1.0) -> None:
        self._line = line
        self._address = address
        self._emissivity = emissivity
        self._device = f"{line.port} address 0x{address:02X} (MLX90614)"

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds by reading name."""
        return dict.fromkeys(CELLS, ACCURACY)

    async def ensure_ready(self) -> Identity:
        """Read who it is and its emissivity, then once. Raises `DriverError`; another emissivity: `SettingMismatch`."""
        words = [await self._line.read_word(self._address, cell) for cell in IDENTITY]
        set_to = await self._line.read_word(self._address, EMISSIVITY) / 65535.0
        if abs(set_to - self._emissivity) > EMISSIVITY_TOLERANCE:
            raise SettingMismatch(
                self._device,
                f"its emissivity is {set_to:.3f}, the configuration says {self._emissivity:.3f}; write "
                f"0x{round(65535 * self._emissivity):04X} into its EEPROM cell 0x24 (0 first, with packet code, then "
                "switch it off and on), or correct `emissivity`",
            )
        await self.read()
        return Identity(model="MLX90614", serial_number="".join(f"{word:04X}" for word in words))

    async def read(self) -> Mapping[str, float]:
        """`object_degc` and `ambient_degc`. Raises `DriverError`; an invalid flag is one."""
        readings = {}
        for name, cell in CELLS.items():
            raw = await self._line.read_word(self._address, cell)
            if raw & INVALID:
                raise ProtocolError(
                    self._device, f"{name} is flagged invalid (0x{raw:04X}); clean or replace the sensor"
                )
            degc, (low, high) = raw * 0.02 - 273.15, BOUNDS_DEGC[name]
            if not low <= degc <= high:
                raise ProtocolError(
                    self._device, f"{name} = {degc:.2f} is not within the possible {low:g} to {high:g}; check its power"
                )
            readings[name] = degc
        return readings

    async def close(self) -> None:
        """Let go of the bus; safe to call twice."""
        await self._line.close()
