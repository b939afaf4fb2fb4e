"""From full scale to volts, and from the signal's uncertainty to the reading's.

Analysis knows noise alone; here the interface's own bounds come in: gain accuracy, own distortion, own noise
(`AudioSettings`). Bounds are taken as rectangular (GUM 4.3.7): a half-width of b is worth 2 b / sqrt(3) at k=2.
"""

from __future__ import annotations

import math

from drivers.settings import AudioSettings
from station.analysis.levels import ratio
from station.analysis.noise import Noise
from station.analysis.stepped import Step
from station.analysis.tones import Tone
from station.domain.measurement import Channel
from station.domain.sound import NoiseReading, ResponseReading, ToneReading, Value

RECTANGULAR = 2.0 / math.sqrt(3.0)


class Scale:
    """What a captured full scale means in volts, and how far the interface may be trusted."""

    def __init__(self, settings: AudioSettings) -> None:
        self.full_scale_v = settings.input_full_scale_v
        self._gain_relative = RECTANGULAR * (ratio(settings.gain_accuracy_db) - 1.0)
        self._own_thd = ratio(settings.own_thd_db)
        self._own_noise_power = ratio(-settings.dynamic_range_db) ** 2 / 2.0

    @property
    def own_thd_u(self) -> float:
        """k=2 uncertainty of a THD ratio from the interface's own distortion."""
        return RECTANGULAR * self._own_thd

    def level(self, amplitude: float, amplitude_u: float, silent: bool) -> Value:
        """V rms of a line from its peak in full scale; a silent one is a bound."""
        if silent:
            return Value((amplitude + amplitude_u) * self.full_scale_v, amplitude_u * self.full_scale_v, "below")
        volts = amplitude * self.full_scale_v
        return Value(volts, math.hypot(amplitude_u * self.full_scale_v, self._gain_relative * volts))

    def step(self, step: Step) -> Value:
        """V rms of a step of a response."""
        return self.level(step.amplitude, step.amplitude_u, step.amplitude <= step.amplitude_u)

    def step_thd(self, step: Step) -> float | None:
        """THD of a step in per cent; None under its own floor or the interface's."""
        return None if step.thd is None or step.thd <= 2.0 * self.own_thd_u else 100.0 * step.thd

    def noise(self, rms: float, rms_u: float) -> Value:
        """V rms of noise as captured, the interface's own in it: whoever wants the DUT's alone measures that too."""
        to_volts = math.sqrt(2.0) * self.full_scale_v
        volts = rms * to_volts
        return Value(volts, math.hypot(rms_u * to_volts, self._gain_relative * volts))

    def thd(self, tone: Tone) -> Value:
        """THD in per cent, a bound where it drowns in noise or in the interface's own."""
        return _percent(tone.thd, math.hypot(tone.thd_u, self.own_thd_u))

    def thd_n(self, tone: Tone) -> Value:
        """THD+N in per cent."""
        own = self._own_noise_power
        power, total = tone.residual**2, max(tone.total**2, 1e-30)
        own_u = RECTANGULAR * own / 2.0 / (2.0 * math.sqrt(max(power, own / 4.0) * total))
        value = math.sqrt(max(power - own / 2.0, 0.0) / total)
        return _percent(value, math.sqrt(tone.thd_n_u**2 + own_u**2 + self.own_thd_u**2))


def _percent(value: float, uncertainty: float) -> Value:
    if value <= uncertainty:
        return Value(100.0 * (value + uncertainty), 100.0 * uncertainty, "below")
    return Value(100.0 * value, 100.0 * uncertainty)


def response_reading(
    channel: Channel, frequency_hz: tuple[float, ...], steps: tuple[Step, ...], scale: Scale
) -> ResponseReading:
    """One channel's reading of a stepped sine."""
    levels, thd = tuple(map(scale.step, steps)), tuple(map(scale.step_thd, steps))
    return ResponseReading(channel, frequency_hz, levels, thd)


def tone_reading(
    channel: Channel, tone: Tone, scale: Scale, clipped: bool, spectrum: tuple[tuple[float, float], ...] = ()
) -> ToneReading:
    """One channel's reading of a tone."""
    return ToneReading(
        channel=channel,
        level_v=scale.level(tone.amplitude, tone.amplitude_u, tone.silent),
        total_v=tone.total * math.sqrt(2.0) * scale.full_scale_v,
        thd_percent=None if tone.silent else scale.thd(tone),
        thd_n_percent=None if tone.silent else scale.thd_n(tone),
        harmonics_dbc=tuple(None if h is None or tone.silent else 20.0 * math.log10(h) for h in tone.harmonics),
        clipped_input=clipped,
        spectrum=spectrum,
    )


def noise_reading(channel: Channel, noise: Noise, scale: Scale) -> NoiseReading:
    """One channel's reading of noise."""
    return NoiseReading(
        channel=channel,
        a_weighted_v=scale.noise(noise.a_weighted, noise.a_weighted_u),
        flat_v=scale.noise(noise.flat, noise.flat_u),
    )
