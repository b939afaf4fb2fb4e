"""Every kind of the catalogue on its twin: the one place where a driver says where its contract is run.

A new kind gets a line here: `_on_bus` for what hangs on a Modbus line, `_on_line` for what speaks in lines on a port of
its own, or a function that yields a `Rig`. The suites then run against it without another word.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from drivers.catalog import CATALOG
from drivers.i2c.line import I2cLine
from drivers.i2c.mlx90614 import Mlx90614
from drivers.i2c.settings import InfraredSettings
from drivers.modbus.bus import ModbusBus
from drivers.modbus.settings import (
    LoadBankSettings,
    OutputField,
    RegisterField,
    RegisterMapSettings,
)
from drivers.scpi.settings import MeterQuantity, Setup
from drivers.sim.gpt9800 import Gpt9800Twin
from drivers.sim.mlx90614 import Mlx90614Twin
from drivers.sim.modbus import ModbusTwin
from drivers.sim.modbus_devices import BUS_A, BUS_B, MainsTwin, RegisterTwin
from drivers.sim.multimeter import TextbookMeterTwin, XdmTwin
from drivers.sim.st5540 import St5540Twin
from drivers.sim.world import RELAY_ROLES
from tests.contract.hand_cases import PANELS, PRINTERS, SCANNERS
from tests.contract.maps import BIAS, DC, DISCHARGE, FAN, FEED, HAND_PROBE, PROBE
from tests.contract.more_twins import SdmTwin
from tests.contract.rig import Case, Rig, plugged
from tests.contract.wire_cases import AUDIO, BUSES, GUARDS
from tests.drivers.double_world import DoubleWorld

SEED = 7
BUS_S = 0.3
Truth = Callable[[DoubleWorld], Mapping[str, float]]


def _on_bus(
    kind: str, twin: type[RegisterTwin], address: int, own: Any, truth: Truth | None = None, name: str = ""
) -> Case:
    """A device at `address` of a Modbus line of its own; `own`: its settings, or those beside bus and address."""

    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[Rig]:
        world = DoubleWorld(240.0)
        entry = CATALOG[kind]
        settings = own if isinstance(own, RegisterMapSettings) else entry.settings(bus="a", address=address, **own)
        async with plugged(folder, ModbusTwin(world, {address: twin}, SEED)) as (port, cable):
            bus = ModbusBus(port, 19200, BUS_S, BUS_S)
            device = entry.make(settings, {"a": bus, "b": bus})
            try:
                use = device.read_back if entry.port == "relays" else device.read
                yield Rig(kind, settings, device, use, world=world, truth=truth, **cable)
            finally:
                await device.close()
                await bus.close()

    return Case(kind, opened, name)


def _on_line(
    kind: str, make_twin: Callable[[DoubleWorld], Any], use: str, truth: Truth | None = None, **own: Any
) -> Case:
    """An instrument alone on a serial port; `use`: which of its methods is harmless."""

    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[Rig]:
        world = DoubleWorld(240.0)
        async with plugged(folder, make_twin(world)) as (port, cable):
            settings = CATALOG[kind].settings(port=port, **own)
            device = CATALOG[kind].make(settings, {})
            try:
                yield Rig(kind, settings, device, getattr(device, use), world=world, truth=truth, **cable)
            finally:
                await device.close()

    return Case(kind, opened)


# ---- sensors and relays ----------------------------------------------------------------------------------------
def _mains(names: Iterable[str]) -> Callable[[DoubleWorld], dict[str, float]]:
    return lambda world: {name: getattr(world.mains_now, name) for name in names}


def _sdm(world: DoubleWorld) -> Mapping[str, float]:
    seen = world.mains_now
    return MAINS(world) | {"apparent_va": seen.voltage_v * seen.current_a}


MAINS = _mains(("voltage_v", "current_a", "power_w", "energy_wh", "frequency_hz", "power_factor"))
THERMOCOUPLES = {"channels": {"heatsink_degc": 0, "ambient_degc": 1, "loadbank_degc": 2}}
SENSORS: tuple[Case, ...] = (
    _on_bus("pzem-016", BUS_A[2], 2, {}, MAINS),
    _on_bus("pzem-004t", MainsTwin, 2, {}, MAINS),
    _on_bus("sdm120", SdmTwin, 5, {}, _sdm),
    _on_bus("sdm220", SdmTwin, 5, {}, _sdm),
    _on_bus(
        "adam-4118", BUS_A[3], 3, THERMOCOUPLES,
        lambda world: {
            "heatsink_degc": world.heatsink_degc_now,
            "ambient_degc": world.ambient_degc_now,
            "loadbank_degc": world.load_bank_degc_now,
        },
    ),
    _on_bus(
        "modbus-infrared", BUS_A[4], 4, {},
        lambda world: {"object_degc": world.case_degc_now, "ambient_degc": world.ambient_degc_now},
    ),
    _on_bus("modbus-registers", BUS_B[11], 11, PROBE, lambda world: {"peak_a": world.peak_a_now}, "inrush"),
    _on_bus(
        "modbus-registers", BUS_B[12], 12, DC,
        lambda world: {name: getattr(world.terminals_now, name) for name in DC.quantities}, "dc",
    ),
    _on_bus(
        "modbus-registers", BUS_B[13], 13, DISCHARGE,
        lambda world: {name: getattr(world.discharge_now, name) for name in DISCHARGE.quantities}, "discharge",
    ),
    _on_bus("modbus-registers", BUS_B[16], 16, HAND_PROBE, lambda world: {"volts_v": world.probe_v_now}, "probe"),
    _on_bus(
        "modbus-registers", BUS_B[18], 18, FEED,
        lambda world: {name: getattr(world.feed_now, name) for name in FEED.quantities}, "feed",
    ),
    _on_bus(
        "modbus-registers", BUS_B[17], 17, BIAS,
        lambda world: dict(zip(("left_mv", "right_mv"), world.bias_mv_now, strict=True)), "bias",
    ),
    _on_bus(
        "modbus-registers", BUS_B[14], 14, FAN, lambda world: {"rpm": 1450.0 if world.fan_turning() else 0.0}, "fan"
    ),
)  # fmt: skip
BANK_MAP = {
    "left_ohm": RegisterField(0, type="float32", low=0.0, high=1e7, accuracy_relative=0.001),
    "right_ohm": RegisterField(2, type="float32", low=0.0, high=1e7, accuracy_relative=0.001),
    "bank_degc": RegisterField(4, type="float32", low=-40.0, high=400.0, accuracy_absolute=0.55),
    "fan_ok": RegisterField(0, "discrete"),
    "thermostat_ok": RegisterField(1, "discrete"),
}
BANK = LoadBankSettings(bus="b", address=15, quantities=BANK_MAP, rated_power_w=300.0, load_ohm=8.0)
LOAD_BANKS = (
    _on_bus(
        "load-bank", BUS_B[15], 15, BANK,
        lambda world: {
            "left_ohm": world.load_bank_ohm_now, "right_ohm": world.load_bank_ohm_now,
            "bank_degc": world.load_bank_degc_now, "fan_ok": float(world.relays["fan"]), "thermostat_ok": 1.0,
        },
    ),
)  # fmt: skip


@asynccontextmanager
async def _mlx90614(folder: Path) -> AsyncIterator[Rig]:
    """No bus of the kernel can be had here: the twin stands in for smbus2's, transfer by transfer."""
    world, settings = DoubleWorld(), InfraredSettings()
    twin = Mlx90614Twin(world)
    device = Mlx90614(I2cLine(settings.i2c, 5.0, lambda number: twin), settings.address, settings.emissivity)

    async def unplug() -> None:
        twin.fault = "gone"

    async def replug() -> None:
        twin.fault = ""

    def truth(seen: DoubleWorld) -> Mapping[str, float]:
        return {"object_degc": seen.case_degc_now, "ambient_degc": seen.ambient_degc_now}

    try:
        yield Rig("mlx90614", settings, device, device.read, unplug, replug, world=world, twin=twin, truth=truth)
    finally:
        await device.close()


