"""From full scale to volts, and from the signal's uncertainty to the reading's.

Analysis knows noise alone; here the interface comes in. What it does to a level is known from its calibration, or else
bounded by the settings' `gain_accuracy_db`, at any frequency; its own distortion and noise are bounds (the worse of the
settings and of what its loopback showed). The parts are told apart where some of them cancel: `Value.noise`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from drivers.settings import AudioSettings
from station.analysis.levels import ratio
from station.analysis.noise import Noise
from station.analysis.stepped import Step
from station.analysis.tones import DETECT_POWER, Tone
from station.domain.calibration import Correction, Revision
from station.domain.measurement import CHANNELS, Channel
from station.domain.sound import NoiseReading, ResponseReading, ToneReading, Value
from station.metrology.uncertainty import Contribution, bound, expanded, normal, relative

CALIBRATED_HZ = 1000.0
"""Where an interface is calibrated; elsewhere its own response comes on top."""
LOOP_REPEATS_DB = 0.002
"""How well the response of a warm interface repeats what its loopback showed (k=2)."""
NEAR = 0.02
"""So far from it, as a fraction, is still the same frequency."""


class Scale:
    """What full scale of one channel means in volts, and how far the interface may be trusted."""

    def __init__(self, settings: AudioSettings, calibration: Revision | None, channel: Channel) -> None:
        corrections = {} if calibration is None else calibration.corrections
        captured, played = corrections.get(f"input_{channel}_v"), corrections.get(f"output_{channel}_v")
        loopback = None if calibration is None else calibration.loopback
        self.full_scale_v = settings.input_full_scale_v * (1.0 if captured is None else captured.factor)
        self.output_full_scale_v = settings.output_full_scale_v * (1.0 if played is None else played.factor)
        anywhere = bound("", ratio(settings.gain_accuracy_db) - 1.0).expanded
        self._gain = _gain("capture gain", captured, self.full_scale_v, anywhere)
        self._source = _gain("source gain", played, self.output_full_scale_v, anywhere)
        # two frequencies of one side, each within its bound; a loopback has seen both sides of it
        self._response = math.sqrt(2.0) * anywhere
        self.flatness_relative = math.sqrt(2.0) * self._response
        self._curve: tuple[tuple[float, float], ...] = ()
        if loopback is not None and loopback.response_db is not None:
            self._response = self.flatness_relative = bound("", ratio(abs(loopback.response_db)) - 1.0).expanded
        if loopback is not None:
            self._curve = loopback.response_left if channel == "left" else loopback.response_right
        if self._curve:
            self.flatness_relative = ratio(LOOP_REPEATS_DB) - 1.0
        self._calibrated = captured is not None
        own_thd_db, own_noise_db = settings.own_thd_db, -settings.dynamic_range_db
        if loopback is not None:
            own_thd_db, own_noise_db = max(own_thd_db, loopback.thd_db), max(own_noise_db, loopback.noise_db)
        self._own_thd = bound("interface's own distortion", ratio(own_thd_db))
        self._own_noise_power = ratio(own_noise_db) ** 2 / 2.0

    @property
    def own_thd_u(self) -> float:
        """k=2 uncertainty of a THD ratio from the interface's own distortion."""
        return self._own_thd.expanded

    @property
    def source_relative(self) -> float:
        """k=2 uncertainty of the source's volts, a fraction."""
        return self._source.expanded

    def level_parts(self, volts: float, noise_v: float, frequency_hz: float) -> tuple[Contribution, ...]:
        """What makes up the uncertainty of a level, V rms."""
        parts = [self._gain]
        if self._calibrated and abs(frequency_hz / CALIBRATED_HZ - 1.0) > NEAR:
            parts.append(normal("capture response", self._response))
        return (normal("noise and fit", noise_v), *relative(parts, volts))

    def level(self, amplitude: float, amplitude_u: float, silent: bool, frequency_hz: float) -> Value:
        """V rms of a line from its peak in full scale; a silent one is a bound."""
        volts, noise_v = max(amplitude, 0.0) * self.full_scale_v, amplitude_u * self.full_scale_v
        uncertainty = expanded(self.level_parts(volts, noise_v, frequency_hz))
        if silent:
            return Value(volts + uncertainty, uncertainty, "below", noise_v)
        return Value(volts, uncertainty, noise=noise_v)

    def step(self, step: Step, frequency_hz: float) -> Value:
        """V rms of a step of a response; what output and input do to it by themselves is taken off, where known."""
        own = ratio(_at(self._curve, frequency_hz))
        level, level_u = step.amplitude / own, step.amplitude_u / own
        return self.level(level, level_u, _drowns(level, level_u), frequency_hz)

    def leak(self, step: Step, frequency_hz: float) -> Value | None:
        """V rms of what the other channel's step leaves in this one."""
        if step.leak is None:
            return None
        return self.level(step.leak, step.leak_u, _drowns(step.leak, step.leak_u), frequency_hz)

    def step_thd(self, step: Step) -> float | None:
        """THD of a step in per cent; None under its own floor or the interface's."""
        return None if step.thd is None or step.thd <= 2.0 * self.own_thd_u else 100.0 * step.thd

    def noise(self, rms: float, rms_u: float) -> Value:
        """V rms of noise as captured, the interface's own in it: whoever wants the DUT's alone measures that too."""
        to_volts = math.sqrt(2.0) * self.full_scale_v
        volts, noise_v = rms * to_volts, rms_u * to_volts
        return Value(volts, math.hypot(noise_v, self._gain.expanded * volts), noise=noise_v)

    def thd_parts(self, tone: Tone) -> tuple[Contribution, ...]:
        """What makes up the uncertainty of THD, as a ratio."""
        response = normal("response at the harmonics", self._response * tone.thd)
        return normal("noise and fit", tone.thd_u), self._own_thd, response

    def thd(self, tone: Tone) -> Value:
        """THD in per cent, a bound where it drowns in noise or in the interface's own."""
        return _percent(tone.thd, self.thd_parts(tone), tone.thd_u)

    def thd_n(self, tone: Tone) -> Value:
        """THD+N in per cent. Of the interface's own noise half its greatest power is taken off, and as much doubted."""
        own = self._own_noise_power
        power, total = tone.residual**2, max(tone.total**2, 1e-30)
        half = own / 2.0 / (2.0 * math.sqrt(max(power, own / 4.0) * total))
        value = math.sqrt(max(power - own / 2.0, 0.0) / total)
        parts = (
            normal("noise and fit", tone.thd_n_u), bound("interface's own noise", half), self._own_thd,
            normal("response beside the tone", self._response * value),
        )  # fmt: skip
        return _percent(value, parts, tone.thd_n_u)


