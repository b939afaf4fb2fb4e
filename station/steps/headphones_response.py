"""Response on the coupler against the model's reference, and polarity, both out of one stepped sine.

Without a reference a side is held against the mean of both: that tells a side that differs, not a fault of both.
Polarity is the phase where the response is flat (200 to 500 Hz), the delay taken off: near 0, or near half a turn.
"""

from __future__ import annotations

import cmath
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from station.domain.measurement import Channel, Curve, Measurement
from station.domain.sound import ResponseReading
from station.metrology.uncertainty import DB, bound, expanded, extreme, normal
from station.steps.headphones import AT_TONE, TONE_HZ, have_done, is_faint, plate_of
from station.steps.levels import db, noise_db
from station.steps.params import require
from station.steps.response import THIRD_OCTAVES_HZ
from station.steps.step import StepContext

SEAT = {
    "zh": "低音不足，多半是漏气：耳垫重新贴紧耦合腔，头发线材不要夹住；好了按 OK",
    "en": "Bass is missing, most likely a gap: seat the pads on the couplers again, nothing caught under them; then OK",
}
BOTH_SIDES = "both sides"
Levels = Sequence[float]


@dataclass(frozen=True, slots=True)
class Params:
    """The band where there is no reference, where polarity is told, uncertainties (k=2), lack of bass to ask about."""

    low_hz: float = 100.0
    high_hz: float = 8000.0
    polarity_low_hz: float = 200.0
    polarity_high_hz: float = 500.0
    placement_db: float = 0.5
    driver_deg: float = 45.0
    leak_db: float = 2.0

    def __post_init__(self) -> None:
        require("low_hz", self.low_hz, 20.0, 800.0)
        require("high_hz", self.high_hz, 1250.0, 20000.0)
        require("polarity_low_hz", self.polarity_low_hz, 50.0, 1000.0)
        require("polarity_high_hz", self.polarity_high_hz, self.polarity_low_hz * 2.0, 2000.0)
        require("placement_db", self.placement_db, 0.0, 6.0)
        require("driver_deg", self.driver_deg, 1.0, 80.0)
        require("leak_db", self.leak_db, 0.5, 20.0)


async def measure(context: StepContext, params: Params) -> None:
    """Records `response_deviation_db` (the largest, its sign left out) and `polarity_deg` per channel, and curves.

    Bass that is missing by more than `leak_db` is a bad seat more often than a torn pad: seated once more, then judged.
    """
    await context.bench.drive.prepare()
    readings, curves = await _sweep(context)
    reference, against = _reference(context, params, list(curves.values()))
    leaking = _leaking(params, curves, reference)
    if leaking:
        context.note(f"response: {leaking}; seated once more")
        await have_done(context, SEAT, "coupler")
        readings, curves = await _sweep(context)
        reference, against = _reference(context, params, list(curves.values()))
    if against == BOTH_SIDES and len(curves) == len(readings):
        context.note("response: no reference for this model, each side is held against the mean of both")
    for reading in readings:
        if reading.channel not in curves:
            for name in ("response_deviation_db", "polarity_deg"):
                context.skip(name, reading.channel)
            continue
        _record_deviation(context, params, reading, curves[reading.channel], reference, against)
        _record_polarity(context, params, reading)


async def _sweep(context: StepContext) -> tuple[tuple[ResponseReading, ResponseReading], dict[Channel, Levels]]:
    """Both sides, and of those that are heard dB re 1 kHz."""
    volts = plate_of(context).test_v
    readings = await context.bench.sound.measure_response(THIRD_OCTAVES_HZ, volts, volts)
    curves: dict[Channel, Levels] = {
        reading.channel: [db(max(one.value, 1e-9) / reading.level_v[AT_TONE].value) for one in reading.level_v]
        for reading in readings
        if not is_faint(reading.level_v[AT_TONE])
    }
    return readings, curves


