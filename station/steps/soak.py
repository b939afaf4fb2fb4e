"""The soak: rated power, 1 kHz, two hours, every captured frame looked at.

The sound stream is gapless; between its batches the step reads mains power, DC and temperature. It ends early
only by a lasting silence (10 s), a trip or an abort. Then what needs the whole soak is SKIPPED. The long trace
(`trace`) is the same with another listener and another level.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from drivers.ports import Accuracy
from station.domain.measurement import CHANNELS, Channel, Curve, Measurement
from station.domain.sound import SoakBatch, SoakStream, Stimulus
from station.metrology.uncertainty import bound
from station.steps.levels import db, rated_output_v, source_v
from station.steps.loads import measured_loads
from station.steps.params import require
from station.steps.readings import furthest_uncertainty
from station.steps.soak_tally import Series, Tally, holds_silence, thinned
from station.steps.step import StepContext

T = TypeVar("T")
SCAN_S = 0.05
"""Wall seconds a batch aims at: one scan of the kernel."""
FOLLOW_S, FOLLOW_K = 600.0, 0.3
"""By then a heatsink under rated power has become warmer by at least this, ten times the noise of a thermometer."""
CLOCK_RELATIVE = 5.0e-5
"""The interface's crystal: seconds of the stream are its frames."""
GAIN_DRIFT_DB = 0.005
"""What an interface's gain may wander within hours, once warm."""
THERMOMETER_K = 0.03
"""What a thermometer may wander against itself within ten minutes."""
TURN_S = 0.001
"""Long enough that whoever's time has come meanwhile has his whole turn."""
WINDOW_STOPS = 10
"""Batches in the reference window, so that silences in some of them leave the others to compare with."""


@dataclass(frozen=True, slots=True)
class Params:
    """Length, frequency, the reference window (`reference_s` ± `window_s`), and when a silence ends the soak.

    `batch_s`: test time between two looks; 0: as often as the kernel scans, at least every 12 s.
    """

    duration_s: float = 7200.0
    frequency_hz: float = 1000.0
    reference_s: float = 300.0
    window_s: float = 5.0
    lasting_silence_s: float = 10.0
    rise_window_s: float = 600.0
    batch_s: float = 0.0

    def __post_init__(self) -> None:
        require("duration_s", self.duration_s, 20.0, 86400.0)
        require("frequency_hz", self.frequency_hz, 100.0, 5000.0)
        require("window_s", self.window_s, 1.0, 60.0)
        require("reference_s", self.reference_s, self.window_s, self.duration_s - self.window_s)
        require("lasting_silence_s", self.lasting_silence_s, 1.0, 600.0)
        require("rise_window_s", self.rise_window_s, 10.0, self.duration_s)
        require("batch_s", self.batch_s, 0.0, 600.0)


class Listener:
    """Who starts and closes the stream of a soak, and what else is looked at in each stretch of it."""

    stream: SoakStream
    warms = True
    """Whether the level must warm the heatsink."""

    async def start(self, context: StepContext, stimulus: Stimulus) -> None:
        """Start the stream."""
        self.stream = await context.bench.sound.start_soak(stimulus)

    async def look(self, began_s: float, readings: Mapping[str, float]) -> None:
        """The meters' readings of the stretch that began at `began_s` of the stream."""

    def wanted_s(self, silent_from_s: float) -> float:
        """How far the stream is wanted although a silence that lasts began at `silent_from_s`."""
        return silent_from_s

    async def close(self, context: StepContext) -> None:
        """End the stream; the step may have been cancelled."""
        await self.stream.close()


async def measure(context: StepContext, params: Params) -> None:
    """Records the nine soak measurements and the curves over test time."""
    await monitor(context, params, rated_output_v(context), Listener())


async def monitor(context: StepContext, params: Params, output_v: float, listener: Listener) -> None:
    """A soak at `output_v` V rms at the terminals."""
    drive = context.bench.drive
    before = await measured_loads(context)
    await drive.prepare()
    left_v, right_v = (source_v(context, channel, output_v) for channel in CHANNELS)
    tally = Tally(params.reference_s, params.window_s)
    await listener.start(context, Stimulus(params.frequency_hz, left_v, right_v, params.duration_s))
    try:
        await _run(context, params, listener, tally)
    finally:
        try:
            await listener.close(context)
        finally:
            _curves(context, tally)
    _record_dropouts(context, tally)
    _record_heatsink(context, tally)
    await _let_scan()
    if tally.longest_silence_s >= params.lasting_silence_s:
        context.note(f"ended at {tally.end_s:.1f} s: silent for {tally.longest_silence_s:.1f} s")
        _skip_the_rest(context)
        return
    await _record_sound(context, tally)
    await _let_scan()
    _record_mains_and_rise(context, params, tally)
    after = await measured_loads(context)
    for channel in CHANNELS:
        (ohm, u_ohm), (ohm_before, u_before) = after[channel], before[channel]
        uncertainty = 100.0 * math.hypot(u_ohm / ohm, u_before / ohm_before)
        context.record(Measurement("load_drift_percent", 100.0 * (ohm / ohm_before - 1.0), channel, uncertainty))


