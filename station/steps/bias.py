"""Bias: warming up, and the trimmers' adjustment under a live reading (the repair centre's procedure: 50 mA ± 5 mA).

The meter reads millivolts across one emitter resistor of each channel; the product says how many ohms those are and
what the bias should be. A hand turns the trimmer, `bias_lead` says which way. Ten readings a second of wall time, and
each of them is also looked at by the interlocks on the bias meter: overshoot trips within a few readings.
Settling counts test time; see docs/adjusting-bias.md for what that means on a bench that runs faster.
"""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.errors import StepDeclined, StepError
from station.domain.measurement import CHANNELS, Channel, Curve, Measurement
from station.domain.prompt import PROMPT_S
from station.steps.bias_lead import Lead, Window, drift_of
from station.steps.bias_meter import READ_S, WEIGH_EVERY, MeterWatch, refuse_frozen, refuse_loose, refuse_reversed
from station.steps.levels import plate_of
from station.steps.params import require
from station.steps.readings import mean_of
from station.steps.step import StepContext

DONE_S = 0.8
"""Wall seconds for which a technician sees and hears that a channel is done."""
CURVE_POINTS = 240
SIGN = {
    "zh": "偏置已调好并稳定：请调整的工程师扫描本人工牌签字；不认可按 NG",
    "en": "The bias is set and steady: who adjusted it signs with their badge; NG if they do not stand behind it",
}


@dataclass(frozen=True, slots=True)
class WarmUpParams:
    """Warm: the heatsink has moved less than `steady_k` a minute over `window_s`; not before `least_s` of test time.

    After `most_s` the run goes on, with a note: whether the bias drifts is judged where it is set.
    """

    least_s: float = 120.0
    most_s: float = 900.0
    window_s: float = 60.0
    steady_k: float = 0.5

    def __post_init__(self) -> None:
        require("least_s", self.least_s, 0.0, 3600.0)
        require("most_s", self.most_s, self.least_s, 7200.0)
        require("window_s", self.window_s, 10.0, 600.0)
        require("steady_k", self.steady_k, 0.05, 10.0)


@dataclass(frozen=True, slots=True)
class Params:
    """The window around the product's bias (mA), what settled means, and how long a hand may take (wall seconds).

    `power_rise_w`: so much more from the mains, without the reading following, and the meter is believed no more.
    """

    within_ma: float = 5.0
    aim_ma: float = 2.5
    drift_ma: float = 1.0
    settle_s: float = 60.0
    readings_min: int = 30
    quiet_readings: int = 10
    patience_s: float = 900.0
    power_rise_w: float = 5.0

    def __post_init__(self) -> None:
        require("within_ma", self.within_ma, 0.5, 100.0)
        require("aim_ma", self.aim_ma, 0.1, self.within_ma)
        require("drift_ma", self.drift_ma, 0.05, 100.0)
        require("settle_s", self.settle_s, 5.0, 1800.0)
        require("readings_min", self.readings_min, 10, 1000)
        require("quiet_readings", self.quiet_readings, 1, 100)
        require("patience_s", self.patience_s, 5.0, 7200.0)
        require("power_rise_w", self.power_rise_w, 1.0, 50.0)


@dataclass(frozen=True, slots=True)
class SignatureParams:
    """`wait_s`: how long the prompt waits, wall seconds."""

    wait_s: float = PROMPT_S

    def __post_init__(self) -> None:
        require("wait_s", self.wait_s, 10.0, 86_400.0)


async def measure_warm_up(context: StepContext, params: WarmUpParams) -> None:
    """Waits, with mains on, until the heatsink is steady. Records nothing that is judged; notes what it found.

    Raises `StepError` as soon as the bias meter's clips show to be the wrong way round.
    """
    clock, began_s = context.clock, context.clock.now_s()
    rows: list[tuple[float, float, float]] = []
    while True:
        refuse_reversed(await context.bench.meters.fresh("bias"))
        degc = (await context.bench.meters.fresh("temperature"))["heatsink_degc"]
        passed_s = clock.now_s() - began_s
        rows.append((passed_s, degc, degc))
        while rows[-1][0] - rows[1 if len(rows) > 1 else 0][0] >= params.window_s:
            del rows[0]
        line = drift_of(rows, "left")
        full = rows[-1][0] - rows[0][0] >= params.window_s
        if passed_s >= params.least_s and full and line is not None and abs(line.ma) <= params.steady_k:
            context.note(f"warm after {passed_s:.0f} s: {degc:.1f} degC, {line.ma:+.2f} K a minute")
            return
        if passed_s >= params.most_s:
            context.note(
                f"not steady after {passed_s:.0f} s: {degc:.1f} degC; the bias is watched for drift all the same"
            )
            return
        left_s = max(params.least_s, params.window_s) - passed_s
        context.progress(passed_s / params.most_s, {"heatsink_degc": degc}, max(0.0, left_s))
        await clock.sleep(max(1.0, READ_S * clock.speed))


