"""The first switch-on of a device that may be broken: current watched from the first cycle, off at once if it is gross.

The probe's hold is armed before K closes; probe and mains meter are read from before ON, and at full rate from ON until
the watch is over. There is no series limiter on the reference bench: what flows before the first reading flows (the
probe holds it); what follows is bounded by the time of a reading and an OFF.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from station.domain.errors import StepError
from station.domain.measurement import Measurement
from station.steps.params import require
from station.steps.step import StepContext

LOOK_S = 0.05
"""Wall seconds between two looks while ON is on its way."""


@dataclass(frozen=True, slots=True)
class Params:
    """Off at once above `off_above_a` or `off_above_w`; `watch_readings`: pairs of readings after ON.

    `present_a`, `present_w`: a probe that saw less while the mains meter sees more is dead.
    """

    off_above_a: float = 50.0
    off_above_w: float = 160.0
    watch_readings: int = 20
    present_a: float = 0.5
    present_w: float = 5.0

    def __post_init__(self) -> None:
        require("off_above_a", self.off_above_a, 1.0, 600.0)
        require("off_above_w", self.off_above_w, 10.0, 3000.0)
        require("watch_readings", self.watch_readings, 5, 1000)
        require("present_a", self.present_a, 0.1, 10.0)
        require("present_w", self.present_w, 1.0, 100.0)


@dataclass(slots=True)
class _Seen:
    """The largest of each since the watch began."""

    peak_a: float = 0.0
    power_w: float = 0.0

    def is_gross(self, params: Params) -> bool:
        return self.peak_a > params.off_above_a or self.power_w > params.off_above_w


async def measure(context: StepContext, params: Params) -> None:
    """Records `power_up_a` (largest instantaneous current) and `power_up_w` (largest mains power). Mains stays on,
    unless one of them was gross."""
    meters, seen = context.bench.meters, _Seen()
    await meters.arm_probe()
    switching = asyncio.ensure_future(context.bench.mains.on(context.mains_bound_s))
    try:
        await _watch(context, params, switching, seen)
    finally:
        if seen.is_gross(params):
            _record(context, seen)  # whatever happens from here on: the kernel may trip on the same reading
        if not switching.done():
            switching.cancel()
            await asyncio.gather(switching, return_exceptions=True)
    if seen.is_gross(params):
        await context.bench.mains.off()
        context.note(f"switched off at once: {seen.peak_a:.1f} A peak, {seen.power_w:.0f} W")
        return
    if seen.peak_a < params.present_a and seen.power_w > params.present_w:
        raise StepError(
            f"power-up: the DUT takes {seen.power_w:.0f} W and the probe saw {seen.peak_a:.2f} A at switch-on; "
            "check the peak-current probe, then test again"
        )
    _record(context, seen)


async def _watch(context: StepContext, params: Params, switching: asyncio.Future[None], seen: _Seen) -> None:
    """Until the watch is over or something gross was seen. Raises what kept mains from coming on."""
    left = params.watch_readings
    while left > 0 and not seen.is_gross(params):
        probe, mains = await _both(context)
        seen.peak_a = max(seen.peak_a, probe["peak_a"])
        seen.power_w = max(seen.power_w, mains["power_w"])
        if not switching.done():
            await asyncio.wait(
                {switching}, timeout=LOOK_S
            )  # the kernel may make it wait for the pause since the last OFF
        else:
            await switching
            left -= 1
            context.progress(1.0 - left / params.watch_readings, {"peak_a": seen.peak_a, "power_w": mains["power_w"]})


async def _both(context: StepContext) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Probe and mains meter side by side: they hang on different wires."""
    meters = context.bench.meters
    probe, mains = await asyncio.gather(meters.fresh("inrush"), meters.fresh("mains"))
    return probe, mains


def _record(context: StepContext, seen: _Seen) -> None:
    meters = context.bench.meters
    for name, value, source in (
        ("power_up_a", seen.peak_a, "inrush.peak_a"),
        ("power_up_w", seen.power_w, "mains.power_w"),
    ):
        context.record(Measurement(name, value, uncertainty=meters.accuracy(source).expanded(value)))


@dataclass(frozen=True, slots=True)
class HeldParams:
    """Nothing to set: the probe has held the peak since power-up."""


async def measure_held(context: StepContext, params: HeldParams) -> None:
    """Records `inrush_a`: what the probe's hold has kept since it was armed before ON."""
    meters = context.bench.meters
    peak_a = (await meters.fresh("inrush"))["peak_a"]
    context.record(Measurement("inrush_a", peak_a, uncertainty=meters.accuracy("inrush.peak_a").expanded(peak_a)))