def _next_stop(at_s: float, batch_s: float, params: Params) -> float:
    """Where the next batch ends: often inside the reference window, at the end exactly."""
    first_s, step_s = params.reference_s - params.window_s, 2.0 * params.window_s / WINDOW_STOPS
    inside = (first_s + i * step_s for i in range(WINDOW_STOPS + 1))
    return min(stop for stop in (*inside, params.duration_s, at_s + batch_s) if stop > at_s + 1e-6)


async def _run(context: StepContext, params: Params, listener: Listener, tally: Tally) -> None:
    """Stretch by stretch: the meters are read while the sound of the same stretch goes on."""
    batch_s = params.batch_s or min(max(context.clock.speed * SCAN_S, 1.0), 12.0)
    at_s, batch, was_cut = 0.0, None, False
    while at_s < params.duration_s - 1e-6:
        began_s, at_s = at_s, _next_stop(at_s, batch_s, params)
        batch, readings = await _together(listener.stream.advance(at_s), _read_meters(context))
        tally.take(batch)
        await listener.look(began_s, readings)
        cut = holds_silence(batch)
        if not (was_cut or cut):  # the supply takes a moment to follow
            tally.mains_w.append((began_s, readings["power_w"]))
        was_cut = cut
        for index, channel in enumerate(CHANNELS):
            tally.offset_v[index].append((began_s, readings[f"{channel}_plus_v"] - readings[f"{channel}_minus_v"]))
        tally.heatsink_degc.append((began_s, readings["heatsink_degc"]))
        if listener.warms and at_s >= FOLLOW_S > began_s:
            tally.refuse_a_stuck_thermometer(FOLLOW_K)
        context.progress(at_s / params.duration_s, _live(params, tally, readings, at_s), params.duration_s - at_s)
        if tally.longest_silence_s >= params.lasting_silence_s and at_s >= listener.wanted_s(tally.longest_from_s):
            break
    tally.close(batch)


async def _read_meters(context: StepContext) -> dict[str, float]:
    """Mains, DC and temperature, one fresh reading each."""
    readings: dict[str, float] = {}
    for role in ("mains", "dc", "temperature"):
        readings |= await context.bench.meters.fresh(role)
    return readings


async def _together(advance: Coroutine[Any, Any, SoakBatch], read: Coroutine[Any, Any, T]) -> tuple[SoakBatch, T]:
    """Both, side by side; when one fails the other is ended before the failure goes on."""
    sound, meters = asyncio.ensure_future(advance), asyncio.ensure_future(read)
    try:
        return await asyncio.gather(sound, meters)
    except BaseException:
        sound.cancel()
        meters.cancel()
        await asyncio.gather(sound, meters, return_exceptions=True)
        raise


def _live(params: Params, tally: Tally, readings: dict[str, float], at_s: float) -> dict[str, float]:
    live = {name: readings[name] for name in ("power_w", "heatsink_degc")} | {"remaining_s": params.duration_s - at_s}
    for index, channel in enumerate(CHANNELS):
        if tally.level_v[index]:
            live[f"{channel}_v"] = tally.level_v[index][-1][1]
    return live


def _record_dropouts(context: StepContext, tally: Tally) -> None:
    for index, channel in enumerate(CHANNELS):
        dropouts = tally.dropouts(index)
        conditions: dict[str, str | float] = {"longer_than_s": 0.05}
        if dropouts:
            conditions["first_at_s"] = round(dropouts[0][0], 3)
            conditions["longest_s"] = round(max(length for _, length in dropouts), 3)
        context.record(Measurement("dropouts", float(len(dropouts)), channel, 0.0, conditions=conditions))


def _record_heatsink(context: StepContext, tally: Tally) -> None:
    values = _values(tally.heatsink_degc)
    accuracy = context.bench.meters.accuracy("temperature.heatsink_degc")
    uncertainty = furthest_uncertainty(max(values), values, accuracy)
    context.record(Measurement("heatsink_degc", max(values), uncertainty=uncertainty))


def _skip_the_rest(context: StepContext) -> None:
    for name in ("soak_s", "soak_mains_power_w", "heatsink_rise_k"):
        context.skip(name)
    for name in ("power_drift_db", "soak_thd_percent", "soak_dc_offset_mv", "load_drift_percent"):
        for channel in CHANNELS:
            context.skip(name, channel)


def _cannot(context: StepContext, tally: Tally, name: str, channel: Channel | None = None) -> None:
    """What silences left nothing to compare with: the DUT's doing if they count as dropouts, else nobody's proof."""
    context.note(f"{name}: every second in question holds a silence")
    if any(tally.dropouts(index) for index in (0, 1)):
        context.skip(name, channel)
    else:
        context.record(Measurement(name, None, channel))