async def measure(context: StepContext, params: Params) -> None:
    """Records `bias_ma`, `bias_drift_ma` (the change in a minute) per channel, and `heatsink_degc`.

    Where it does not settle in time, `bias_ma` is what was read last, and what would prove that it had settled stays
    out: never a PASS. Raises `StepError` where the product file says no bias and where the meter is not to be
    believed, `StepDeclined` where no clip holds.
    """
    ohm, target_ma = plate_of(context).emitter_ohm, plate_of(context).bias_ma
    if ohm is None or target_ma is None:
        raise StepError(
            f"product {context.product.id} does not say its bias; write emitter_ohm and bias_ma into its file"
        )
    await refuse_loose(context)
    lead = Lead(
        Window(
            target_ma, params.within_ma, params.aim_ma, params.drift_ma, params.settle_s, params.readings_min,
            params.quiet_readings,
        )
    )  # fmt: skip
    try:
        left_ma, right_ma = await _lead(context, params, lead, ohm)
    finally:
        context.guide(None)
    if lead.settled:
        refuse_frozen(lead.stretch)
    last_ma: dict[Channel, float] = {"left": left_ma, "right": right_ma}
    for channel, value in last_ma.items():
        _record(context, lead, channel, value, ohm)
    if lead.restarts:
        context.note(f"left the window {lead.restarts} times while settling; the time began anew")
    if not lead.settled:
        context.note(f"not settled within {params.patience_s:g} s of turning; check trimmer, bias transistor and clips")
        context.skip("heatsink_degc")
        return
    degc = (await context.bench.meters.fresh("temperature"))["heatsink_degc"]
    accuracy = context.bench.meters.accuracy("temperature.heatsink_degc")
    context.record(Measurement("heatsink_degc", degc, uncertainty=accuracy.expanded(degc)))


async def measure_signature(context: StepContext, params: SignatureParams) -> None:
    """Mains off, then a badge signs; it goes on record. Raises `StepDeclined` on NG, `StepError` on a time-out."""
    await context.bench.mains.off()
    signed_by = await context.ask_badge(SIGN, wait_s=params.wait_s)
    if signed_by is None:
        raise StepDeclined("signature: NG, nobody stands behind the adjustment; adjust and sign again")


async def _lead(context: StepContext, params: Params, lead: Lead, ohm: float) -> tuple[float, float]:
    """Read and guide until it has settled or patience ends. Means of the last ten readings, left and right, mA."""
    clock, began_s, meters = context.clock, context.clock.now_s(), context.bench.meters
    period_s, watch = READ_S * clock.speed, MeterWatch(params.power_rise_w)
    last: list[tuple[float, float]] = []
    for count in range(round(params.patience_s / READ_S)):
        due_s = clock.now_s() + period_s
        readings = await meters.fresh("bias")
        at_s = clock.now_s() - began_s
        values = readings["left_mv"] / ohm, readings["right_mv"] / ohm
        last = [*last[-9:], values]
        guides = lead.take(at_s, *values)
        watch.take(readings, {g.channel: g.hint for g in guides if g.channel is not None})
        for guide in guides:
            context.guide(guide)
        if count % WEIGH_EVERY == 0:
            watch.weigh((await meters.fresh("mains"))["power_w"], sum(values))
            told = {"bias_left_ma": round(values[0], 2), "bias_right_ma": round(values[1], 2)}
            context.progress(lead.fraction, told, max(0.0, params.settle_s - lead.span_s))
        if any(guide.hint == "done" for guide in guides):
            await clock.sleep(DONE_S * clock.speed)
        if lead.settled:
            break
        await clock.sleep(max(0.0, due_s - clock.now_s()))
    left, right = (sum(row[channel] for row in last) / len(last) for channel in (0, 1))
    return left, right


def _record(context: StepContext, lead: Lead, channel: Channel, last_ma: float, ohm: float) -> None:
    accuracy = context.bench.meters.accuracy(f"bias.{channel}_mv")
    conditions: dict[str, str | float] = {"emitter_ohm": ohm}
    drift = lead.drift(channel)
    if drift is None or not lead.is_complete:
        uncertainty = accuracy.expanded(last_ma * ohm) / ohm
        context.record(Measurement("bias_ma", last_ma, channel, uncertainty, conditions=conditions | {"settled": "no"}))
        context.skip("bias_drift_ma", channel)
        return
    conditions |= {
        "over_s": round(lead.span_s, 1), "readings": float(len(lead.stretch)),
        "low_ma": round(drift.low_ma, 3), "high_ma": round(drift.high_ma, 3),
    }  # fmt: skip
    readings_mv = [row[1 + CHANNELS.index(channel)] * ohm for row in lead.stretch]
    uncertainty = mean_of(readings_mv, accuracy)[1] / ohm
    context.record(Measurement("bias_ma", drift.mean_ma, channel, uncertainty, conditions=conditions))
    change: dict[str, str | float] = {"per_s": 60.0, "over_s": round(lead.span_s, 1)}
    context.record(Measurement("bias_drift_ma", drift.ma, channel, drift.uncertainty_ma, conditions=change))
    step = -(-len(lead.stretch) // CURVE_POINTS)
    rows = lead.stretch[::step]
    column = 1 + CHANNELS.index(channel)
    context.curve(
        Curve(
            "bias", "time", "s", "bias", "mA", tuple(round(row[0] - rows[0][0], 2) for row in rows),
            tuple(round(row[column], 3) for row in rows), channel,
        )
    )  # fmt: skip
