"""Catalogue entries of instruments that speak in lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.kinds import Driver
from drivers.settings import SerialSettings


def _gpt(settings: SerialSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.scpi.gpt9800 import Gpt9800

    return Gpt9800(settings.port, settings.baud)


def _hioki(settings: SerialSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.scpi.st5540 import HiokiSt5540

    return HiokiSt5540(settings.port, settings.baud)


KINDS: tuple[Driver, ...] = (
    Driver("gpt-9800", "tester", SerialSettings, _gpt),
    Driver("st5540", "touch", SerialSettings, _hioki),
)
