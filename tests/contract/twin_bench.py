"""The reference bench for the contract suites: every driver on its twin, over the real wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from drivers.catalog import CATALOG
from drivers.errors import PermitDenied
from drivers.modbus.bus import ModbusBus
from drivers.modbus.settings import RegisterField, RegisterMapSettings
from drivers.sim.gpt9800 import Gpt9800Twin
from drivers.sim.modbus import ModbusTwin
from drivers.sim.modbus_devices import BUS_A, BUS_B
from drivers.sim.st5540 import St5540Twin
from tests.drivers.double_world import DoubleWorld

SEED = 7


class Allowed:
    """A permit that is there."""

    def check(self) -> None:
        pass


class Denied:
    """A permit that is gone."""

    def check(self) -> None:
        raise PermitDenied("tester", "tripped")


def _field(register: int, **more: Any) -> RegisterField:
    return RegisterField(register, **more)


PROBE = RegisterMapSettings(
    "b",
    11,
    {"peak_a": _field(0, scale=0.01, low=0.0, high=650.0, accuracy_relative=0.02, accuracy_absolute=0.02)},
    arm_register=16,
)
DC = RegisterMapSettings(
    "b",
    12,
    {
        name: _field(2 * place, type="float32", low=-100.0, high=100.0, accuracy_relative=0.005, accuracy_absolute=5e-4)
        for place, name in enumerate(("left_plus_v", "left_minus_v", "right_plus_v", "right_minus_v"))
    },
)
DISCHARGE = RegisterMapSettings(
    "b",
    13,
    {
        name: _field(place, scale=0.1, low=0.0, high=400.0, accuracy_relative=0.006, accuracy_absolute=0.05)
        for place, name in enumerate(("l_n_v", "l_pe_v", "n_pe_v"))
    },
)
HAND_PROBE = RegisterMapSettings(
    "b",
    16,
    {"volts_v": _field(0, type="float32", low=-200.0, high=200.0, accuracy_relative=0.005, accuracy_absolute=5e-4)},
)
BIAS = RegisterMapSettings(
    "b",
    17,
    {
        name: _field(2 * place, type="float32", low=-5e3, high=5e3, accuracy_relative=0.005, accuracy_absolute=0.04)
        for place, name in enumerate(("left_mv", "right_mv"))
    },
)
FAN = RegisterMapSettings("b", 14, {"rpm": _field(0, low=0.0, high=5000.0, accuracy_relative=0.02)})


@dataclass(frozen=True, slots=True)
class Case:
    """One sensor: its kind in the catalogue, its settings, and what the world says its readings truly are."""

    kind: str
    settings: Mapping[str, Any] | RegisterMapSettings
    truth: Callable[[DoubleWorld], Mapping[str, float]]


def _mains(world: DoubleWorld) -> Mapping[str, float]:
    truth = world.mains_now
    names = ("voltage_v", "current_a", "power_w", "energy_wh", "frequency_hz", "power_factor")
    return {name: getattr(truth, name) for name in names}


SENSORS = {
    "mains": Case("pzem-016", {"bus": "a", "address": 2}, _mains),
    "temperature": Case(
        "adam-4118",
        {"bus": "a", "address": 3, "channels": {"heatsink_degc": 0, "ambient_degc": 1, "loadbank_degc": 2}},
        lambda world: {
            "heatsink_degc": world.heatsink_degc_now,
            "ambient_degc": world.ambient_degc_now,
            "loadbank_degc": world.load_bank_degc_now,
        },
    ),
    "infrared": Case(
        "modbus-infrared",
        {"bus": "a", "address": 4},
        lambda world: {"object_degc": world.case_degc_now, "ambient_degc": world.ambient_degc_now},
    ),
    "inrush": Case("modbus-registers", PROBE, lambda world: {"peak_a": world.peak_a_now}),
    "dc": Case(
        "modbus-registers", DC, lambda world: {name: getattr(world.terminals_now, name) for name in DC.quantities}
    ),
    "discharge": Case(
        "modbus-registers",
        DISCHARGE,
        lambda world: {name: getattr(world.discharge_now, name) for name in DISCHARGE.quantities},
    ),
    "probe": Case("modbus-registers", HAND_PROBE, lambda world: {"volts_v": world.probe_v_now}),
    "bias": Case(
        "modbus-registers", BIAS, lambda world: dict(zip(("left_mv", "right_mv"), world.bias_mv_now, strict=True))
    ),
    "fan": Case("modbus-registers", FAN, lambda world: {"rpm": 1450.0 if world.fan_turning() else 0.0}),
}


class TwinBench:
    """Buses and lines of the simulated reference bench; `device` builds a driver through the catalogue."""

    def __init__(self, world: DoubleWorld, twins: Mapping[str, Any], ports: Mapping[str, str]) -> None:
        self.world = world
        self.twins = twins
        self.ports = ports
        self.buses = {name: ModbusBus(ports[name], 19200, 0.3, 0.3) for name in ("a", "b")}

    def device(self, kind: str, settings: Mapping[str, Any] | RegisterMapSettings) -> Any:
        entry = CATALOG[kind]
        values = entry.settings(**settings) if isinstance(settings, Mapping) else settings
        return entry.make(values, self.buses)


@asynccontextmanager
async def twin_bench(speed: float = 240.0) -> AsyncIterator[TwinBench]:
    """A running bench; everything is closed at the end."""
    world = DoubleWorld(speed)
    twins = {
        "a": ModbusTwin(world, BUS_A, SEED),
        "b": ModbusTwin(world, BUS_B, SEED),
        "tester": Gpt9800Twin(world, SEED),
        "touch": St5540Twin(world, SEED),
    }
    async with AsyncExitStack() as stack:
        for twin in twins.values():
            stack.push_async_callback(twin.close)
        bench = TwinBench(world, twins, {name: await twin.start() for name, twin in twins.items()})
        for bus in bench.buses.values():
            stack.push_async_callback(bus.close)
        yield bench
