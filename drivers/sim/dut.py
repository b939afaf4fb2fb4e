"""A simulated amplifier: its physical parameters, never results (contracts/cli.md, "A simulated DUT").

What the parameters do lives in `amplifier.py`, `amplifier_device.py`, `thermal.py` and `mains.py`.
"""

# ruff: noqa: RUF009  (Sides is immutable: safe as a default)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from drivers.sim.dut_file import Bounds, Dropout, DutError, Sides, both, read_dut

__all__ = ["Dropout", "Dut", "DutError", "Sides", "load_dut"]

OutputShort = Literal["none", "left", "right", "both"]
ProtectionClass = Literal["I", "II"]

_BOUNDS: Bounds = {
    "rated_power_w": (0.001, 100_000.0),
    "load_ohm": (0.1, 100_000.0),
    "gain_db": (-200.0, 100.0),
    "rail_v": (0.0, 1_000.0),
    "rail_ohm": (0.0, 1_000.0),
    "output_impedance_ohm": (0.0, 100_000.0),
    "h2_dbc": (-300.0, 0.0),
    "h3_dbc": (-300.0, 0.0),
    "crossover_mv": (0.0, 100_000.0),
    "noise_uv": (0.0, 10_000_000.0),
    "hum_uv": (0.0, 100_000_000.0),
    "highpass_hz": (0.0, 1_000_000.0),
    "lowpass_hz": (0.1, 1_000_000_000.0),
    "crosstalk_dbc": (-300.0, 20.0),
    "dc_offset_mv": (-1_000_000.0, 1_000_000.0),
    "insulation_mohm": (0.0, 1_000_000.0),
    "earth_bond_ohm": (0.0, 1_000_000.0),
    "touch_current_ma": (0.0, 10_000.0),
    "idle_power_w": (0.0, 10_000.0),
    "inrush_a": (0.0, 5_000.0),
    "bias_ma": (0.0, 100_000.0),
    "bias_ma_per_k": (-10_000.0, 10_000.0),
    "heatsink_k_per_w": (0.001, 1_000.0),
    "heatsink_j_per_k": (0.1, 1_000_000.0),
    "protect_degc": (-50.0, 1_000.0),
    "ambient_degc": (-50.0, 80.0),
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "output_short": ("none", "left", "right", "both"),
    "protection_class": ("I", "II"),
}


@dataclass(frozen=True, slots=True)
class Dut:
    """The keys of an amplifier's DUT file, in their units; the defaults are the sample of contracts/cli.md."""

    BOUNDS: ClassVar[Bounds] = _BOUNDS
    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = _CHOICES

    product: str = "example-a-100"
    maker: str = "Example"
    model: str = "A-100"
    rated_power_w: float = 100.0
    load_ohm: float = 8.0
    gain_db: Sides = both(29.0)
    rail_v: Sides = both(46.0)
    rail_ohm: float = 0.5
    output_impedance_ohm: Sides = both(0.04)
    h2_dbc: Sides = both(-72.0)
    h3_dbc: Sides = both(-78.0)
    crossover_mv: Sides = both(0.0)
    noise_uv: Sides = both(80.0)
    hum_uv: Sides = both(30.0)
    highpass_hz: Sides = both(4.0)
    lowpass_hz: Sides = both(90000.0)
    crosstalk_dbc: Sides = both(-70.0)
    dc_offset_mv: Sides = both(8.0)
    insulation_mohm: float = 80.0
    earth_bond_ohm: float = 0.06
    touch_current_ma: float = 0.12
    idle_power_w: float = 38.0
    inrush_a: float = 14.0
    output_short: OutputShort = "none"
    protection_class: ProtectionClass = "I"
    bias_ma: Sides = both(50.0)
    bias_ma_per_k: Sides = both(0.05)
    heatsink_k_per_w: float = 0.35
    heatsink_j_per_k: float = 900.0
    protect_degc: float = 95.0
    ambient_degc: float = 25.0
    dropouts: tuple[Dropout, ...] = ()


def load_dut(path: Path | str) -> Dut:
    """Read the DUT file of an amplifier, whatever its product. Raises `DutError`."""
    return read_dut(path, lambda product: Dut)
