"""Catalogue entries of what hangs on an I2C bus of the Pi."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from drivers.i2c.settings import InfraredSettings
from drivers.kinds import Driver, Fault


def _mlx90614(settings: InfraredSettings, buses: Mapping[str, Any]) -> Any:
    from drivers.i2c.line import I2cLine
    from drivers.i2c.mlx90614 import Mlx90614

    return Mlx90614(I2cLine(settings.i2c), settings.address, settings.emissivity)


def _faults(own: InfraredSettings) -> Iterator[Fault]:
    if own.i2c < 0:
        yield Fault(("i2c",), f"there is no bus {own.i2c}", "use the N of /dev/i2c-N, 1 on the Pi's header")
    if not 0x08 <= own.address <= 0x77:
        wrong = f"0x{own.address:02X} is no 7-bit address of a device"
        yield Fault(("address",), wrong, "use 0x08 to 0x77, 0x5A from the factory")
    if not 0.1 <= own.emissivity <= 1.0:
        yield Fault(("emissivity",), f"{own.emissivity:g} is no emissivity", "use 0.1 to 1 (matt tape: 0.95)")


KINDS: tuple[Driver, ...] = (
    Driver(
        "mlx90614", "sensor", InfraredSettings, _mlx90614, lambda own: ("object_degc", "ambient_degc"), faults=_faults
    ),
)
