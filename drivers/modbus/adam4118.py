"""Advantech ADAM-4118: eight thermocouples, type K, in Modbus mode.

Holding registers 40001 to 40008 (addresses 0 to 7), unsigned, 0 to 65535 over the range of type K, 0 to 1370 degC
(0.0209 K a step). Register map and burn-out code are not confirmed on a device (reference/devices.md): a register at
either end of its range is taken for a burnt-out or reversed thermocouple and is an error, never a temperature.
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers.errors import ProtocolError
from drivers.modbus.bus import ModbusBus
from drivers.ports import Accuracy, Identity

RANGE_DEGC = 1370.0
FULL_SCALE = 65535
ACCURACY = Accuracy(absolute=0.52)
"""A fixed 0.5 K and noise of 0.02 K (contracts/cli.md)."""


class Adam4118:
    """The module at `address`; `channels` maps reading names (`heatsink_degc`) to inputs 0 to 7."""

    def __init__(self, bus: ModbusBus, address: int, channels: Mapping[str, int]) -> None:
        if not channels or not all(0 <= channel <= 7 for channel in channels.values()):
            raise ValueError(f"channels of an ADAM-4118 are inputs 0 to 7, not {dict(channels)}")
        self._bus = bus
        self._address = address
        self._channels = dict(channels)
        self._device = f"{bus.port} address {address} (ADAM-4118)"

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds by reading name."""
        return dict.fromkeys(self._channels, ACCURACY)

    async def ensure_ready(self) -> Identity:
        """Read once; in Modbus mode the module tells no name. Raises `DriverError`."""
        await self.read()
        return Identity(model="ADAM-4118")

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
        return raw * RANGE_DEGC / FULL_SCALE

    async def close(self) -> None:
        """Nothing of its own to let go: the bus belongs to the daemon."""
