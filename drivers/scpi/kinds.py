"""Catalogue entries of instruments that speak in lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.kinds import Driver
from drivers.scpi.faults import meter_faults, touch_faults, xdm_faults
from drivers.scpi.settings import MeterSettings, TouchSettings, XdmSettings
from drivers.settings import SerialSettings


def _gpt(settings: SerialSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.scpi.gpt9800 import Gpt9800

    return Gpt9800(settings.port, settings.baud)


def _hioki(settings: TouchSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.scpi.st5540 import HiokiSt5540

    return HiokiSt5540(settings)


def _meter(settings: MeterSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.scpi.meter import ScpiMeter

    return ScpiMeter(settings)


def _xdm(settings: XdmSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.scpi.meter import ScpiMeter
    from drivers.scpi.xdm1041 import meter_settings

    return ScpiMeter(meter_settings(settings))


KINDS: tuple[Driver, ...] = (
    Driver("gpt-9800", "tester", SerialSettings, _gpt),
    Driver("st5540", "touch", TouchSettings, _hioki, faults=touch_faults),
    Driver("xdm1041", "sensor", XdmSettings, _xdm, lambda own: (own.reading,), faults=xdm_faults),
    Driver("scpi-meter", "sensor", MeterSettings, _meter, lambda own: tuple(own.quantities), faults=meter_faults),
)