def _leaking(params: Params, curves: Mapping[Channel, Levels], reference: Mapping[int, float]) -> str:
    """Which side lacks bass at the lowest frequency of the reference, and by how much; empty if none does."""
    lowest = min(reference)
    missing = {channel: reference[lowest] - curve[lowest] for channel, curve in curves.items()}
    found = [f"{channel} lacks {lack:.1f} dB" for channel, lack in missing.items() if lack > params.leak_db]
    return f"{' and '.join(found)} at {THIRD_OCTAVES_HZ[lowest]:g} Hz" if found else ""


def _reference(context: StepContext, params: Params, curves: list[Levels]) -> tuple[dict[int, float], str]:
    """By place among the third octaves, dB re 1 kHz: the model's, or the mean of both sides."""
    points = plate_of(context).reference
    low, high = (points[0][0], points[-1][0]) if points else (params.low_hz, params.high_hz)
    places = [i for i, hz in enumerate(THIRD_OCTAVES_HZ) if low <= hz <= high]
    if points:
        at_tone = between(points, TONE_HZ)
        return {i: between(points, THIRD_OCTAVES_HZ[i]) - at_tone for i in places}, "reference"
    return {i: sum(curve[i] for curve in curves) / max(len(curves), 1) for i in places}, BOTH_SIDES


def between(points: Sequence[tuple[float, float]], hz: float) -> float:
    """dB at a frequency within the points, straight over log f."""
    for (low_hz, low_db), (high_hz, high_db) in itertools.pairwise(points):
        if hz <= high_hz:
            return low_db + (high_db - low_db) * math.log(hz / low_hz) / math.log(high_hz / low_hz)
    return points[-1][1]


def _record_deviation(
    context: StepContext,
    params: Params,
    reading: ResponseReading,
    curve: Levels,
    reference: dict[int, float],
    against: str,
) -> None:
    away = {i: curve[i] - level for i, level in reference.items()}
    furthest = max(away, key=lambda i: abs(away[i]))
    noise = noise_db(reading.level_v[furthest])
    close = sum(1 for value in away.values() if abs(value) >= abs(away[furthest]) - 2.0 * noise)
    parts = (
        normal("noise and fit", noise), normal("interface's response", DB * reading.flatness_relative),
        normal("placement", params.placement_db), extreme("furthest of several", noise, close),
    )  # fmt: skip
    context.record(
        Measurement(
            "response_deviation_db", abs(away[furthest]), reading.channel, expanded(parts),
            conditions={
                "furthest_at_hz": THIRD_OCTAVES_HZ[furthest], "deviation_db": round(away[furthest], 3),
                "against": against,
            },
        )
    )  # fmt: skip
    hz = tuple(THIRD_OCTAVES_HZ[i] for i in away)
    rows = (("response", curve, THIRD_OCTAVES_HZ), ("response_deviation", tuple(away.values()), hz))
    for name, levels, x in rows:
        y = tuple(round(level, 3) for level in levels)
        context.curve(Curve(name, "frequency", "Hz", "level", "dB", x, y, reading.channel))


def _record_polarity(context: StepContext, params: Params, reading: ResponseReading) -> None:
    known = [
        phase
        for hz, phase in zip(reading.frequency_hz, reading.phase_deg, strict=False)
        if phase is not None and params.polarity_low_hz <= hz <= params.polarity_high_hz
    ]
    if not known:
        _cannot_tell(context, reading.channel)
        return
    mean = math.degrees(cmath.phase(sum(cmath.rect(1.0, math.radians(phase)) for phase in known)))
    spread = max(abs((phase - mean + 180.0) % 360.0 - 180.0) for phase in known)
    parts = (bound("spread", spread), bound("the driver's own phase", params.driver_deg))
    context.record(
        Measurement(
            "polarity_deg", mean, reading.channel, expanded(parts),
            conditions={"low_hz": params.polarity_low_hz, "high_hz": params.polarity_high_hz},
        )
    )  # fmt: skip


def _cannot_tell(context: StepContext, channel: Channel) -> None:
    """The capture was too unlike the stepped sine to tell how late it is: no phase, and nobody's proof."""
    context.note(f"{channel}: no phase between the frequencies of the polarity test")
    context.record(Measurement("polarity_deg", None, channel))
