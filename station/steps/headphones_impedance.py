"""Impedance of each side, 20 Hz to 20 kHz, from the divider with the fixture's series resistor (IEC 60268-7).

The jack is measured empty first, at every frequency: that is what the source gives, so that gains cancel in the
ratio, and it proves that the fixture is fed and its switch at IMPEDANCE, because a microphone hears nothing of it. Of
the ratio only the modulus is used; that the impedance is not quite real is in the uncertainty (`phase_deg`). Near its
minimum, and at 1 kHz for a moving coil, it nearly is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from station.domain.errors import StepError
from station.domain.measurement import CHANNELS, Channel, Curve, Measurement
from station.domain.sound import ResponseReading, Value
from station.metrology.uncertainty import bound, expanded, normal
from station.steps.headphones import AT_TONE, TONE_HZ, have_done, plate_of
from station.steps.levels import STABILITY, db
from station.steps.params import require
from station.steps.response import THIRD_OCTAVES_HZ
from station.steps.step import StepContext

EMPTY = {
    "zh": "夹具开关拨到“阻抗”，耳机插头不要插；好了按 OK",
    "en": "Fixture switch to IMPEDANCE, headphones not plugged in; then OK",
}
EMPTY_AGAIN = {
    "zh": "空插座读数不对：开关须在“阻抗”，插头须拔出，夹具须有电；好了按 OK",
    "en": "The empty jack reads wrong: switch to IMPEDANCE, plug out, fixture on; then OK",
}
PLUG = {"zh": "耳机插头插到底，开关不要动；好了按 OK", "en": "Plug the headphones fully in, leave the switch; then OK"}
OPEN_RATIO, SHORT_OHM, BEYOND = 0.99, 1.0, 1.02
"""Of the empty jack: from here on a side is open; under so many ohm it is short; above this it is no divider's."""


