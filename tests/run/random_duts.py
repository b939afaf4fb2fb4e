"""Random faulty DUTs: one physical fault of random severity each, the other keys scattered as healthy devices are.

Which area a fault belongs to stands beside it: reference/measurement.md's table, applied to physics and not to what
the rules say. Severities begin a little beyond what the product's limits allow.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drivers.sim.dut import Dropout, Dut, Sides

Keys = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RandomDut:
    """A faulty device: which fault it is, where it is to be looked for, and its keys."""

    fault: str
    area: str
    keys: Mapping[str, Any]

    @property
    def dut(self) -> Dut:
        """As `load_dut` would read it."""
        keys = {key: Sides(*value) if isinstance(value, tuple) else value for key, value in self.keys.items()}
        return Dut(**keys | {"dropouts": tuple(Dropout(*one) for one in self.keys.get("dropouts", ()))})


def draw(seed: int) -> RandomDut:
    """The DUT of this seed; faults come in turn, so that 200 hold each about six times."""
    chance = random.Random(seed)
    fault, area, make = FAULTS[seed % len(FAULTS)]
    return RandomDut(fault, area, healthy(chance) | make(chance))


def _log(chance: random.Random, low: float, high: float) -> float:
    return math.exp(chance.uniform(math.log(low), math.log(high)))


def healthy(chance: random.Random) -> Keys:
    """The sample of contracts/cli.md, as a batch of good devices scatters around it."""
    uniform = chance.uniform
    gain_db = uniform(28.8, 29.2)
    return {
        "gain_db": (gain_db, gain_db + uniform(-0.1, 0.1)), "rail_v": _near(chance, 46.0, 0.7, 0.1),
        "rail_ohm": uniform(0.4, 0.6), "output_impedance_ohm": _near(chance, 0.045, 0.012, 0.003),
        "h2_dbc": _near(chance, -73.0, 2.0, 1.0), "h3_dbc": _near(chance, -79.0, 2.0, 1.0),
        "noise_uv": _near(chance, 85.0, 15.0, 5.0), "hum_uv": _near(chance, 35.0, 15.0, 5.0),
        "highpass_hz": _near(chance, 4.0, 1.0, 0.2), "lowpass_hz": _near(chance, 90e3, 15e3, 3e3),
        "crosstalk_dbc": _near(chance, -70.0, 3.0, 1.0), "dc_offset_mv": _near(chance, 0.0, 15.0, 5.0),
        "insulation_mohm": uniform(30.0, 200.0), "earth_bond_ohm": uniform(0.04, 0.12),
        "touch_current_ma": uniform(0.06, 0.25), "idle_power_w": uniform(34.0, 44.0), "inrush_a": uniform(10.0, 20.0),
        "bias_ma": _near(chance, 50.0, 1.5, 0.5), "bias_ma_per_k": (uniform(0.02, 0.1), uniform(0.02, 0.1)),
        "crossover_mv": (uniform(0.0, 2.0), uniform(0.0, 2.0)), "heatsink_k_per_w": uniform(0.31, 0.38),
        "heatsink_j_per_k": uniform(800.0, 1000.0), "ambient_degc": uniform(20.0, 28.0),
    }  # fmt: skip


def _near(chance: random.Random, centre: float, spread: float, apart: float) -> tuple[float, float]:
    both = centre + chance.uniform(-spread, spread)
    return both + chance.uniform(-apart, apart), both + chance.uniform(-apart, apart)


def _sided(key: str, value: Callable[[random.Random], float], both: bool | None = None) -> Callable[..., Keys]:
    """The key on one channel, or on both (`both` None: as chance has it); the other as healthy."""

    def make(chance: random.Random) -> Keys:
        good, wrong = healthy(chance)[key], value(chance)
        if both is True or (both is None and chance.random() < 0.5):
            return {key: (wrong, wrong)}
        return {key: (wrong, good[1]) if chance.random() < 0.5 else (good[0], wrong)}

    return make


def _one(key: str, value: Callable[[random.Random], Any]) -> Callable[..., Keys]:
    return lambda chance: {key: value(chance)}


def _off(chance: random.Random, low: float, high: float) -> float:
    return chance.choice((-1.0, 1.0)) * _log(chance, low, high)


def _dead_supply(chance: random.Random) -> Keys:
    rail_v = chance.uniform(0.0, 6.0)
    return {"rail_v": (rail_v, rail_v), "idle_power_w": chance.uniform(0.5, 7.0)}


def _dead_both(chance: random.Random) -> Keys:
    return {"gain_db": (-60.0, -60.0), "idle_power_w": chance.uniform(0.5, 7.0)}


def _hot(chance: random.Random) -> Keys:
    """No path for the heat: at rated power it would get hotter than its protection allows."""
    return {
        "heatsink_k_per_w": chance.uniform(0.75, 1.3), "heatsink_j_per_k": chance.uniform(900.0, 2500.0),
        "protect_degc": chance.uniform(74.0, 86.0),
    }  # fmt: skip


def _dropouts(chance: random.Random) -> Keys:
    return {"dropouts": [(chance.uniform(40.0, 7000.0), _log(chance, 0.08, 3.0)) for _ in range(chance.randint(1, 5))]}


FAULTS: tuple[tuple[str, str, Callable[[random.Random], Keys]], ...] = (
    ("insulation", "mains-insulation", _one("insulation_mohm", lambda c: _log(c, 0.05, 4.6))),
    ("touch current", "mains-insulation", _one("touch_current_ma", lambda c: c.uniform(0.55, 3.5))),
    ("earth bond", "earth", _one("earth_bond_ohm", lambda c: _log(c, 0.33, 50.0))),
    ("output short", "output-stage", _one("output_short", lambda c: c.choice(("left", "right", "both")))),
    ("inrush", "output-stage", _one("inrush_a", lambda c: c.uniform(43.0, 130.0))),
    ("idle power", "output-stage", _one("idle_power_w", lambda c: _log(c, 86.0, 600.0))),
    ("dc offset", "output-stage", _sided("dc_offset_mv", lambda c: _off(c, 60.0, 30e3))),
    ("dead channel", "signal-path", _sided("gain_db", lambda c: c.uniform(-80.0, 6.0), both=False)),
    ("dead supply", "power-supply", _dead_supply),
    ("dead both", "power-supply", _dead_both),
    ("low rails", "power-supply", _sided("rail_v", lambda c: c.uniform(22.0, 40.0), both=True)),
    ("soft supply", "power-supply", _one("rail_ohm", lambda c: c.uniform(2.3, 14.0))),
    ("weak rail of one", "output-stage", _sided("rail_v", lambda c: c.uniform(15.0, 40.0), both=False)),
    ("hum", "reservoir", _sided("hum_uv", lambda c: _log(c, 5e3, 5e5))),
    ("noise", "input-stage", _sided("noise_uv", lambda c: _log(c, 800.0, 3e4))),
    ("crossover", "bias", _sided("crossover_mv", lambda c: _log(c, 80.0, 2500.0))),
    ("bias low", "bias", _sided("bias_ma", lambda c: c.uniform(0.0, 42.0))),
    ("bias high", "bias", _sided("bias_ma", lambda c: c.uniform(60.0, 300.0))),
    ("h2", "output-stage", _sided("h2_dbc", lambda c: c.uniform(-59.0, -30.0))),
    ("h3", "output-stage", _sided("h3_dbc", lambda c: c.uniform(-59.0, -30.0))),
    ("high-pass", "coupling", _sided("highpass_hz", lambda c: _log(c, 21.5, 400.0))),
    ("low-pass", "compensation", _sided("lowpass_hz", lambda c: _log(c, 1500.0, 18e3))),
    ("crosstalk", "ground-return", _sided("crosstalk_dbc", lambda c: c.uniform(-48.5, -8.0))),
    ("output impedance", "output-path", _sided("output_impedance_ohm", lambda c: _log(c, 0.18, 6.0))),
    ("gain of both", "feedback", _sided("gain_db", lambda c: 29.0 + _off(c, 1.3, 8.0), both=True)),
    ("gain of one", "feedback", _sided("gain_db", lambda c: 29.0 + _off(c, 1.0, 9.0), both=False)),
    ("no cooling", "cooling", _hot),
    ("protects too early", "contact", _one("protect_degc", lambda c: c.uniform(34.0, 52.0))),
    ("dropouts", "contact", _dropouts),
    ("bias follows heat", "bias-tracking", _sided("bias_ma_per_k", lambda c: c.uniform(8.0, 30.0))),
)
"""(fault, the area where it belongs, its keys)."""
