"""The connection check at low level: leads that are swapped, missing or shorted are told, asked about once, judged.

What the bench can tell, and by what:

    load missing or shorted      the load bank's own ohmmeter, before anything is driven
    swapped                      a tone on one channel comes out of the other alone
    speaker lead shorted         little is heard, and mains power rises far more than the tone is worth
    measuring lead missing       nothing is heard, and mains power rises as if it were
    source lead missing          nothing is heard, and the silent output hums: an open input picks that up

A silent channel without any of these is either a DUT that is dead there, or a source lead that is shorted, or a speaker
lead that is missing; DC at the terminals rules the last one out. Between them the bench cannot tell, and does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from station.domain.errors import StepError
from station.domain.measurement import CHANNELS, Channel
from station.domain.sound import Stimulus, ToneReading, Value
from station.steps.connection_words import Suspect, question
from station.steps.levels import db, delivers, plate_of, rated_output_v, source_v
from station.steps.loads import is_missing, is_shorted
from station.steps.params import require
from station.steps.step import StepContext

MORE_DB = 10.0
"""Mains power is looked at so much above the tone: after it is known that nothing is shorted."""
RAIL_FACTOR = 1.15
"""Rails of a class AB stage over the peak of its rated output: what a load's current costs in mains power."""
SHORT_FACTOR, FLOWS_FACTOR = 8.0, 0.35
"""Rise of mains power over the expected one: above the first it is a short, above the second current flows."""
RISE_W_MIN = 0.8
DRIVE_S, STREAM_S = 3.0, 60.0
JOINED_MV = 1.0
SILENT_FRACTION = 0.01
"""40 dB under what was asked: what leaks over from the other channel."""
HUM_FRACTION = 0.01
NOISE_S = 0.3
BENCH_FAULTS = ("load-short", "load-open")
STATION_FAULTS = ("swapped", "speaker-short", "capture-open")
"""Still there after the technician has put the leads right: the station's; measurements would blame the DUT."""


@dataclass(frozen=True, slots=True)
class Params:
    """Level below rated power, dB, and how far a driven channel must stand above the undriven one.

    `settle_s`: test time after mains has come back, once somebody has had their hands at the leads.
    """

    below_rated_db: float = 40.0
    frequency_hz: float = 1000.0
    capture_s: float = 0.2
    swapped_db: float = 10.0
    settle_s: float = 5.0

    def __post_init__(self) -> None:
        require("below_rated_db", self.below_rated_db, 20.0, 60.0)
        require("frequency_hz", self.frequency_hz, 500.0, 5000.0)
        require("capture_s", self.capture_s, 0.1, 5.0)
        require("swapped_db", self.swapped_db, 3.0, 40.0)
        require("settle_s", self.settle_s, 0.0, 600.0)


async def measure(context: StepContext, params: Params) -> None:
    """Looks; where something is wrong, has the leads checked and looks again. Measures nothing for the record.

    What is then still the leads' is the station's fault (`StepError`). A channel that stays silent, and whatever the
    technician answers NG to, is left to the measurements that follow.
    """
    suspects = await _look(context, params)
    if not suspects:
        return
    asked = question(suspects)
    about = {"leads": ",".join(suspect.id for suspect in suspects)}
    await context.bench.mains.off()
    await context.bench.drive.release()
    put_right = await context.ask(asked, about, hands=True)
    await context.bench.mains.on(context.mains_bound_s)
    await context.clock.sleep(params.settle_s)
    suspects = await _look(context, params)
    if not suspects:
        context.note("connection: the leads were put right")
        return
    if not put_right:
        context.note("connection: the technician says that the leads are right; the measurements judge")
    for suspect in suspects:
        if suspect.fault in BENCH_FAULTS or (put_right and suspect.fault in STATION_FAULTS):
            raise StepError(f"connection: {suspect.seen}; {suspect.asked[1]}, then test again")


async def _look(context: StepContext, params: Params) -> list[Suspect]:
    """Load bank, then one channel at a time at low level; what looks wrong goes on record as notes."""
    suspects = await _look_at_loads(context)
    if not suspects:
        await context.bench.drive.prepare()
        suspects = await _listen(context, params)
    for suspect in suspects:
        context.note(f"connection: {suspect.seen}")
    return suspects


async def _look_at_loads(context: StepContext) -> list[Suspect]:
    suspects: list[Suspect] = []
    for channel, (ohm, _) in (await context.bench.drive.measure_loads()).items():
        seen = f"load bank, {channel}: {ohm:.3g} ohm, the product wants {plate_of(context).load_ohm:g} ohm"
        if is_shorted(ohm, plate_of(context).load_ohm):
            suspects.append(Suspect("load-short", channel, seen))
        elif is_missing(ohm, plate_of(context).load_ohm):
            suspects.append(Suspect("load-open", channel, seen))
    return suspects