@dataclass(frozen=True, slots=True)
class Params:
    """`series_ohm` and its tolerance; how far the empty jack may be from what was asked for; the largest phase; how
    long the fixture takes to wake up (test time)."""

    series_ohm: float = 33.0
    series_percent: float = 0.5
    empty_within_db: float = 0.3
    phase_deg: float = 15.0
    settle_s: float = 3.0

    def __post_init__(self) -> None:
        require("series_ohm", self.series_ohm, 1.0, 1000.0)
        require("series_percent", self.series_percent, 0.01, 10.0)
        require("empty_within_db", self.empty_within_db, 0.05, 1.0)
        require("phase_deg", self.phase_deg, 0.0, 60.0)
        require("settle_s", self.settle_s, 0.0, 60.0)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Jack with headphones over jack without, and its uncertainty (k=2)."""

    value: float
    uncertainty: float
    silent: bool


async def measure(context: StepContext, params: Params) -> None:
    """Switches the fixture on and records `impedance_ohm` (1 kHz) and `impedance_min_ohm` per channel, and the curve.

    Both sides open or both shorted is more likely a plug or a switch: all of it is then proven once more. Raises
    `StepError` for what no headphones can do, `StepDeclined` if the technician cannot do what is asked for.
    """
    await context.bench.mains.on(context.mains_bound_s)
    await context.clock.sleep(params.settle_s)
    await context.bench.drive.prepare()
    sides = await _sides(context, params)
    wrong = _implausible(sides, params)
    if wrong:
        context.note(f"impedance: {wrong}; the fixture is proven and the plug put in once more")
        sides = await _sides(context, params)
    if any(ratio.value > BEYOND for side in sides for ratio in side):
        raise StepError("impedance: more at the jack than the source gives; check the fixture's switch, test again")
    for channel, side in zip(CHANNELS, sides, strict=True):
        _record(context, params, channel, side)


async def _sides(context: StepContext, params: Params) -> tuple[Sequence[Ratio], Sequence[Ratio]]:
    empty = await _empty(context, params)
    context.progress(0.5)
    await have_done(context, PLUG, "plug")
    left, right = (
        tuple(map(_ratio, loaded.level_v, alone.level_v))
        for loaded, alone in zip(await _sweep(context), empty, strict=True)
    )
    return left, right


async def _sweep(context: StepContext) -> tuple[ResponseReading, ResponseReading]:
    volts = plate_of(context).test_v
    return await context.bench.sound.measure_response(THIRD_OCTAVES_HZ, volts, volts)


async def _empty(context: StepContext, params: Params) -> tuple[ResponseReading, ResponseReading]:
    """The jack with nothing in it, as it must be. Raises `StepError` if it is not so the second time either."""
    asked_v, wrong = plate_of(context).test_v, ""
    for text in (EMPTY, EMPTY_AGAIN):
        await have_done(context, text, "empty")
        readings = await _sweep(context)
        if all(_is_source(level, asked_v, params) for reading in readings for level in reading.level_v):
            return readings
        volts = " and ".join(f"{reading.level_v[AT_TONE].value:.4f} V" for reading in readings)
        wrong = f"the empty jack gives {volts} of {asked_v:.4f} V at 1 kHz"
        context.note(f"fixture: {wrong}")
    raise StepError(
        f"fixture: {wrong}, must be within {params.empty_within_db:g} dB from 20 Hz to 20 kHz; switch to IMPEDANCE, "
        "plug out, check its supply, leads and gain, then test again"
    )


def _is_source(level: Value, asked_v: float, params: Params) -> bool:
    """Whether this is what the source gives; at every frequency neither headphones nor a microphone would show that."""
    return level.bound is None and abs(db(level.value / asked_v)) <= params.empty_within_db


def _ratio(loaded: Value, alone: Value) -> Ratio:
    ratio = loaded.value / alone.value
    parts = math.hypot(loaded.unrepeated / alone.value, ratio * alone.unrepeated / alone.value, ratio * STABILITY)
    return Ratio(ratio, parts, loaded.bound is not None)


def _implausible(sides: Sequence[Sequence[Ratio]], params: Params) -> str:
    at_tone = [side[AT_TONE] for side in sides]
    if any(ratio.value > BEYOND for side in sides for ratio in side):
        return "more at the jack than the source gives"
    if all(ratio.value >= OPEN_RATIO for ratio in at_tone):
        return "both sides are open"
    if all(ratio.silent or modulus(ratio.value, params.series_ohm) < SHORT_OHM for ratio in at_tone):
        return "both sides are shorted"
    return ""


def modulus(ratio: float, series_ohm: float, phase_deg: float = 0.0) -> float:
    """|Z| of an impedance of that phase whose divider with `series_ohm` gives `ratio` (below 1) of the source."""
    turned = ratio * math.cos(math.radians(phase_deg))
    return series_ohm * ratio * (turned + math.sqrt(turned**2 + 1.0 - ratio**2)) / (1.0 - ratio**2)


def _uncertainty(ratio: Ratio, params: Params) -> float:
    ohm = modulus(ratio.value, params.series_ohm)
    parts = (
        normal("ratio", ratio.uncertainty * params.series_ohm / (1.0 - ratio.value) ** 2),
        bound("series resistor", ohm * params.series_percent / 100.0),
        bound("phase", ohm - modulus(ratio.value, params.series_ohm, params.phase_deg)),
    )  # fmt: skip
    return expanded(parts)


def _record(context: StepContext, params: Params, channel: Channel, side: Sequence[Ratio]) -> None:
    """One side; an open or a shorted one is told as a bound."""
    ratio, conditions = side[AT_TONE], {"frequency_hz": TONE_HZ, "series_ohm": params.series_ohm}
    if ratio.value >= OPEN_RATIO:
        least = modulus(OPEN_RATIO - ratio.uncertainty, params.series_ohm)
        context.record(Measurement("impedance_ohm", least, channel, 0.0, "above", conditions=dict(conditions)))
        context.note(f"{channel}: open; coil, cable or plug")
        context.skip("impedance_min_ohm", channel)
        return
    if ratio.silent:
        most = modulus(min(ratio.value + ratio.uncertainty, OPEN_RATIO), params.series_ohm)
        for name in ("impedance_ohm", "impedance_min_ohm"):
            context.record(Measurement(name, most, channel, 0.0, "below"))
        return
    ohm = modulus(ratio.value, params.series_ohm)
    context.record(Measurement("impedance_ohm", ohm, channel, _uncertainty(ratio, params), conditions=dict(conditions)))
    known = [(hz, one) for hz, one in zip(THIRD_OCTAVES_HZ, side, strict=True) if one.value < OPEN_RATIO]
    lowest_hz, lowest = min(known, key=lambda point: point[1].value)
    context.record(
        Measurement(
            "impedance_min_ohm", modulus(lowest.value, params.series_ohm), channel, _uncertainty(lowest, params),
            "below" if lowest.silent else None, conditions={"lowest_at_hz": lowest_hz},
        )
    )  # fmt: skip
    hz, ohms = zip(*((hz, round(modulus(one.value, params.series_ohm), 3)) for hz, one in known), strict=True)
    context.curve(Curve("impedance", "frequency", "Hz", "impedance", "ohm", hz, ohms, channel))
