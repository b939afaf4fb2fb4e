"""Catalogue entries of label printers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.kinds import Driver
from drivers.settings import FilePrinterSettings, TcpPrinterSettings


def _zpl_printer(settings: TcpPrinterSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.printer.zpl_tcp import ZplTcpPrinter

    return ZplTcpPrinter(settings.address, settings.dpi, answers=settings.answers)


def _tspl_printer(settings: TcpPrinterSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.printer.tspl_tcp import TsplTcpPrinter

    return TsplTcpPrinter(settings.address, settings.dpi, answers=settings.answers)


def _file_printer(settings: FilePrinterSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.printer.label_file import LabelFile

    return LabelFile(settings.path, settings.language, settings.dpi)


KINDS: tuple[Driver, ...] = (
    Driver("zpl-tcp", "printer", TcpPrinterSettings, _zpl_printer),
    Driver("tspl-tcp", "printer", TcpPrinterSettings, _tspl_printer),
    Driver("label-file", "printer", FilePrinterSettings, _file_printer),
)
