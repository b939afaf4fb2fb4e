"""Charging: the bench's supply goes on at the phone's port, and both ends are read at once.

At the plug of the charger's lead volts and amps, at the battery adapter what reaches the battery. A phone that does not
draw, draws too much, or charges slowly through a bad port shows at the plug; a charger chip that keeps what it draws,
or lets the battery rise too far, at the battery.
"""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.measurement import Measurement
from station.domain.plates import PhonePlate
from station.steps.dc_supply import ROLE, Setting, look, switch_on
from station.steps.params import require
from station.steps.readings import mean_of
from station.steps.step import StepContext

TAKEN: dict[str, tuple[str, float]] = {
    "charging_voltage_v": ("main_v", 1.0),
    "charging_current_ma": ("main_a", 1000.0),
    "battery_charging_ma": ("battery_a", -1000.0),
    "charging_battery_v": ("battery_v", 1.0),
}
"""What is measured, of which quantity, and times what: into the battery counts as positive."""
SET_PERCENT = 10.0
"""Further from the plate's voltage than this, the bench's supply is set for something else."""
NOTHING_A = 0.1
"""Whoever takes less does not pull a supply down."""


@dataclass(frozen=True, slots=True)
class Params:
    """`settle_s` from switch-on until charger and phone have agreed; then a reading each second for `test_s`."""

    settle_s: float = 15.0
    test_s: float = 10.0

    def __post_init__(self) -> None:
        require("settle_s", self.settle_s, 1.0, 300.0)
        require("test_s", self.test_s, 3.0, 300.0)


async def measure(context: StepContext, params: Params) -> None:
    """Switches the supply on and records voltage and current at the plug and at the battery, as means.

    The same supply feeds boards of 12 V and more, so its setting is asked for and looked at: too much is off at once.
    Raises `StepDeclined` if nobody has set it, `StepError` if it is set wrongly; neither blames the phone.
    """
    supply_v = context.product.plate_of(PhonePlate).charger_v
    meters = context.bench.meters
    setting = _setting(supply_v)
    await switch_on(context, setting)
    await context.clock.sleep(params.settle_s)
    await look(context, setting)
    readings: list[dict[str, float]] = []
    for done in range(round(params.test_s)):
        readings.append(dict(await meters.fresh(ROLE)))
        shown = {name: readings[-1][quantity] * scale for name, (quantity, scale) in TAKEN.items()}
        context.progress((done + 1) / params.test_s, shown)
        await context.clock.sleep(1.0)
    conditions: dict[str, str | float] = {"supply_v": supply_v, "settle_s": params.settle_s, "test_s": params.test_s}
    for name, (quantity, scale) in TAKEN.items():
        mean, uncertainty = mean_of([one[quantity] for one in readings], meters.accuracy(f"{ROLE}.{quantity}"))
        context.record(Measurement(name, mean * scale, None, uncertainty * abs(scale), conditions=conditions))


def _setting(supply_v: float) -> Setting:
    return Setting(
        supply_v, SET_PERCENT, NOTHING_A,
        {"zh": f"直流电源设为 {supply_v:g} V？按 OK", "en": f"DC supply set to {supply_v:g} V? OK"},
        declined=f"charging: NG; set the DC supply to {supply_v:g} V, then test again",
        wanted=f"{supply_v:g} V", remedy="look at its leads and for a short in the port",
    )  # fmt: skip
