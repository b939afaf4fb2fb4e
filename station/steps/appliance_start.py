"""How an appliance starts: the peak of the current when the contactor closes, and the power once it has run up.

The first cycles are the peak probe's, which holds them; a mains meter averages over a second and would show a start
that hangs on where that second fell. So its power counts from `run_up_s` on: a motor that still takes its starting
power by then does not turn, and the next step is not for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.errors import StepError
from station.domain.measurement import Measurement
from station.steps.params import require
from station.steps.step import StepContext


@dataclass(frozen=True, slots=True)
class Params:
    """Test time from ON: `run_up_s` until its motor has run up, `watch_s` until this step is over.

    `reads_max`: readings of the probe to wait for the contactor; `present_a`, `present_w`: a probe that saw less while
    the mains meter sees more is dead.
    """

    run_up_s: float = 2.0
    watch_s: float = 6.0
    pause_s: float = 0.5
    reads_max: int = 40
    present_a: float = 0.2
    present_w: float = 20.0

    def __post_init__(self) -> None:
        require("run_up_s", self.run_up_s, 0.5, 30.0)
        require("watch_s", self.watch_s, self.run_up_s + 1.0, 120.0)
        require("pause_s", self.pause_s, 0.1, 5.0)
        require("reads_max", self.reads_max, 5, 500)
        require("present_a", self.present_a, 0.05, 10.0)
        require("present_w", self.present_w, 1.0, 200.0)


async def measure(context: StepContext, params: Params) -> None:
    """Arms the probe, switches mains on, records `start_current_a` (largest instantaneous current, A) and
    `start_power_w` (largest mains power from `run_up_s` to `watch_s`). Mains stays on."""
    meters = context.bench.meters
    await meters.arm_probe()
    await context.bench.mains.on(context.mains_bound_s)
    peak_a, power_w = 0.0, 0.0
    for _ in range(params.reads_max):
        peak_a = max(peak_a, (await meters.fresh("inrush"))["peak_a"])
        if peak_a >= params.present_a:
            break
    await context.clock.sleep(params.run_up_s)
    begun_s = context.clock.now_s()
    left_s = watch_s = params.watch_s - params.run_up_s
    while left_s > 0.0:
        power_w = max(power_w, (await meters.fresh("mains"))["power_w"])
        context.progress(1.0 - left_s / watch_s, {"start_current_a": peak_a, "start_power_w": power_w})
        await context.clock.sleep(min(params.pause_s, left_s))
        left_s = watch_s - (context.clock.now_s() - begun_s)
    peak_a = max(peak_a, (await meters.fresh("inrush"))["peak_a"])
    if peak_a < params.present_a and power_w > params.present_w:
        raise StepError(
            f"start: the DUT takes {power_w:.0f} W and the probe saw {peak_a:.2f} A at switch-on; "
            "check the peak-current probe, then test again"
        )
    for name, value, source in (
        ("start_current_a", peak_a, "inrush.peak_a"),
        ("start_power_w", power_w, "mains.power_w"),
    ):
        context.record(Measurement(name, value, uncertainty=meters.accuracy(source).expanded(value)))
