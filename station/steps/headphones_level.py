"""On the coupler, at 1 kHz: sensitivity, balance, and what one side gives of the other's tone.

That the switch is where it was asked for is proven before anything is recorded: at IMPEDANCE both sides would read the
volts that their own impedance, just measured, leaves at the jack.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from station.domain.errors import StepError
from station.domain.measurement import CHANNELS, Bound, Measurement
from station.domain.sound import ToneReading, Value
from station.metrology.uncertainty import DB, bound, expanded, normal
from station.steps.headphones import FAINT_DB, SPL_AT_1_PA, TONE_HZ, have_done, is_faint, plate_of, tone
from station.steps.levels import db, db_uncertainty, noise_db
from station.steps.params import require
from station.steps.step import StepContext

COUPLER = {
    "zh": "开关拨到“耦合腔”，耳机戴到耦合腔上，L 对左，贴紧不漏；好了按 OK",
    "en": "Switch to COUPLER, headphones onto the couplers, L to the left, no gap; then OK",
}
AGAIN = {
    "zh": "声音不对：开关须在“耦合腔”，左右不能反，耳垫须贴紧；重新放好按 OK",
    "en": "That sounds wrong: switch to COUPLER, L and R not swapped, pads tight; seat them again, then OK",
}
CROSSED_DB = -6.0
"""A side that gives so much of the other's tone is most likely on the wrong coupler."""
Looked = tuple[tuple[ToneReading, ToneReading], tuple[Value, Value]]
"""Both sides driven; then at each side the level of the other's tone alone."""


@dataclass(frozen=True, slots=True)
class Params:
    """Length of a tone; uncertainties (k=2) of a microphone's calibration and of putting headphones on a coupler."""

    capture_s: float = 0.3
    microphone_db: float = 0.5
    placement_db: float = 0.5
    fixture_db: float = 0.3
    series_ohm: float = 33.0
    same_percent: float = 2.0

    def __post_init__(self) -> None:
        require("capture_s", self.capture_s, 0.1, 10.0)
        require("microphone_db", self.microphone_db, 0.05, 3.0)
        require("placement_db", self.placement_db, 0.0, 6.0)
        require("fixture_db", self.fixture_db, 0.05, 1.0)
        require("series_ohm", self.series_ohm, 1.0, 1000.0)
        require("same_percent", self.same_percent, 0.1, 5.0)


async def measure(context: StepContext, params: Params) -> None:
    """Records `sensitivity_db` and `crosstalk_db` per channel and `channel_balance_db`.

    What looks like a switch, a swap or a bad seat is asked about once. Raises `StepError` if the switch stays wrong.
    """
    await context.bench.drive.prepare()
    await have_done(context, COUPLER, "coupler")
    looked = await _look(context, params)
    wrong = _wrong(context, params, looked)
    if wrong:
        context.note(f"coupler: {wrong}; seated once more")
        await have_done(context, AGAIN, "coupler")
        looked = await _look(context, params)
    if _is_at_jack(context, params, looked[0]):
        raise StepError("fixture: the jack is heard, not the microphones; set the switch to COUPLER, then test again")
    _record_levels(context, params, looked[0])
    _record_crosstalk(context, *looked)


async def _look(context: StepContext, params: Params) -> Looked:
    sound, seconds = context.bench.sound, params.capture_s
    driven = await sound.measure_tone(tone(context, seconds))
    context.progress(0.4)
    _, right = await sound.measure_tone(tone(context, seconds, right=False))
    context.progress(0.7)
    left, _ = await sound.measure_tone(tone(context, seconds, left=False))
    return driven, (left.level_v, right.level_v)


def _is_at_jack(context: StepContext, params: Params, driven: tuple[ToneReading, ToneReading]) -> bool:
    """Whether both sides read what the divider leaves at the jack."""
    for reading in driven:
        ohm = context.already("impedance_ohm", reading.channel)
        if ohm is None or reading.level_v.bound is not None:
            return False
        jack_v = plate_of(context).test_v * ohm / (ohm + params.series_ohm)
        if abs(reading.level_v.value / jack_v - 1.0) > params.same_percent / 100.0:
            return False
    return True


def _wrong(context: StepContext, params: Params, looked: Looked) -> str:
    driven, strays = looked
    if _is_at_jack(context, params, driven):
        return "the switch is still at IMPEDANCE"
    quiet = [reading.channel for reading in driven if is_faint(reading.level_v)]
    if quiet:
        return f"{' and '.join(quiet)} more than {FAINT_DB:g} dB too quiet"
    strayed = [_stray_db(stray, driven[1 - index].level_v) for index, stray in enumerate(strays) if stray.bound is None]
    return "one side's tone comes out of the other" if max(strayed, default=-99.0) > CROSSED_DB else ""


def _stray_db(stray: Value, other: Value) -> float:
    """What comes out here of the other side's tone, re what the other side gives."""
    return db(max(stray.value, 1e-9) / max(other.value, 1e-9))


def _record_levels(context: StepContext, params: Params, driven: tuple[ToneReading, ToneReading]) -> None:
    volts = plate_of(context).test_v
    for reading in driven:
        level = reading.level_v
        scale = (
            normal("interface", math.hypot(db_uncertainty(level), DB * reading.source_relative)),
            normal("microphone", params.microphone_db), normal("placement", params.placement_db),
            bound("fixture's gain", params.fixture_db),
        )  # fmt: skip
        context.record(
            Measurement(
                "sensitivity_db", SPL_AT_1_PA + db(level.value / volts), reading.channel, expanded(scale), level.bound,
                conditions={"frequency_hz": TONE_HZ, "source_v": round(volts, 4)},
            )
        )  # fmt: skip
    left, right = (reading.level_v for reading in driven)
    if left.bound and right.bound:
        context.skip("channel_balance_db")
        return
    each = (params.microphone_db, params.placement_db)
    parts = (
        *(normal("a side", one) for one in (*each, *each)),
        normal("noise", math.hypot(*map(noise_db, (left, right)))),
    )
    one_sided: Bound | None = "above" if left.bound or right.bound else None
    context.record(
        Measurement("channel_balance_db", abs(db(left.value / right.value)), None, expanded(parts), one_sided)
    )


def _record_crosstalk(
    context: StepContext, driven: tuple[ToneReading, ToneReading], strays: tuple[Value, Value]
) -> None:
    """Per side: of the other's tone, re what the other gives itself."""
    for index, channel in enumerate(CHANNELS):
        other = driven[1 - index].level_v
        if is_faint(other):
            context.skip("crosstalk_db", channel)
            continue
        stray = strays[index]
        uncertainty = 0.0 if stray.bound else math.hypot(noise_db(stray), noise_db(other))
        context.record(Measurement("crosstalk_db", _stray_db(stray, other), channel, uncertainty, stray.bound))
