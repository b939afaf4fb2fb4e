"""Crosstalk at 1 kHz, both ways, and the damping factor."""

from __future__ import annotations

import math
from dataclasses import dataclass

from station.domain.measurement import CHANNELS, Measurement
from station.domain.sound import Stimulus, ToneReading
from station.metrology.uncertainty import DB
from station.steps.levels import db, db_uncertainty, delivers, noise_db, plate_of, rated_output_v, source_v
from station.steps.params import require
from station.steps.step import StepContext


@dataclass(frozen=True, slots=True)
class CrosstalkParams:
    """Level below rated power (dB), frequency and length of the capture."""

    below_rated_db: float = 3.0
    frequency_hz: float = 1000.0
    capture_s: float = 0.3

    def __post_init__(self) -> None:
        require("below_rated_db", self.below_rated_db, 0.0, 40.0)
        require("frequency_hz", self.frequency_hz, 20.0, 20000.0)
        require("capture_s", self.capture_s, 0.1, 10.0)


async def measure_crosstalk(context: StepContext, params: CrosstalkParams) -> None:
    """Records `crosstalk_db`; its channel is the undriven one."""
    await context.bench.drive.prepare()
    output_v = rated_output_v(context) / 10 ** (params.below_rated_db / 20.0)
    for index, channel in enumerate(CHANNELS):
        drive_v = source_v(context, channel, output_v)
        stimulus = Stimulus(
            params.frequency_hz, drive_v if index == 0 else 0.0, drive_v if index == 1 else 0.0, params.capture_s
        )
        readings = await context.bench.sound.measure_tone(stimulus)
        _record_crosstalk(context, readings[index], readings[1 - index], output_v)
        context.progress((index + 1) / 2)


def _record_crosstalk(context: StepContext, driven: ToneReading, undriven: ToneReading, asked_v: float) -> None:
    if driven.level_v.bound is not None:
        context.note(f"{driven.channel} is silent, so nothing can leak from it")
        context.record(Measurement("crosstalk_db", 0.0, undriven.channel, 0.0, "above"))
        return
    if undriven.level_v.bound is not None and not delivers(driven.level_v, asked_v):
        context.note(f"{driven.channel} gives only {driven.level_v.value:.3g} V, too little to see it leak")
        context.skip("crosstalk_db", undriven.channel)
        return
    uncertainty = math.hypot(
        db_uncertainty(driven.level_v), db_uncertainty(undriven.level_v) if undriven.level_v.bound is None else 0.0
    )
    context.record(
        Measurement(
            "crosstalk_db", db(undriven.level_v.value / driven.level_v.value), undriven.channel, uncertainty,
            undriven.level_v.bound, conditions={"driven": driven.channel},
        )
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DampingParams:
    """Power at which the load is taken off (at most 1 W), frequency and length of each capture."""

    power_w: float = 0.9
    frequency_hz: float = 1000.0
    capture_s: float = 0.3

    def __post_init__(self) -> None:
        require("power_w", self.power_w, 0.01, 1.0)
        require("frequency_hz", self.frequency_hz, 20.0, 20000.0)
        require("capture_s", self.capture_s, 0.2, 10.0)


async def measure_damping(context: StepContext, params: DampingParams) -> None:
    """Records `damping_factor` per channel: 1/(V_open/V_loaded - 1), muted while the load switches."""
    drive = context.bench.drive
    await drive.prepare()
    output_v = math.sqrt(params.power_w * plate_of(context).load_ohm)
    left_v, right_v = (source_v(context, channel, output_v) for channel in CHANNELS)
    stimulus = Stimulus(params.frequency_hz, left_v, right_v, params.capture_s)
    loaded = await context.bench.sound.measure_tone(stimulus)
    context.progress(0.4)
    await drive.unload(max(left_v, right_v))
    unloaded = await context.bench.sound.measure_tone(stimulus)
    context.progress(0.8)
    await drive.prepare()
    for with_load, without in zip(loaded, unloaded, strict=True):
        _record_damping(context, with_load, without, params)


def _record_damping(context: StepContext, loaded: ToneReading, unloaded: ToneReading, params: DampingParams) -> None:
    channel = loaded.channel
    if loaded.level_v.bound is not None or unloaded.level_v.bound is not None:
        context.note(f"{channel} is silent, so it damps nothing")
        context.record(Measurement("damping_factor", 0.0, channel, 0.0, "below"))
        return
    drop = unloaded.level_v.value / loaded.level_v.value - 1.0
    drop_uncertainty = math.hypot(noise_db(loaded.level_v), noise_db(unloaded.level_v)) / DB  # the scale cancels
    conditions: dict[str, str | float] = {"frequency_hz": params.frequency_hz, "power_w": params.power_w}
    if drop <= drop_uncertainty:
        if not delivers(unloaded.level_v, math.sqrt(params.power_w * plate_of(context).load_ohm)):
            context.note(f"{channel} gives only {unloaded.level_v.value:.3g} V, too little to see it sag")
            context.skip("damping_factor", channel)
            return
        value = 1.0 / max(drop + drop_uncertainty, 1e-9)
        uncertainty = value * drop_uncertainty / max(drop + drop_uncertainty, 1e-9)
        context.record(Measurement("damping_factor", value, channel, uncertainty, "above", conditions=conditions))
        return
    value = 1.0 / drop
    uncertainty = 1.0 / (drop - drop_uncertainty) - value  # the further end
    context.record(Measurement("damping_factor", value, channel, uncertainty, conditions=conditions))
