"""THD and THD+N at rated power, both channels driven."""

from __future__ import annotations

from dataclasses import dataclass

from station.domain.measurement import CHANNELS, Curve, Measurement
from station.domain.sound import Stimulus, ToneReading, Value
from station.steps.levels import delivers, rated_output_v, source_v
from station.steps.params import require
from station.steps.step import StepContext

SILENT_PERCENT = 100.0
"""THD of a channel without a fundamental: all of it is not the tone, so the bound is `above` this."""


DROWNS_PERCENT = 0.5
"""THD+N from which a THD that is only a bound says nothing: noise or hum has hidden it."""


@dataclass(frozen=True, slots=True)
class Params:
    """Frequency, level re rated power (dB) and length of the capture."""

    frequency_hz: float = 1000.0
    below_rated_db: float = 0.0
    capture_s: float = 0.5

    def __post_init__(self) -> None:
        require("frequency_hz", self.frequency_hz, 20.0, 20000.0)
        require("below_rated_db", self.below_rated_db, 0.0, 60.0)
        require("capture_s", self.capture_s, 0.1, 10.0)


async def measure_thd(context: StepContext, params: Params) -> None:
    """Records `thd_percent` per channel: harmonics 2 to 10 re fundamental; harmonics and spectrum as curves."""
    for reading in await _capture(context, params, spectrum=True):
        if _too_quiet(context, "thd_percent", reading, reading.thd_percent, params):
            continue
        _record(context, "thd_percent", reading, reading.thd_percent, params)
        draw_harmonics(context, reading)


async def measure_thd_n(context: StepContext, params: Params) -> None:
    """Records `thd_n_percent` per channel: residual 20 Hz to 20 kHz over the total."""
    for reading in await _capture(context, params):
        if _too_quiet(context, "thd_n_percent", reading, reading.thd_n_percent, params):
            continue
        _record(context, "thd_n_percent", reading, reading.thd_n_percent, params)


def draw_harmonics(context: StepContext, reading: ToneReading) -> None:
    """The curves of a tone: its harmonics, and its spectrum where that was asked for."""
    known = [(i + 2, h) for i, h in enumerate(reading.harmonics_dbc) if h is not None]
    if known:
        context.curve(
            Curve(
                "harmonics", "harmonic", "1", "level", "dBc",
                tuple(float(order) for order, _ in known), tuple(round(level, 2) for _, level in known),
                reading.channel,
            )
        )  # fmt: skip
    if reading.spectrum:
        hz, dbc = zip(*reading.spectrum, strict=True)
        context.curve(
            Curve(
                "spectrum", "frequency", "Hz", "level", "dBc", tuple(round(f, 1) for f in hz),
                tuple(round(level, 1) for level in dbc), reading.channel,
            )
        )  # fmt: skip


async def _capture(context: StepContext, params: Params, *, spectrum: bool = False) -> tuple[ToneReading, ToneReading]:
    await context.bench.drive.prepare()
    output_v = _asked_v(context, params)
    drive_v = [source_v(context, channel, output_v) for channel in CHANNELS]
    return await context.bench.sound.measure_tone(
        Stimulus(params.frequency_hz, drive_v[0], drive_v[1], params.capture_s, spectrum)
    )


def _asked_v(context: StepContext, params: Params) -> float:
    return rated_output_v(context) / 10 ** (params.below_rated_db / 20.0)


def _too_quiet(context: StepContext, name: str, reading: ToneReading, value: Value | None, params: Params) -> bool:
    """Skip a channel whose distortion drowns in noise: it plays far too low, or is so noisy that
    its SNR, where that was measured before, has failed already."""
    if value is None or value.bound is None:
        return False
    if delivers(reading.level_v, _asked_v(context, params)):
        noisy = reading.thd_n_percent is not None and reading.thd_n_percent.value > DROWNS_PERCENT
        if not noisy or context.already("snr_db", reading.channel) is None:
            return False
        context.note(f"{reading.channel}: its distortion drowns in its noise")
        context.skip(name, reading.channel)
        return True
    context.note(f"{reading.channel}: only {reading.level_v.value:.3g} V of {_asked_v(context, params):.3g} V come out")
    context.skip(name, reading.channel)
    return True


def _record(context: StepContext, name: str, reading: ToneReading, value: Value | None, params: Params) -> None:
    conditions: dict[str, str | float] = {
        "frequency_hz": params.frequency_hz, "level_v": round(reading.level_v.value, 4), "driven": "both",
    }  # fmt: skip
    if value is None:
        context.note(f"{reading.channel}: no fundamental at {params.frequency_hz:g} Hz")
        context.record(Measurement(name, SILENT_PERCENT, reading.channel, 0.0, "above", conditions=conditions))
        return
    context.record(
        Measurement(name, value.value, reading.channel, value.uncertainty, value.bound, conditions=conditions)
    )