async def _let_scan() -> None:
    """Two hours are 7,200 values a channel: between one figure of them and the next the scan has its turn.

    A pause of no length at all would give it only half of one.
    """
    await asyncio.sleep(TURN_S)


async def _record_sound(context: StepContext, tally: Tally) -> None:
    context.record(
        Measurement("soak_s", tally.end_s, uncertainty=bound("clock", CLOCK_RELATIVE * tally.end_s).expanded)
    )
    for index, channel in enumerate(CHANNELS):
        await _let_scan()
        reference = tally.reference(tally.level_v[index])
        worst = None if reference is None else tally.furthest(tally.level_v[index], partial(_apart_db, reference))
        await _let_scan()
        if reference is None or worst is None:
            _cannot(context, tally, "power_drift_db", channel)
        else:
            context.record(
                Measurement(
                    "power_drift_db", db(worst / reference), channel, _drift_uncertainty_db(tally.level_v[index]),
                    conditions={"reference_v": round(reference, 4)},
                )
            )  # fmt: skip
        await _let_scan()
        _record_thd(context, tally, index, channel)
        await _let_scan()
        _record_offset(context, channel, tally.offset_v[index])


def _record_thd(context: StepContext, tally: Tally, index: int, channel: Channel) -> None:
    worst_thd = max((value for _, value in tally.thd_percent[index]), default=None)
    if worst_thd is None:
        _cannot(context, tally, "soak_thd_percent", channel)
        return
    thd = _values(tally.thd_percent[index])
    uncertainty = furthest_uncertainty(worst_thd, thd, Accuracy(), tally.thd_uncertainty[index])
    context.record(Measurement("soak_thd_percent", worst_thd, channel, uncertainty))


def _apart(reference: float, value: float) -> float:
    """How far two values are apart, in their unit."""
    return abs(value - reference)


def _apart_db(reference: float, value: float) -> float:
    """How far two levels are apart, in dB: a fall counts more than a rise of as many volts."""
    return abs(db(value / reference))


def _record_offset(context: StepContext, channel: Channel, series: Series) -> None:
    values = _values(series)
    worst_v = max(values, key=abs)
    plus, minus = (context.bench.meters.accuracy(f"dc.{channel}_{end}_v") for end in ("plus", "minus"))
    uncertainty_v = furthest_uncertainty(worst_v, values, plus, minus.expanded(0.0))  # minus is chassis: about 0 V
    context.record(Measurement("soak_dc_offset_mv", 1000.0 * worst_v, channel, 1000.0 * uncertainty_v))


def _record_mains_and_rise(context: StepContext, params: Params, tally: Tally) -> None:
    accuracy = context.bench.meters.accuracy("mains.power_w")
    reference = tally.reference(tally.mains_w)
    worst = None if reference is None else tally.furthest(tally.mains_w, partial(_apart, reference))
    if worst is None:
        _cannot(context, tally, "soak_mains_power_w")
    else:
        uncertainty = furthest_uncertainty(worst, _values(tally.mains_w), accuracy)
        context.record(Measurement("soak_mains_power_w", worst, uncertainty=uncertainty, reference=reference))
    rise = tally.rise_k(params.rise_window_s)
    if rise is None:
        context.record(Measurement("heatsink_rise_k", None))
    else:
        uncertainty = math.hypot(rise[1], bound("thermometer against itself", THERMOMETER_K).expanded)
        context.record(Measurement("heatsink_rise_k", rise[0], uncertainty=uncertainty))


def _values(series: Series) -> list[float]:
    return [value for _, value in series]


def _drift_uncertainty_db(series: Series) -> float:
    """Of the second that lies furthest from the reference; what scales all of them alike cancels."""
    levels_db = [db(value) for value in _values(series) if value > 0.0]
    return furthest_uncertainty(0.0, levels_db, Accuracy(), bound("interface's gain", GAIN_DRIFT_DB).expanded)


def _curves(context: StepContext, tally: Tally) -> None:
    """The soak over test time, thinned; also after a trip or an abort."""

    def add(name: str, unit: str, series: Series, digits: int, channel: Channel | None = None) -> None:
        points = thinned(series)
        if points:
            xs, ys = zip(*((round(x, 1), round(y, digits)) for x, y in points), strict=True)
            context.curve(Curve(name, "time", "s", name.rsplit("_", 1)[0], unit, xs, ys, channel))

    for index, channel in enumerate(CHANNELS):
        add("soak_level_v", "V", tally.level_v[index], 4, channel)
        add("soak_thd_percent", "%", tally.thd_percent[index], 5, channel)
    add("soak_mains_power_w", "W", tally.mains_w, 1)
    add("soak_heatsink_degc", "degC", tally.heatsink_degc, 2)
