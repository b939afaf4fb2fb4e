"""Frequency response re 1 kHz, 10 dB below rated power, 20 Hz to 20 kHz (IEC 60268-3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from station.domain.measurement import Curve, Measurement
from station.domain.sound import ResponseReading, Value
from station.metrology.uncertainty import DB, expanded, extreme, normal
from station.steps.levels import db, db_uncertainty, delivers, noise_db, rated_output_v, source_v
from station.steps.params import require
from station.steps.step import StepContext

REFERENCE_HZ = 1000.0
LEAST_SEEN = 3
"""Frequencies whose distortion stands out of the noise; fewer make no curve."""
THIRD_OCTAVES_HZ = (
    20.0, 25.0, 31.5, 40.0, 50.0, 63.0, 80.0, 100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0,
    1000.0, 1250.0, 1600.0, 2000.0, 2500.0, 3150.0, 4000.0, 5000.0, 6300.0, 8000.0, 10000.0, 12500.0, 16000.0, 20000.0,
)  # fmt: skip
"""IEC 61260 nominal mid-band frequencies."""


@dataclass(frozen=True, slots=True)
class Params:
    """Level below rated power, dB; `mask_drop_db` is drawn with the curve, it judges nothing."""

    below_rated_db: float = 10.0
    mask_drop_db: float = 3.0

    def __post_init__(self) -> None:
        require("below_rated_db", self.below_rated_db, 0.0, 40.0)
        require("mask_drop_db", self.mask_drop_db, 0.1, 20.0)


async def measure(context: StepContext, params: Params) -> None:
    """Records `response_drop_db` per channel (largest fall below the 1 kHz level) and the curves: level, THD, phase,
    crosstalk both ways."""
    await context.bench.drive.prepare()
    output_v = rated_output_v(context) / 10 ** (params.below_rated_db / 20.0)
    readings = await context.bench.sound.measure_response(
        THIRD_OCTAVES_HZ, source_v(context, "left", output_v), source_v(context, "right", output_v)
    )
    for reading in readings:
        record_drop(context, reading, params, output_v)
    draw_beside(context, *readings)


def fall_uncertainty_db(reading: ResponseReading, among: Sequence[Value], lowest: Value, reference: Value) -> float:
    """Of a fall from `reference` to the `lowest` level `among` those looked at, dB (k=2). What is the same at all
    frequencies cancels; where noise could have made another one the lowest, that is in it too."""
    noise = noise_db(lowest)
    candidates = sum(
        1 for level in among if level.value > 0.0 and db(level.value / max(lowest.value, 1e-9)) <= 2.0 * noise
    )
    parts = (
        normal("noise and fit", noise), normal("noise and fit at 1 kHz", noise_db(reference)),
        normal("interface's response", DB * reading.flatness_relative), extreme("lowest of several", noise, candidates),
    )  # fmt: skip
    return expanded(parts)


def record_drop(context: StepContext, reading: ResponseReading, params: Params, asked_v: float) -> None:
    """Records `response_drop_db` of one channel and its curve."""
    reference = reading.level_v[reading.frequency_hz.index(REFERENCE_HZ)]
    if reference.bound is not None:
        context.note(f"{reading.channel}: no signal at 1 kHz; the fall is counted from the level that was asked for")
        fall_db = max(0.0, db(asked_v / reference.value))
        uncertainty = db_uncertainty(reference)
        context.record(Measurement("response_drop_db", fall_db, reading.channel, uncertainty, "above"))
        return
    if any(level.bound for level in reading.level_v) and not delivers(reference, asked_v):
        context.note(f"{reading.channel} gives only {reference.value:.3g} V at 1 kHz, too little for a response")
        context.skip("response_drop_db", reading.channel)
        return
    relative_db = tuple(db(max(level.value, 1e-9) / reference.value) for level in reading.level_v)
    lowest = min(range(len(relative_db)), key=relative_db.__getitem__)
    level = reading.level_v[lowest]
    uncertainty = fall_uncertainty_db(reading, reading.level_v, level, reference)
    context.record(
        Measurement(
            "response_drop_db", max(0.0, -relative_db[lowest]), reading.channel, uncertainty,
            "above" if level.bound is not None else None,
            conditions={"lowest_at_hz": reading.frequency_hz[lowest], "below_rated_db": params.below_rated_db},
        )
    )  # fmt: skip
    context.curve(
        Curve(
            "response", "frequency", "Hz", "level", "dB", reading.frequency_hz,
            tuple(round(level, 4) for level in relative_db), reading.channel,
            mask=tuple(-params.mask_drop_db for _ in relative_db),
        )
    )  # fmt: skip
    seen = [(f, thd) for f, thd in zip(reading.frequency_hz, reading.thd_percent, strict=False) if thd is not None]
    if len(seen) >= LEAST_SEEN:
        hz, percent = zip(*seen, strict=True)
        told = tuple(float(f"{value:.4g}") for value in percent)
        context.curve(Curve("thd_frequency", "frequency", "Hz", "thd", "%", hz, told, reading.channel))


def draw_beside(context: StepContext, left: ResponseReading, right: ResponseReading) -> None:
    """Phase of each channel, and what each lets in of the other while it plays another frequency itself (to be drawn;
    `crosstalk_db` is judged with a silent input)."""
    for here, there in ((left, right), (right, left)):
        known = [(f, phase) for f, phase in zip(here.frequency_hz, here.phase_deg, strict=False) if phase is not None]
        if len(known) >= LEAST_SEEN:
            hz, phases = zip(*known, strict=True)
            told = tuple(round(phase, 3) for phase in _unwrapped(phases))
            context.curve(Curve("phase", "frequency", "Hz", "phase", "deg", hz, told, here.channel))
        elif here.phase_deg and not known and any(level.bound is None for level in here.level_v):
            context.note(f"{here.channel}: too little above 300 Hz to tell the delay by, no phase is drawn")
        leaks = [
            (f, round(db(leak.value / driven.value), 2))
            for f, leak, driven in zip(here.frequency_hz, here.leak_v, there.level_v, strict=False)
            if leak is not None and leak.bound is None and driven.bound is None
        ]
        if len(leaks) >= LEAST_SEEN:
            hz, levels = zip(*leaks, strict=True)
            context.curve(Curve("crosstalk_frequency", "frequency", "Hz", "level", "dB", hz, levels, here.channel))


def _unwrapped(phases_deg: Sequence[float]) -> list[float]:
    """Without the steps of a whole turn that come of telling an angle within (-180, 180]."""
    told: list[float] = []
    for phase in phases_deg:
        told.append(phase if not told else phase + 360.0 * round((told[-1] - phase) / 360.0))
    return told
