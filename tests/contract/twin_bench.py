"""The simulated bench's buses and lines together, for tests that need more of it than one device."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from drivers.modbus.bus import ModbusBus
from drivers.sim.modbus import ModbusTwin
from drivers.sim.modbus_devices import BUS_A, BUS_B
from tests.drivers.double_world import DoubleWorld

SEED = 7


class TwinBench:
    """Both buses of the simulated reference bench."""

    def __init__(self, world: DoubleWorld, twins: Mapping[str, Any], ports: Mapping[str, str]) -> None:
        self.world = world
        self.twins = twins
        self.ports = ports
        self.buses = {name: ModbusBus(ports[name], 19200, 0.3, 0.3) for name in ("a", "b")}


@asynccontextmanager
async def twin_bench(speed: float = 240.0) -> AsyncIterator[TwinBench]:
    """A running bench; everything is closed at the end."""
    world = DoubleWorld(speed)
    twins = {"a": ModbusTwin(world, BUS_A, SEED), "b": ModbusTwin(world, BUS_B, SEED)}
    async with AsyncExitStack() as stack:
        for twin in twins.values():
            stack.push_async_callback(twin.close)
        bench = TwinBench(world, twins, {name: await twin.start() for name, twin in twins.items()})
        for bus in bench.buses.values():
            stack.push_async_callback(bus.close)
        yield bench