CHANNELS = {"channels": {role: place for place, role in enumerate(RELAY_ROLES)}}
COILS = {"outputs": {role: OutputField(place) for place, role in enumerate(RELAY_ROLES)}}
RELAYS = (
    _on_bus("waveshare-relay-8", BUS_A[1], 1, CHANNELS),
    _on_bus("modbus-outputs", BUS_A[1], 1, COILS),
)
TESTERS = (_on_line("gpt-9800", lambda world: Gpt9800Twin(world, SEED), "ensure_ready"),)
TOUCH = (_on_line("st5540", lambda world: St5540Twin(world, SEED), "ensure_ready", baud=9600),)


METERS = (
    *LOAD_BANKS,
    Case("mlx90614", _mlx90614),
    _on_line(
        "scpi-meter", lambda world: TextbookMeterTwin(world, SEED), "read",
        lambda world: {"volts_v": world.probe_v_now},
        quantities={"volts_v": MeterQuantity("READ?", accuracy_relative=5e-4, accuracy_absolute=3e-3)},
        setup=(Setup("CONF:VOLT:DC 100", "FUNC?", '"VOLT"'),),
    ),
    _on_line(
        "xdm1041", lambda world: XdmTwin(world, SEED), "read", lambda world: {"volts_v": world.probe_v_now},
        reading="volts_v", accuracy_relative=1e-3, accuracy_absolute=0.02, range=50.0,
    ),
)  # fmt: skip


DEVICES = (*SENSORS, *METERS, *RELAYS, *TESTERS, *TOUCH, *PANELS, *SCANNERS, *PRINTERS)


ALL = (*DEVICES, *GUARDS, *BUSES, *AUDIO)
WITHOUT: Mapping[str, str] = {}
"""Kinds that these suites do not run, each with its reason."""
