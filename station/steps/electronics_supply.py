"""What a device takes from its supply: a board of class III from the bench's DC supply, a mains device from mains.

Which of the two steps applies to a product hangs on its protection class (`NOT_FOR_CLASS` in station/settings/tree.py);
both deliver the same pair of measurements. Voltages inside the device are those of `node_checks.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.measurement import Measurement
from station.domain.plates import ElectronicsPlate
from station.steps.dc_supply import Setting, look, switch_on
from station.steps.params import require
from station.steps.readings import mean_of
from station.steps.step import StepContext

LIMITING = 0.9
"""Above this part of its current limit the supply may hold the current, and its voltage is the device's doing."""


@dataclass(frozen=True, slots=True)
class Params:
    """`settle_s` of test time after switch-on, then the mean of `readings`. `set_percent`: how far the DC supply may
    be from the plate's voltage before that is a wrong setting of the bench and no fault of the device."""

    settle_s: float = 3.0
    readings: int = 5
    set_percent: float = 5.0

    def __post_init__(self) -> None:
        require("settle_s", self.settle_s, 0.0, 600.0)
        require("readings", self.readings, 1, 100)
        require("set_percent", self.set_percent, 0.5, 20.0)


async def measure_dc(context: StepContext, params: Params) -> None:
    """Switches on and records `supply_current_ma` and `supply_voltage_v` in the DC supply's main lead.

    Raises `StepDeclined` if nobody has set the supply, `StepError` (and off at once) if it is set wrongly.
    """
    setting = _setting(params, context.product.plate_of(ElectronicsPlate))
    await switch_on(context, setting)
    await context.clock.sleep(params.settle_s)
    pairs = []
    for done in range(params.readings):
        volts, amps = await look(context, setting)
        pairs.append((volts, amps))
        shown = {"supply_current_ma": 1000.0 * amps, "supply_voltage_v": volts}
        context.progress((done + 1) / params.readings, shown)
    await _record(context, params, pairs, "feed.main")


async def measure_mains(context: StepContext, params: Params) -> None:
    """Records the same two of a mains device that is on already, rms, by the mains meter."""
    await context.clock.sleep(params.settle_s)
    found = [await context.bench.meters.fresh("mains") for _ in range(params.readings)]
    pairs = [(one["voltage_v"], one["current_a"]) for one in found]
    await _record(context, params, pairs, "mains")


def _setting(params: Params, plate: ElectronicsPlate) -> Setting:
    volts, limit = f"{plate.supply_v:g} V", f"{plate.supply_a:g} A"
    ask = {
        "zh": f"直流电源设为 {volts}，限流 {limit}，极性正确、板已接好？按 OK",
        "en": f"DC supply set to {volts}, limit {limit}, polarity right, board joined? OK",
    }
    return Setting(
        plate.supply_v, params.set_percent, LIMITING * plate.supply_a, ask,
        declined="DC supply: NG; set it as the data plate says, join the board, then test again",
        wanted=f"{volts} with a limit of {limit}", remedy="look at its leads",
    )  # fmt: skip


async def _record(context: StepContext, params: Params, pairs: list[tuple[float, float]], meter: str) -> None:
    names = ("feed.main_v", "feed.main_a") if meter == "feed.main" else ("mains.voltage_v", "mains.current_a")
    of_volts, of_amps = (context.bench.meters.accuracy(name) for name in names)
    amps, within_a = mean_of([amps for _, amps in pairs], of_amps)
    volts, within_v = mean_of([volts for volts, _ in pairs], of_volts)
    at: dict[str, str | float] = {"settle_s": params.settle_s}
    context.record(Measurement("supply_current_ma", 1000.0 * amps, uncertainty=1000.0 * within_a, conditions=at))
    context.record(Measurement("supply_voltage_v", volts, uncertainty=within_v, conditions=at))
