"""A simulated home appliance: its physical parameters, never results. What they do lives in `appliance_device.py`.

A heater, a motor or both behind one cord; a body that gets warm, a thermostat in it, a safety device for a hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from drivers.sim.dut_file import Bounds

Regulator = Literal["works", "stuck", "none"]

_BOUNDS: Bounds = {
    "element_1_w": (0.0, 5_000.0),
    "element_2_w": (0.0, 5_000.0),
    "motor_w": (0.0, 5_000.0),
    "motor_power_factor": (0.1, 1.0),
    "motor_start_times": (1.0, 20.0),
    "motor_run_up_s": (0.01, 20.0),
    "thermostat_degc": (0.0, 1_000.0),
    "thermostat_k": (0.1, 200.0),
    "loss_share": (0.0, 1.0),
    "body_k_per_w": (0.0001, 100.0),
    "body_j_per_k": (0.1, 1_000_000.0),
    "touch_share": (0.0, 1.0),
    "insulation_mohm": (0.0, 1_000_000.0),
    "leakage_nf": (0.0, 100_000.0),
    "cord_m": (0.0, 1_000.0),
    "cord_mm2": (0.1, 100.0),
    "earth_contact_ohm": (0.0, 1_000_000.0),
    "ambient_degc": (-50.0, 80.0),
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "protection_class": ("I", "II"),
    "motor_stalled": ("no", "yes"),
    "thermostat": ("works", "stuck", "none"),
    "safety_device": ("works", "stuck", "none"),
}


@dataclass(frozen=True, slots=True)
class Appliance:
    """The keys of an appliance's DUT file, in their units; powers are at 230 V. The sample is a good fan heater."""

    BOUNDS: ClassVar[Bounds] = _BOUNDS
    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = _CHOICES

    product: str = "example-h-1500"
    maker: str = "Example"
    model: str = "H-1500"
    element_1_w: float = 750.0
    element_2_w: float = 750.0
    motor_w: float = 20.0
    motor_power_factor: float = 0.6
    motor_start_times: float = 3.0
    """Current with the rotor at rest, in times of the running one."""
    motor_run_up_s: float = 0.3
    motor_stalled: Literal["no", "yes"] = "no"
    thermostat: Regulator = "works"
    """`stuck`: never opens. It switches the elements, not the motor."""
    thermostat_degc: float = 80.0
    """Of the body: where it opens; it closes `thermostat_k` below."""
    thermostat_k: float = 10.0
    safety_device: Regulator = "works"
    """What a hand operates: a lid switch, a tip-over switch. `stuck`: it does not open."""
    loss_share: float = 1.0
    """Of the power that it takes, what stays in the body as heat until the air takes it."""
    body_k_per_w: float = 0.064
    body_j_per_k: float = 2300.0
    touch_share: float = 0.7
    """Rise of the hottest place that a hand may touch, over that of the body."""
    insulation_mohm: float = 120.0
    leakage_nf: float = 2.0
    """From the live parts to the case: 72 uA a nF at 230 V, 50 Hz."""
    cord_m: float = 1.8
    cord_mm2: float = 1.0
    earth_contact_ohm: float = 0.02
    """What plug and terminals add to the protective conductor."""
    protection_class: Literal["I", "II"] = "I"
    ambient_degc: float = 25.0
    wrong: tuple[str, ...] = ()
    """Items of guided checks that a person finds wrong on it."""
