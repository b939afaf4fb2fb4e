"""The devices of the bench behind their ports, each able to fail in the ways that `history` names.

A device has one `Trouble` at a time; what a driver would raise for it is raised here. Values come from the plant. A
`Life` that has died reaches nothing any more: its calls never come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.errors import DeviceTimeout, DriverError, PortError, ProtocolError
from drivers.ports import (
    Accuracy,
    BondSetup,
    Button,
    Buzz,
    Identity,
    InsulationSetup,
    Lamp,
    LampState,
    Permit,
    TesterReading,
    TouchReading,
)
from station.campaign.virtual import US

if TYPE_CHECKING:
    from station.campaign.bench import World

WIRE_S = 0.02
TIMEOUT_S = 0.3


@dataclass(slots=True)
class Trouble:
    """What is wrong with one device now; `since_us` for what drifts, `frozen` for what is stuck."""

    kind: str = ""
    since_us: int = 0
    amount: int = 0
    frozen: Mapping[str, float] | None = None


class Wire:
    """One device's way to the station, in one life of it."""

    def __init__(self, world: World, role: str, gone: Callable[[], bool]) -> None:
        self.world = world
        self.role = role
        self._gone = gone

    @property
    def trouble(self) -> Trouble:
        """What is wrong with the device now."""
        return self.world.troubles[self.role]

    async def pass_over(self, seconds: float = WIRE_S) -> None:
        """Take the time of one exchange. Raises what a driver raises; never returns to a station that has died."""
        trouble = self.trouble
        kind = trouble.kind
        await asyncio.sleep(seconds if kind != "silent" else TIMEOUT_S)
        await self.alive()
        if kind == "silent":
            raise DeviceTimeout(self.role, "no reply")
        if kind == "late":
            await asyncio.sleep(trouble.amount / 1000)
            await self.alive()
        self.raise_trouble()

    def raise_trouble(self) -> None:
        """Raise what the present trouble makes a driver raise."""
        kind = self.trouble.kind
        if kind == "silent":
            raise DeviceTimeout(self.role, "no reply")
        if kind == "bus_out":
            raise PortError(self.role, "unplugged")
        if kind == "garbled":
            raise ProtocolError(self.role, "wrong checksum")
        if kind == "foreign":
            raise ProtocolError(self.role, "another unit answered")

    def is_gone(self) -> bool:
        """Whether this life of the station is over."""
        return self._gone()

    async def alive(self) -> None:
        """Never returns to a station that has died."""
        if self.is_gone():
            await asyncio.get_running_loop().create_future()


class Sensor:
    """A meter: `read` for steps and proofs, `sample` for the poller of a simulation that owns time."""

    def __init__(self, wire: Wire, source: Callable[[int], dict[str, float]]) -> None:
        self._wire = wire
        self._source = source
        self._accuracy = dict.fromkeys(source(wire.world.now_us), Accuracy(0.01))

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        return self._accuracy

    async def ensure_ready(self) -> Identity:
        await self._wire.pass_over()
        return Identity()

    async def close(self) -> None:
        return

    async def read(self) -> Mapping[str, float]:
        await self._wire.pass_over()
        return self.sample()

    def sample(self) -> dict[str, float]:
        """What it reads now. Raises `DriverError`."""
        world, trouble = self._wire.world, self._wire.trouble
        if not trouble.kind:
            return self._source(world.now_us)
        self._wire.raise_trouble()
        values = self._source(world.now_us)
        if trouble.kind == "stuck":
            trouble.frozen = trouble.frozen or values
            return dict(trouble.frozen)
        if trouble.kind == "open_sensor":
            first = next(iter(values))
            return {name: float("nan") if name == first else value for name, value in values.items()}
        if trouble.kind == "shorted_sensor":
            first = next(iter(values))
            return {name: 25.0 if name == first and name.endswith("degc") else 0.0 if name == first else value
                    for name, value in values.items()}  # fmt: skip
        if trouble.kind == "drifting":
            drift = trouble.amount * (world.now_us - trouble.since_us) / US / 100
            return {name: value + drift for name, value in values.items()}
        return values

    async def arm(self) -> None:
        """The probe's hold is cleared."""
        await self._wire.pass_over()
        self._wire.world.plant.peak_a = 0.0


