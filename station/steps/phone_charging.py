"""Charging: the bench's supply goes on at the phone's port, and both ends are read at once.

At the plug of the charger's lead volts and amps, at the battery adapter what reaches the battery. A phone that does not
draw, draws too much, or charges slowly through a bad port shows at the plug; a charger chip that keeps what it draws,
or lets the battery rise too far, at the battery.
"""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.measurement import Measurement
from station.domain.plates import PhonePlate
from station.steps.params import require
from station.steps.readings import mean_of
from station.steps.step import StepContext

ROLE = "feed"
TAKEN: dict[str, tuple[str, float]] = {
    "charging_voltage_v": ("main_v", 1.0),
    "charging_current_ma": ("main_a", 1000.0),
    "battery_charging_ma": ("battery_a", -1000.0),
    "charging_battery_v": ("battery_v", 1.0),
}
"""What is measured, of which quantity, and times what: into the battery counts as positive."""
DEAD_V = 1.0


@dataclass(frozen=True, slots=True)
class Params:
    """`settle_s` from switch-on until charger and phone have agreed; then a reading each second for `test_s`."""

    settle_s: float = 15.0
    test_s: float = 10.0

    def __post_init__(self) -> None:
        require("settle_s", self.settle_s, 1.0, 300.0)
        require("test_s", self.test_s, 3.0, 300.0)


async def measure(context: StepContext, params: Params) -> None:
    """Switches the supply on and records voltage and current at the plug and at the battery, as means."""
    supply_v = context.product.plate_of(PhonePlate).charger_v
    meters = context.bench.meters
    await context.bench.mains.on(context.mains_bound_s)
    await context.clock.sleep(params.settle_s)
    readings: list[dict[str, float]] = []
    for done in range(round(params.test_s)):
        readings.append(dict(await meters.fresh(ROLE)))
        shown = {name: readings[-1][quantity] * scale for name, (quantity, scale) in TAKEN.items()}
        context.progress((done + 1) / params.test_s, shown)
        await context.clock.sleep(1.0)
    if all(one["main_v"] < DEAD_V for one in readings):
        context.note("no voltage at the charger's lead: look at the bench's supply, or for a short in the port")
    conditions: dict[str, str | float] = {"supply_v": supply_v, "settle_s": params.settle_s, "test_s": params.test_s}
    for name, (quantity, scale) in TAKEN.items():
        mean, uncertainty = mean_of([one[quantity] for one in readings], meters.accuracy(f"{ROLE}.{quantity}"))
        context.record(Measurement(name, mean * scale, None, uncertainty * abs(scale), conditions=conditions))
