"""What the technician sees, presses and scans, and what is printed, each on its twin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gpiozero.pins.mock import MockFactory

from drivers.catalog import CATALOG
from drivers.gpio.panel import GpioPanel
from drivers.settings import (
    FilePrinterSettings,
    GpioPanelSettings,
    KeyboardScannerSettings,
    SerialPrinterSettings,
    SerialSettings,
    SocketPanelSettings,
    TcpPrinterSettings,
)
from drivers.sim.keyboard import KeyboardTwin
from drivers.sim.panel import PanelTwin
from drivers.sim.printer import PrinterTwin
from drivers.sim.scanner import ScannerTwin
from drivers.uart.keyboard_scanner import KeyboardScanner
from tests.contract.rig import Case, Rig, plugged

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


PANELS = (Case("gpio-panel", _gpio_panel, cable=False), Case("socket-panel", _socket_panel))
SCANNERS = (Case("serial-scanner", _serial_scanner), Case("keyboard-scanner", _keyboard_scanner))
PRINTERS = (
    _tcp_printer("zpl-tcp"),
    _tcp_printer("tspl-tcp"),
    _pty_printer("label-serial", "zpl", lambda port: SerialPrinterSettings(port, flow="xonxoff")),
    _pty_printer("label-serial", "tspl", lambda port: SerialPrinterSettings(port, "tspl", flow="rtscts")),
    _pty_printer("label-file", "zpl", lambda port: FilePrinterSettings(port, answers=True)),
    _pty_printer("label-file", "tspl", lambda port: FilePrinterSettings(port, "tspl", answers=True)),
)
