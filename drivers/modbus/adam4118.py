"""Advantech ADAM-4118: eight thermocouples, in Modbus mode.

Holding registers (ADAM-4100 Series User's Manual, appendix B.2; the numbers of its tables less 40001): 0 to 7 values,
200 to 207 type codes, 210 and 211 module name (digits, then letters), 212 and 213 version. Ranges by type code: the
data sheet and table 4-1. The manual gives no conversion for Modbus: as on the maker's other modules a value is 0 to
65535 over the range of its type code (0.0209 K a step for type K). Out of range they give the ends (ADAM-4000 manual,
command #AA: under 0000, over FFFF): a register at either end is a burnt-out or reversed thermocouple, no temperature.
Not tried on a module. It leaves the factory with the ASCII protocol: `channels` need Modbus set with Advantech's tool.
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers.errors import ProtocolError, SettingMismatch
from drivers.modbus.bus import Modbus
from drivers.ports import Accuracy, Identity

# type: (code, lowest and highest temperature)
TYPES: Mapping[str, tuple[int, float, float]] = {
    "J": (0x0E, 0.0, 760.0),
    "K": (0x0F, 0.0, 1370.0),
    "T": (0x10, -100.0, 400.0),
    "E": (0x11, 0.0, 1000.0),
    "R": (0x12, 500.0, 1750.0),
    "S": (0x13, 500.0, 1750.0),
    "B": (0x14, 500.0, 1800.0),
}
FULL_SCALE = 65535
TYPE_CODES, NAME = 200, 210
ACCURACY = Accuracy(absolute=0.52)
"""A fixed 0.5 K and noise of 0.02 K (contracts/cli.md)."""


class Adam4118:
    """The module at `address`; `channels` maps reading names to inputs 0 to 7, `types` to sorts other than K."""

    def __init__(
        self, bus: Modbus, address: int, channels: Mapping[str, int], types: Mapping[str, str] | None = None
    ) -> None:
        if not channels or not all(0 <= channel <= 7 for channel in channels.values()):
            raise ValueError(f"channels of an ADAM-4118 are inputs 0 to 7, not {dict(channels)}")
        self._bus = bus
        self._address = address
        self._channels = dict(channels)
        self._types = {name: (types or {}).get(name, "K") for name in channels}
        self._device = f"{bus.port} address {address} (ADAM-4118)"

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds by reading name."""
        return dict.fromkeys(self._channels, ACCURACY)

    async def ensure_ready(self) -> Identity:
        """Name and type codes must be right, then read once. Raises `DriverError`; another type: `SettingMismatch`."""
        name, suffix, *version = await self._bus.read_holding(self._address, NAME, 4)
        if name != 0x4118:
            told = f"{name:04X}" + suffix.to_bytes(2, "big").decode("ascii", "replace").rstrip("\0")
            raise SettingMismatch(
                self._device, f"calls itself ADAM-{told}, not ADAM-4118; check the address set on it, or the kind"
            )
        codes = await self._bus.read_holding(self._address, TYPE_CODES, 8)
        for reading, channel in self._channels.items():
            kind = self._types[reading]
            if codes[channel] & 0xFF != TYPES[kind][0]:
                raise SettingMismatch(
                    self._device,
                    f"{reading} (input {channel}) has type code 0x{codes[channel] & 0xFF:02X}, the configuration says "
                    f"type {kind} (0x{TYPES[kind][0]:02X}); set the input with Advantech's tool, or correct `types`",
                )
        await self.read()
        return Identity(model="ADAM-4118", firmware=" ".join(f"{word:04X}" for word in version))

    async def read(self) -> Mapping[str, float]:
        """Temperatures in degC, one transaction. Raises `DriverError`; a burnt-out input is a `ProtocolError`."""
        first, last = min(self._channels.values()), max(self._channels.values())
        words = await self._bus.read_holding(self._address, first, last - first + 1)
        return {name: self._degc(name, channel, words[channel - first]) for name, channel in self._channels.items()}

    def _degc(self, name: str, channel: int, raw: int) -> float:
        if raw == 0 or raw == FULL_SCALE:
            raise ProtocolError(
                self._device,
                f"{name} (input {channel}) reads {raw}, the end of its range of 1 to {FULL_SCALE - 1}: the "
                "thermocouple is burnt out, reversed or not connected; check its plug and polarity",
            )
        _, low, high = TYPES[self._types[name]]
        return low + raw * (high - low) / FULL_SCALE

    async def close(self) -> None:
        """Nothing of its own to let go: the bus belongs to the daemon."""