async def _listen(context: StepContext, params: Params) -> list[Suspect]:
    output_v = rated_output_v(context) / 10 ** (params.below_rated_db / 20.0)
    crossed, straight = [False, False], [False, False]
    for index in (0, 1):
        readings = await _tone(context, params, index, output_v)
        own, other = readings[index].level_v, readings[1 - index].level_v
        crossed[index] = _plays(other, output_v) and db(other.value / own.value) > params.swapped_db
        straight[index] = _plays(own, output_v) and not crossed[index]
        context.progress((index + 1) / 2)
    swapped = find_swapped(crossed, straight)
    if swapped is not None:
        return [swapped]
    found = [await _why(context, params, index, output_v) for index in (0, 1) if not straight[index]]
    return [suspect for suspect in found if suspect is not None]


async def _tone(context: StepContext, params: Params, index: int, output_v: float) -> tuple[ToneReading, ToneReading]:
    """One channel driven for `output_v` at its terminals, both heard."""
    left_v, right_v = _on(index, source_v(context, CHANNELS[index], output_v))
    return await context.bench.sound.measure_tone(Stimulus(params.frequency_hz, left_v, right_v, params.capture_s))


def _on(index: int, level_v: float) -> tuple[float, float]:
    return (level_v, 0.0) if index == 0 else (0.0, level_v)


def _plays(level: Value, asked_v: float) -> bool:
    return level.bound is None and delivers(level, asked_v)


def find_swapped(crossed: list[bool], straight: list[bool]) -> Suspect | None:
    """A channel that is heard on the other lead, and the other one not on its own: leads. Else it is a fault of the
    DUT (a dead channel and what leaks from its input), which is measured."""
    for index, channel in enumerate(CHANNELS):
        if crossed[index] and not straight[1 - index]:
            return Suspect("swapped", None, f"the tone on {channel} comes out of {CHANNELS[1 - index]}")
    return None


async def _why(context: StepContext, params: Params, index: int, low_v: float) -> Suspect | None:
    """What else the bench knows about a channel that does not play at `low_v`; None: it plays a little louder."""
    channel = CHANNELS[index]
    rise_w, expected_w = await _mains_rise(context, index, low_v)
    seen = f"{channel}: mains power rises by {rise_w:.1f} W at {low_v:.2g} V"
    if rise_w > max(SHORT_FACTOR * expected_w, RISE_W_MIN):
        return Suspect("speaker-short", channel, f"{seen}, at most {expected_w:.1f} W with its load")
    output_v = low_v * 10 ** (MORE_DB / 20.0)
    level = (await _tone(context, params, index, output_v))[index].level_v
    if _plays(level, output_v):
        context.note(f"connection: {channel} plays at {output_v:.2g} V, not at {low_v:.2g} V")
        return None
    is_silent = level.bound is not None or level.value < SILENT_FRACTION * output_v
    heard = "nothing is heard" if is_silent else f"heard {-db(level.value / output_v):.0f} dB too quiet"
    rise_w, expected_w = await _mains_rise(context, index, output_v)
    seen = (
        f"{channel}: {heard} at {output_v:.2g} V, mains power rises by {rise_w:.1f} W ({expected_w:.1f} W if it played)"
    )
    if is_silent and rise_w > max(FLOWS_FACTOR * expected_w, RISE_W_MIN):
        return Suspect("capture-open", channel, seen)
    noise_v = (await context.bench.sound.measure_noise(NOISE_S))[index].flat_v.value
    offset_mv = await _offset_mv(context, channel)
    joined = abs(offset_mv) >= JOINED_MV
    seen += f", {1000.0 * noise_v:.2f} mV of hum and noise, {offset_mv:.1f} mV DC"
    seen += " (so its speaker lead is in)" if joined else " (so its speaker lead may be out)"
    if is_silent and noise_v > HUM_FRACTION * low_v:
        return Suspect("source-open", channel, seen, joined)
    return Suspect("silent" if is_silent else "quiet", channel, seen, joined)


async def _mains_rise(context: StepContext, index: int, output_v: float) -> tuple[float, float]:
    """How much mains power rises while one channel is asked for `output_v`, and what a class AB stage would take, W."""
    drive_v = source_v(context, CHANNELS[index], output_v)
    before_w = (await context.bench.meters.fresh("mains"))["power_w"]
    stream = await context.bench.sound.start_soak(Stimulus(1000.0, *_on(index, drive_v), STREAM_S))
    try:
        await stream.advance(DRIVE_S)
        driven_w = (await context.bench.meters.fresh("mains"))["power_w"]
    finally:
        await stream.close()
    rail_v = RAIL_FACTOR * math.sqrt(2.0) * rated_output_v(context)
    return driven_w - before_w, rail_v * 0.9 * output_v / plate_of(context).load_ohm


async def _offset_mv(context: StepContext, channel: Channel) -> float:
    reading = await context.bench.meters.fresh("dc")
    return 1000.0 * (reading[f"{channel}_plus_v"] - reading[f"{channel}_minus_v"])
