"""Catalogue entries of the guard and of scanners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.kinds import Driver
from drivers.settings import GuardSettings, KeyboardScannerSettings, SerialSettings


def _guard(settings: GuardSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.uart.guard import UartGuard

    return UartGuard(settings.port)


def _scanner(settings: SerialSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.uart.scanner import SerialScanner

    return SerialScanner(settings.port, settings.baud)


def _keyboard(settings: KeyboardScannerSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.uart.keyboard_scanner import KeyboardScanner

    return KeyboardScanner(settings.path, settings.gap_s)


KINDS: tuple[Driver, ...] = (
    Driver("guard-uart", "guard", GuardSettings, _guard),
    Driver("serial-scanner", "scanner", SerialSettings, _scanner),
    Driver("keyboard-scanner", "scanner", KeyboardScannerSettings, _keyboard),
)
