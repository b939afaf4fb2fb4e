"""Every kind of the catalogue on its twin: the one place where a driver says where its contract is run.

A new kind gets a line here: `_on_bus` for what hangs on a Modbus line, `_on_line` for what speaks in lines on a port of
its own, or a function that yields a `Rig`. The suites then run against it without another word.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory

from drivers.catalog import CATALOG
from drivers.gpio.panel import GpioPanel
from drivers.modbus.bus import ModbusBus
from drivers.modbus.settings import BusSettings, OutputField, RegisterMapSettings, TcpBusSettings
from drivers.scpi.settings import MeterQuantity, Setup
from drivers.settings import (
    AudioSettings,
    FilePrinterSettings,
    GpioPanelSettings,
    GuardSettings,
    KeyboardScannerSettings,
    SerialPrinterSettings,
    SerialSettings,
    SocketPanelSettings,
    TcpPrinterSettings,
)
from drivers.sim.audio import AudioTwin
from drivers.sim.dut import Dut
from drivers.sim.gpt9800 import Gpt9800Twin
from drivers.sim.guard import GuardTwin
from drivers.sim.keyboard import KeyboardTwin
from drivers.sim.modbus import ModbusTwin
from drivers.sim.modbus_devices import BUS_A, BUS_B, MainsTwin, RegisterTwin
from drivers.sim.multimeter import TextbookMeterTwin, XdmTwin
from drivers.sim.panel import PanelTwin
from drivers.sim.plant import Plant
from drivers.sim.printer import PrinterTwin
from drivers.sim.scanner import ScannerTwin
from drivers.sim.st5540 import St5540Twin
from drivers.sim.world import RELAY_ROLES
from drivers.uart.keyboard_scanner import KeyboardScanner
from tests.audio.pulse_loop import MISSING, PulseLoop, is_possible, pulse_loop
from tests.contract.maps import BIAS, DC, DISCHARGE, FAN, HAND_PROBE, PROBE
from tests.contract.more_twins import SdmTwin, TcpGatewayTwin
from tests.contract.rig import Case, Rig, plugged
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
        "modbus-registers", BUS_B[17], 17, BIAS,
        lambda world: dict(zip(("left_mv", "right_mv"), world.bias_mv_now, strict=True)), "bias",
    ),
    _on_bus(
        "modbus-registers", BUS_B[14], 14, FAN, lambda world: {"rpm": 1450.0 if world.fan_turning() else 0.0}, "fan"
    ),
)  # fmt: skip
CHANNELS = {"channels": {role: place for place, role in enumerate(RELAY_ROLES)}}
COILS = {"outputs": {role: OutputField(place) for place, role in enumerate(RELAY_ROLES)}}
RELAYS = (
    _on_bus("waveshare-relay-8", BUS_A[1], 1, CHANNELS),
    _on_bus("modbus-outputs", BUS_A[1], 1, COILS),
)
TESTERS = (_on_line("gpt-9800", lambda world: Gpt9800Twin(world, SEED), "ensure_ready"),)
TOUCH = (_on_line("st5540", lambda world: St5540Twin(world, SEED), "ensure_ready", baud=9600),)


METERS = (
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


# ---- what the technician sees and presses ----------------------------------------------------------------------
PINS = GpioPanelSettings(
    buttons={"start": 5, "stop": 6, "ok": 13, "ng": 19, "reset": 26},
    lamps={"blue": 12, "white": 16, "yellow": 20, "violet": 21},
    buzzer=18,
)


@asynccontextmanager
async def _gpio_panel(folder: Path) -> AsyncIterator[Rig]:
    pins = MockFactory()
    panel = GpioPanel(PINS, pin_factory=pins)

    async def press(name: str, down: bool) -> None:
        pin = pins.pin(PINS.buttons[name])
        pin.drive_low() if down else pin.drive_high()

    def lit() -> set[str]:
        return {name for name, number in PINS.lamps.items() if pins.pin(number).state}

    try:
        yield Rig("gpio-panel", PINS, panel, panel.read_buttons, more={"press": press, "lit": lit})
    finally:
        await panel.close()
        pins.reset()


@asynccontextmanager
async def _socket_panel(folder: Path) -> AsyncIterator[Rig]:
    settings = SocketPanelSettings(str(folder / "panel"))
    twin = PanelTwin(settings.path)
    panel = CATALOG["socket-panel"].make(settings, {})

    async def press(name: str, down: bool) -> None:
        await (twin.press(name) if down else twin.release(name))  # type: ignore[arg-type]

    def lit() -> set[str]:
        return {lamp.value for lamp, state in twin.lamps.items() if state.on}

    await twin.start()
    try:
        more = {"press": press, "lit": lit}
        yield Rig("socket-panel", settings, panel, panel.read_buttons, twin.close, twin.start, twin=twin, more=more)
    finally:
        await panel.close()
        await twin.close()


@asynccontextmanager
async def _serial_scanner(folder: Path) -> AsyncIterator[Rig]:
    async with plugged(folder, ScannerTwin()) as (port, cable):
        settings = SerialSettings(port, 9600)
        scanner = CATALOG["serial-scanner"].make(settings, {})
        try:
            yield Rig("serial-scanner", settings, scanner, _scan_one(cable["twin"], scanner), **cable)
        finally:
            await scanner.close()


@asynccontextmanager
async def _keyboard_scanner(folder: Path) -> AsyncIterator[Rig]:
    async with plugged(folder, KeyboardTwin(folder / "event7")) as (port, cable):
        settings, twin = KeyboardScannerSettings(port), cable["twin"]
        scanner = KeyboardScanner(settings.path, settings.gap_s, twin.ioctl)
        try:
            yield Rig("keyboard-scanner", settings, scanner, _scan_one(twin, scanner), **cable)
        finally:
            await scanner.close()


def _scan_one(twin: Any, scanner: Any) -> Callable[[], Any]:
    async def scan() -> str:
        await scanner.ensure_ready()
        twin.scan("SN:42")
        return str(await scanner.read_line())

    return scan


def _tcp_printer(kind: str) -> Case:
    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[Rig]:
        twin = PrinterTwin(print_s=0.01)
        settings = TcpPrinterSettings(await twin.start())
        printer = CATALOG[kind].make(settings, {})
        try:
            yield Rig(kind, settings, printer, printer.check, twin.close, twin.start, twin=twin)  # type: ignore[arg-type]
        finally:
            await printer.close()
            await twin.close()

    return Case(kind, opened)


def _pty_printer(kind: str, language: str, make: Callable[[str], Any]) -> Case:
    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[Rig]:
        async with plugged(folder, PrinterTwin(print_s=0.01), "start_pty") as (port, cable):
            settings = make(port)
            printer = CATALOG[kind].make(settings, {})
            try:
                yield Rig(kind, settings, printer, printer.check, **cable)
            finally:
                await printer.close()

    return Case(kind, opened, language)


PANELS = (Case("gpio-panel", _gpio_panel), Case("socket-panel", _socket_panel))
SCANNERS = (Case("serial-scanner", _serial_scanner), Case("keyboard-scanner", _keyboard_scanner))
PRINTERS = (
    _tcp_printer("zpl-tcp"),
    _tcp_printer("tspl-tcp"),
    _pty_printer("label-serial", "zpl", lambda port: SerialPrinterSettings(port, flow="xonxoff")),
    _pty_printer("label-serial", "tspl", lambda port: SerialPrinterSettings(port, "tspl", flow="rtscts")),
    _pty_printer("label-file", "zpl", lambda port: FilePrinterSettings(port, answers=True)),
    _pty_printer("label-file", "tspl", lambda port: FilePrinterSettings(port, "tspl", answers=True)),
)
DEVICES = (*SENSORS, *METERS, *RELAYS, *TESTERS, *TOUCH, *PANELS, *SCANNERS, *PRINTERS)


# ---- the guard, the buses, the sound ---------------------------------------------------------------------------
@asynccontextmanager
async def _guard(folder: Path) -> AsyncIterator[Rig]:
    async with plugged(folder, GuardTwin(settings={"BLEED_S": 1})) as (port, cable):
        settings = GuardSettings(port)
        guard = CATALOG["guard-uart"].make(settings, {})
        try:
            yield Rig("guard-uart", settings, guard, guard.open, **cable)
        finally:
            await guard.close()


@asynccontextmanager
async def _rtu(folder: Path) -> AsyncIterator[Rig]:
    world = DoubleWorld()
    async with plugged(folder, ModbusTwin(world, BUS_A, SEED)) as (port, cable):
        settings = BusSettings(port, 19200, BUS_S, BUS_S)
        bus = CATALOG["modbus-rtu"].make(settings, {})
        try:
            yield Rig("modbus-rtu", settings, bus, lambda: bus.read_input(2, 0, 10), world=world, **cable)
        finally:
            await bus.close()


@asynccontextmanager
async def _tcp(folder: Path) -> AsyncIterator[Rig]:
    world = DoubleWorld()
    twin = TcpGatewayTwin(world, BUS_A, SEED)
    settings = TcpBusSettings(await twin.start(), BUS_S, BUS_S)
    bus = CATALOG["modbus-tcp"].make(settings, {})
    try:
        cable: dict[str, Any] = {"unplug": twin.close, "replug": twin.replug, "twin": twin}
        yield Rig("modbus-tcp", settings, bus, lambda: bus.read_input(2, 0, 10), world=world, **cable)
    finally:
        await bus.close()
        await twin.close()


@asynccontextmanager
async def _audio_twin(folder: Path) -> AsyncIterator[Rig]:
    """Frames are granted by completed scans: here by a thread that completes one every 4 ms."""
    settings = AudioSettings(str(folder / "audio"), 4.0, 60.0)
    plant = Plant(Dut(), 1000.0, SEED)
    twin, stop = AudioTwin(plant, settings.port, SEED), threading.Event()

    def scan() -> None:
        while not stop.wait(0.004):
            twin.on_scan()

    async def unplug() -> None:
        twin.close()

    scans = threading.Thread(target=scan)
    twin.start()
    scans.start()
    device = CATALOG["audio-twin"].make(settings, {})
    try:
        yield Rig("audio-twin", settings, device, unplug, unplug, twin=twin)
    finally:
        device.close()
        stop.set()
        scans.join()
        twin.close()


@asynccontextmanager
async def _portaudio(folder: Path) -> AsyncIterator[Rig]:
    """A real PortAudio on a null sink of a real PulseAudio. Its folder has a short name, because its socket has."""
    if not is_possible():
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory() as place, pulse_loop(Path(place), ("float",)) as loop, _environment(loop):
        settings = AudioSettings("bench-float", 4.0, 60.0, latency_s=0.1)
        device = CATALOG["portaudio"].make(settings, {})

        async def unplug() -> None:
            loop.unplug("float")

        async def use() -> Any:
            return device.identity

        try:
            yield Rig("portaudio", settings, device, use, unplug, twin=loop)
        finally:
            device.close()


@contextmanager
def _environment(loop: PulseLoop) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in loop.environment}
    os.environ.update(loop.environment)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


GUARDS = (Case("guard-uart", _guard),)
BUSES = (Case("modbus-rtu", _rtu), Case("modbus-tcp", _tcp))
AUDIO = (Case("audio-twin", _audio_twin), Case("portaudio", _portaudio))

WITHOUT: Mapping[str, str] = {
    "load-bank": "lands with its twin",
}
"""Kinds that these suites do not run, each with its reason."""
