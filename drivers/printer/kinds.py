"""Catalogue entries of label printers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.kinds import Driver
from drivers.settings import FilePrinterSettings, SerialPrinterSettings, TcpPrinterSettings


def _printer(language: str, wire: Any, settings: Any) -> Any:
    from drivers.printer.label_printer import Dialogue, WiredPrinter
    from drivers.printer.tspl import Tspl
    from drivers.printer.zpl import Zpl

    dialogue: Dialogue = Zpl() if language == "zpl" else Tspl()
    return WiredPrinter(wire, dialogue, settings.dpi, answers=settings.answers)


def _zpl_tcp(settings: TcpPrinterSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.printer.tcp_wire import TcpWire

    return _printer("zpl", TcpWire(settings.address), settings)


def _tspl_tcp(settings: TcpPrinterSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.printer.tcp_wire import TcpWire

    return _printer("tspl", TcpWire(settings.address), settings)


def _serial(settings: SerialPrinterSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.printer.serial_wire import SerialWire

    return _printer(settings.language, SerialWire(settings), settings)


def _file(settings: FilePrinterSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.printer.file_wire import FileWire

    wire = FileWire(settings.path, asked=settings.answers, port_status=settings.port_status)
    return _printer(settings.language, wire, settings)


KINDS: tuple[Driver, ...] = (
    Driver("zpl-tcp", "printer", TcpPrinterSettings, _zpl_tcp),
    Driver("tspl-tcp", "printer", TcpPrinterSettings, _tspl_tcp),
    Driver("label-serial", "printer", SerialPrinterSettings, _serial),
    Driver("label-file", "printer", FilePrinterSettings, _file),
)
