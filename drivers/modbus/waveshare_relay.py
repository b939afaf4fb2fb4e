"""Waveshare Modbus RTU Relay 8: eight relays as coils 0 to 7.

Source: reference/devices.md and the maker's page (Waveshare wiki, "Modbus RTU Relay", protocol from V2 on): FC01 and
FC05 on coils 0-7, FC0F, FC03 0x8000 version in hundredths. The board keeps its relays when the line goes quiet: it is
never the only thing between mains and a person (K is in series). It knows a flash-on (FC05 0x0200 + n) that releases by
itself after so many tenths of a second: not tried on a board, so nothing here relies on it. Address (0x4000) and baud
(0x2000) are a maintainer's to set.
"""

from __future__ import annotations

from collections.abc import Sequence

from drivers.modbus.bus import Modbus
from drivers.ports import Identity, Permit

CHANNELS = 8
VERSION_REGISTER = 0x8000


class WaveshareRelay8:
    """The board at `address` of a bus."""

    def __init__(self, bus: Modbus, address: int) -> None:
        self._bus = bus
        self._address = address

    async def ensure_ready(self) -> Identity:
        """Read the firmware's version. Raises `DriverError`."""
        (version,) = await self._bus.read_holding(self._address, VERSION_REGISTER, 1)
        return Identity(model="Waveshare Modbus RTU Relay 8", firmware=f"V{version / 100:.2f}")

    async def write(self, channel: int, on: bool, permit: Permit | None) -> None:
        """Switch relay `channel` (0 to 7); the echo is checked. Raises `DriverError`, `PermitDenied`."""
        if not 0 <= channel < CHANNELS:
            raise ValueError(f"relay channel {channel} is not within 0 to {CHANNELS - 1}")
        await self._bus.write_coil(self._address, channel, on, permit)

    async def read_back(self) -> Sequence[bool]:
        """The eight positions as the board tells them. Raises `DriverError`."""
        return await self._bus.read_coils(self._address, 0, CHANNELS)

    async def all_off(self) -> None:
        """Release all relays in one write. Raises `DriverError`."""
        await self._bus.write_coils(self._address, 0, [False] * CHANNELS, None)

    async def close(self) -> None:
        """Nothing of its own to let go: the bus belongs to the daemon."""
