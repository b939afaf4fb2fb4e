"""The bench's DC supply, which a person sets: asked for, switched on, and looked at before a device is blamed for it.

The same supply feeds phones and boards of any voltage. One that is set too high is off at once; too low is the
bench's fault as well, unless the device takes so much that it pulls the supply down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from station.domain.errors import StepDeclined, StepError
from station.steps.step import StepContext

ROLE = "feed"


@dataclass(frozen=True, slots=True)
class Setting:
    """What the supply must be set to. `held_a`: from this current on its voltage is the device's doing.

    `within_percent` of `volts` is set right. `ask`: the prompt. `declined`, `wanted`, `remedy`: words of the errors.
    """

    volts: float
    within_percent: float
    held_a: float
    ask: Mapping[str, str]
    declined: str
    wanted: str
    remedy: str


async def switch_on(context: StepContext, setting: Setting) -> None:
    """Ask for the setting, switch on, refuse too much. Raises `StepDeclined` on NG, `StepError` (and off) if wrong."""
    if not await context.ask(setting.ask, {"item": "supply"}):
        raise StepDeclined(setting.declined)
    await context.bench.mains.on(context.mains_bound_s)
    await look(context, setting, rising=True)


async def look(context: StepContext, setting: Setting, *, rising: bool = False) -> tuple[float, float]:
    """One reading of the main lead, V and A; a supply that is set wrongly is switched off before it does more harm.

    `rising`: it has just been switched on, so only too much is wrong.
    """
    read = await context.bench.meters.fresh(ROLE)
    volts, amps = read["main_v"], read["main_a"]
    off_percent = 100.0 * (volts / setting.volts - 1.0)
    too_low = off_percent < -setting.within_percent and amps < setting.held_a and not rising
    if off_percent > setting.within_percent or too_low:
        await context.bench.mains.off()
        raise StepError(
            f"DC supply: {volts:.2f} V at {amps:.3f} A, the product wants {setting.wanted}; set the supply, "
            f"{setting.remedy}, then test again"
        )
    return volts, amps