class Relays:
    """Eight relays of the plant; a stuck one stays where it is."""

    def __init__(self, wire: Wire, roles: Sequence[str]) -> None:
        self._wire = wire
        self._roles = tuple(roles)

    async def ensure_ready(self) -> Identity:
        await self._wire.pass_over()
        return Identity()

    async def close(self) -> None:
        return

    async def write(self, channel: int, on: bool, permit: Permit | None) -> None:
        await self._wire.pass_over()
        if on:
            assert permit is not None, "closing needs a permit"
            permit.check()
        self._wire.world.put_relay(self._roles[channel], on)

    async def read_back(self) -> Sequence[bool]:
        await self._wire.pass_over()
        return self.sample()

    def sample(self) -> list[bool]:
        """Positions now. Raises `DriverError`."""
        self._wire.raise_trouble()
        return [self._wire.world.plant.relays[role] for role in self._roles]

    async def all_off(self) -> None:
        raise AssertionError("the fan's safe state is on")


class Tester:
    """The insulation and bond tester. Its voltage comes only while H lets it."""

    accuracy: Mapping[str, Accuracy] = {"insulation_mohm": Accuracy(0.02), "earth_bond_ohm": Accuracy(0.02)}

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._setup: InsulationSetup | BondSetup | None = None

    async def ensure_ready(self) -> Identity:
        await self._wire.pass_over()
        return Identity()

    async def close(self) -> None:
        return

    async def prepare_insulation(self, setup: InsulationSetup) -> None:
        await self._wire.pass_over(0.1)
        self._wire.world.test_v = setup.voltage_v  # a real driver refuses more than 500 V; here it is seen [20]
        self._setup = setup

    async def prepare_bond(self, setup: BondSetup) -> None:
        await self._wire.pass_over(0.1)
        self._setup = setup

    async def run(self, permit: Permit) -> TesterReading:
        world, setup = self._wire.world, self._setup
        assert setup is not None
        try:
            await self._wire.pass_over()
            permit.check()
            dut = world.plant.dut
            if isinstance(setup, InsulationSetup):
                world.put_testing(True)
            for _ in range(10):
                await self._wire.pass_over(setup.test_s / 10)
            if isinstance(setup, InsulationSetup):
                if not world.plant.testing:
                    raise DriverError("tester", "interlock open")
                if not dut.plugged:
                    return TesterReading(500.0, "above", setup.voltage_v, setup.test_s)
                return TesterReading(dut.insulation_mohm, None, setup.voltage_v, setup.test_s)
            return TesterReading(dut.bond_ohm if dut.plugged else 9.0, None, setup.current_a, setup.test_s)
        finally:
            if not self._wire.trouble.kind:
                world.put_testing(False)

    async def stop(self) -> None:
        await self._wire.pass_over()
        self._wire.world.put_testing(False)


class Touch:
    """The touch-current meter."""

    accuracy: Mapping[str, Accuracy] = {"touch_current_ma": Accuracy(0.02)}

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def ensure_ready(self) -> Identity:
        await self._wire.pass_over()
        return Identity()

    async def close(self) -> None:
        return

    async def start(self) -> None:
        await self._wire.pass_over()

    async def read_maximum(self) -> TouchReading:
        await self._wire.pass_over()
        plant = self._wire.world.plant
        return TouchReading(plant.dut.touch_ma if plant.powered else 0.0, False, False)


class Panel:
    """Buttons that the world holds down."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def ensure_ready(self) -> Identity:
        await self._wire.pass_over(0.0)
        return Identity()

    async def close(self) -> None:
        return

    async def read_buttons(self) -> frozenset[Button]:
        await self._wire.alive()
        return self.sample()

    def sample(self) -> frozenset[Button]:
        """What is down now. Raises `DriverError`."""
        if self._wire.trouble.kind:
            self._wire.raise_trouble()
        return self._wire.world.buttons

    async def show(self, lamps: Mapping[Lamp, LampState], buzz: Buzz) -> None:
        await self._wire.alive()
