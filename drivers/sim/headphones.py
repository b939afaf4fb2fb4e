"""Simulated headphones: their physical parameters, never results (docs/headphones.md, "The twin").

What the parameters do lives in `headphones_voice.py` and `headphones_device.py`.
"""

# ruff: noqa: RUF009  (Sides is immutable: safe as a default)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from drivers.sim.dut_file import Bounds, Dropout, Sides, both

Where = Literal["none", "left", "right", "both"]

_WHERE = ("none", "left", "right", "both")
_BOUNDS: Bounds = {
    "coil_ohm": (0.1, 100_000.0),
    "coil_mh": (0.0, 1_000.0),
    "resonance_ohm": (0.0, 100_000.0),
    "resonance_hz": (1.0, 20_000.0),
    "resonance_q": (0.05, 100.0),
    "common_ohm": (0.0, 1_000_000.0),
    "sensitivity_db_v": (0.0, 160.0),
    "leak_hz": (0.0, 20_000.0),
    "peak_hz": (10.0, 40_000.0),
    "peak_db": (-40.0, 40.0),
    "peak_q": (0.1, 20.0),
    "treble_hz": (100.0, 100_000.0),
    "treble_q": (0.1, 10.0),
    "h2_dbc": (-300.0, 0.0),
    "h3_dbc": (-300.0, 0.0),
    "rub_dbc": (-300.0, 0.0),
    "noise_db": (-50.0, 120.0),
    "ambient_degc": (-50.0, 80.0),
}


@dataclass(frozen=True, slots=True)
class Headphones:
    """The keys of a DUT file of this family; the defaults are a good pair of `example-h-32`."""

    BOUNDS: ClassVar[Bounds] = _BOUNDS
    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "open_side": _WHERE, "short_side": _WHERE, "inverted": _WHERE, "broken": _WHERE, "crossed": ("no", "yes"),
    }  # fmt: skip

    product: str = "example-h-32"
    maker: str = "Example"
    model: str = "H-32"
    coil_ohm: Sides = both(32.0)
    coil_mh: Sides = both(0.15)
    resonance_ohm: Sides = both(20.0)
    resonance_hz: Sides = both(90.0)
    resonance_q: Sides = both(1.5)
    common_ohm: float = 0.05
    sensitivity_db_v: Sides = both(112.0)
    leak_hz: Sides = both(12.0)
    peak_hz: Sides = both(3000.0)
    peak_db: Sides = both(5.0)
    peak_q: Sides = both(1.4)
    treble_hz: Sides = both(7000.0)
    treble_q: Sides = both(0.8)
    h2_dbc: Sides = both(-58.0)
    h3_dbc: Sides = both(-64.0)
    rub_dbc: Sides = both(-300.0)
    noise_db: Sides = both(35.0)
    open_side: Where = "none"
    short_side: Where = "none"
    inverted: Where = "none"
    crossed: Literal["no", "yes"] = "no"
    broken: Where = "none"
    dropouts: tuple[Dropout, ...] = ()
    ambient_degc: float = 25.0
    wrong: tuple[str, ...] = ()
