"""Catalogue entries of panels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.kinds import Driver
from drivers.settings import GpioPanelSettings, SocketPanelSettings


def _gpio_panel(settings: GpioPanelSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.gpio.panel import GpioPanel

    return GpioPanel(settings)


def _socket_panel(settings: SocketPanelSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.gpio.socket_panel import SocketPanel

    return SocketPanel(settings.path)


KINDS: tuple[Driver, ...] = (
    Driver("gpio-panel", "panel", GpioPanelSettings, _gpio_panel),
    Driver("socket-panel", "panel", SocketPanelSettings, _socket_panel, twin=True),
)
