"""One bus with twins of a test's choice, behind a real pty and pymodbus's server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from drivers.errors import PermitDenied
from drivers.modbus.bus import ModbusBus
from drivers.sim.modbus import ModbusTwin
from drivers.sim.modbus_devices import RegisterTwin
from tests.drivers.double_world import DoubleWorld


class Allowed:
    """A permit that is there."""

    def check(self) -> None:
        pass


class Denied:
    """A permit that is gone."""

    def check(self) -> None:
        raise PermitDenied("relay", "tripped")


class TwinBus:
    """The bus, the world, and the twins by address."""

    def __init__(self, world: DoubleWorld, twin: ModbusTwin, bus: ModbusBus) -> None:
        self.world = world
        self.bus = bus
        self.twins: Mapping[int, Any] = twin._devices


@asynccontextmanager
async def twin_bus(devices: Mapping[int, type[RegisterTwin]], seed: int = 7) -> AsyncIterator[TwinBus]:
    """A running bus with `devices` by address; everything is closed at the end."""
    world = DoubleWorld()
    twin = ModbusTwin(world, devices, seed)
    try:
        bus = ModbusBus(await twin.start(), 19200, 0.3, 0.3)
        try:
            yield TwinBus(world, twin, bus)
        finally:
            await bus.close()
    finally:
        await twin.close()
