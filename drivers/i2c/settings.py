"""Settings of the I2C kinds: plain frozen dataclasses whose field names are the keys of the configuration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InfraredSettings:
    """An infrared thermometer on bus `/dev/i2c-N` of the Pi; `emissivity` of the surface that it looks at."""

    i2c: int = 1
    address: int = 0x5A
    emissivity: float = 1.0