def scales_of(settings: AudioSettings, calibration: Revision | None = None) -> tuple[Scale, Scale]:
    """Left and right."""
    left, right = (Scale(settings, calibration, channel) for channel in CHANNELS)
    return left, right


def _drowns(amplitude: float, amplitude_u: float) -> bool:
    """Whether a line could be noise: it is seen by the same power over that of noise as a tone is (noise alone comes up
    to that exp(-5) of the time). `amplitude_u` is k=2 of either component, so noise puts half its square there."""
    return amplitude**2 <= DETECT_POWER * amplitude_u**2 / 2.0


def _at(curve: Sequence[tuple[float, float]], frequency_hz: float) -> float:
    """Of a curve (Hz, dB), rising in frequency: straight in log f between points, level beyond them; 0.0 of none."""
    if not curve:
        return 0.0
    return float(np.interp(math.log(frequency_hz), [math.log(hz) for hz, _ in curve], [level for _, level in curve]))


def _gain(name: str, correction: Correction | None, full_scale_v: float, uncalibrated: float) -> Contribution:
    """Relative, k=2: by calibration, or a bound of the settings."""
    if correction is None:
        return Contribution(name, "bound", uncalibrated)
    return normal(f"{name}, calibrated", correction.expanded(full_scale_v) / full_scale_v)


def _percent(value: float, parts: Sequence[Contribution], noise: float) -> Value:
    uncertainty = expanded(parts)
    if value <= uncertainty:
        return Value(100.0 * (value + uncertainty), 100.0 * uncertainty, "below", 100.0 * noise)
    return Value(100.0 * value, 100.0 * uncertainty, noise=100.0 * noise)


def response_reading(
    channel: Channel,
    frequency_hz: tuple[float, ...],
    steps: tuple[Step, ...],
    others: tuple[Step, ...],
    scale: Scale,
    dated: bool = True,
) -> ResponseReading:
    """One channel's reading of a stepped sine; `others` are the other channel's steps, which leak into this one.

    `dated`: the capture told its own latency; without it no phase is told.
    """
    levels, thd = tuple(map(scale.step, steps, frequency_hz)), tuple(map(scale.step_thd, steps))
    phases = tuple(
        None if level.bound is not None or not dated else math.degrees(step.phase_rad)
        for level, step in zip(levels, steps, strict=True)
    )
    leaks = tuple(map(scale.leak, others, frequency_hz))
    return ResponseReading(channel, frequency_hz, levels, thd, scale.flatness_relative, phases, leaks)


def tone_reading(
    channel: Channel, tone: Tone, scale: Scale, spectrum: tuple[tuple[float, float], ...] = ()
) -> ToneReading:
    """One channel's reading of a tone."""
    return ToneReading(
        channel=channel,
        level_v=scale.level(tone.amplitude, tone.amplitude_u, tone.silent, tone.frequency_hz),
        total_v=tone.total * math.sqrt(2.0) * scale.full_scale_v,
        thd_percent=None if tone.silent else scale.thd(tone),
        thd_n_percent=None if tone.silent else scale.thd_n(tone),
        harmonics_dbc=tuple(None if h is None or tone.silent else 20.0 * math.log10(h) for h in tone.harmonics),
        spectrum=spectrum,
        source_relative=scale.source_relative,
    )


def noise_reading(channel: Channel, noise: Noise, scale: Scale) -> NoiseReading:
    """One channel's reading of noise."""
    return NoiseReading(
        channel=channel,
        a_weighted_v=scale.noise(noise.a_weighted, noise.a_weighted_u),
        flat_v=scale.noise(noise.flat, noise.flat_u),
    )
