"""How hot an appliance gets where a hand may touch it, after a time at work.

The plain rise: the largest difference between the taped thermocouple and the room's within `work_s`, not an end value
fitted to the curve. A thermostat that cycles has no exponential to fit, what is rated for short times never reaches an
end, and the hottest that was seen is what a hand would have met. `work_s` is long enough that it is steady (a note says
where it is not), so neither what ran before this step nor the speed of a simulated bench moves it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from station.domain.errors import StepError
from station.domain.measurement import Curve, Measurement
from station.metrology.uncertainty import expanded, extreme, normal, wander
from station.steps.params import require
from station.steps.readings import needed
from station.steps.soak_tally import thinned
from station.steps.step import StepContext

STOPPED = 0.2
"""Of the power at work: less, and the device stands still."""
WORK = "work_power_w"


@dataclass(frozen=True, slots=True)
class Params:
    """`work_s` of test time at work, a reading each `every_s`; steady: the last third adds at most `steady_k`. A room
    that warms by more than `room_k` is the device's own air, and hides its rise."""

    work_s: float = 900.0
    every_s: float = 10.0
    steady_k: float = 1.0
    room_k: float = 5.0

    def __post_init__(self) -> None:
        require("work_s", self.work_s, 60.0, 14_400.0)
        require("every_s", self.every_s, 1.0, self.work_s / 12.0)
        require("steady_k", self.steady_k, 0.1, 20.0)
        require("room_k", self.room_k, 1.0, 20.0)


async def measure(context: StepContext, params: Params) -> None:
    """Records `temperature_rise_k`, its curve, and `held_power_percent`: the largest power within the last third, of
    the power at work. Without that a device that something stopped for good would pass for a cool one. Mains is on
    since the device was started."""
    meters = context.bench.meters
    at_s, begun_s = 0.0, context.clock.now_s()
    points: list[tuple[float, float]] = []
    powers: list[float] = []
    rooms: list[float] = []
    while at_s < params.work_s:
        await context.clock.sleep(params.every_s)
        at_s = context.clock.now_s() - begun_s
        degc = needed(await meters.fresh("temperature"), "temperature", "heatsink_degc", "ambient_degc")
        powers.append((await meters.fresh("mains"))["power_w"])
        rooms.append(degc["ambient_degc"])
        points.append((round(at_s, 1), degc["heatsink_degc"] - degc["ambient_degc"]))
        context.progress(
            min(1.0, at_s / params.work_s), {"temperature_rise_k": points[-1][1], "power_w": powers[-1]},
            max(0.0, params.work_s - at_s),
        )  # fmt: skip
    if max(rooms) - rooms[0] > params.room_k:
        raise StepError(
            f"room: its thermocouple rose by {max(rooms) - rooms[0]:.1f} K, may be {params.room_k:g} K; hang it away "
            "from the device's air, let both cool, then test again"
        )
    rises = [rise for _, rise in points]
    worst = max(rises)
    noise = 2.0 * math.sqrt(2.0) * wander(rooms)  # of two thermocouples; the hot one's own swing is no noise
    parts = [
        normal("hot place", meters.accuracy("temperature.heatsink_degc").expanded(worst)),
        normal("room", meters.accuracy("temperature.ambient_degc").expanded(0.0)),
        normal("noise", noise), extreme("picked", noise, len(rises)),
    ]  # fmt: skip
    context.record(
        Measurement("temperature_rise_k", worst, uncertainty=expanded(parts), conditions={"work_s": params.work_s})
    )
    xs, ys = zip(*((x, round(y, 2)) for x, y in thinned(points)), strict=True)
    context.curve(Curve("temperature_rise_k", "time", "s", "temperature_rise", "K", xs, ys))
    _record_held(context, powers)
    _notes(context, params, rises, powers)


def _record_held(context: StepContext, powers: list[float]) -> None:
    """A thermostat's pauses are shorter than a third of the time; where nothing was taken at all, nothing is known."""
    whole_w = context.already(WORK) or max(powers)
    held_w = max(powers[-(len(powers) // 3) :])
    if whole_w <= 0.0:
        context.record(Measurement("held_power_percent", None))
        return
    within_w = context.bench.meters.accuracy("mains.power_w").expanded(held_w)
    context.record(Measurement("held_power_percent", 100.0 * held_w / whole_w, uncertainty=100.0 * within_w / whole_w))


def _notes(context: StepContext, params: Params, rises: list[float], powers: list[float]) -> None:
    """Whether it worked, paused, was stopped for good, and was steady in the end."""
    third = len(rises) // 3
    added_k = max(rises[-third:]) - max(rises[:-third])
    if added_k > params.steady_k:
        context.note(f"not steady: the last third of {params.work_s:g} s added {added_k:.1f} K; a longer work_s tells")
    off = [power < STOPPED * (context.already(WORK) or max(powers)) for power in powers]
    if all(off[-third:]):
        context.note("the power fell and did not come back: a thermostat or a safety device has stopped it")
    elif any(off):
        context.note(f"its thermostat paused it: {sum(off)} of {len(off)} readings without its power")
