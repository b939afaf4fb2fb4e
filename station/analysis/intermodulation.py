"""Intermodulation of two tones: SMPTE (modulation distortion) and CCIF (difference-frequency distortion).

SMPTE RP 120: 60 Hz and 7 kHz, amplitudes 4 to 1; the pairs of sidebands of the high tone at one and at two times the
low tone beside it, each pair summed, over the high tone (secondary: Keysight U8903A user's guide, "SMPTE IMD"; FADGI
glossary, "Intermodulation distortion (audio)"). CCIF: two equal tones 1 kHz apart, usually 19 and 20 kHz; the
difference tone and the pair 2 f1 - f2, 2 f2 - f1 over twice the high tone's amplitude (IEC 60268-3 after the Lindos
LA100 manual, 2.16). Source and capture share a clock, so the frequencies are known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from station.analysis.errors import ToneNotFound, TooShort
from station.analysis.levels import Array, Samples, require_finite
from station.analysis.lines import LineModel
from station.analysis.stimuli import Frames, sine
from station.analysis.stretch import noise_beside
from station.analysis.windows import hann

SMPTE_HZ, CCIF_HZ = (60.0, 7000.0), (19000.0, 20000.0)
SMPTE_SHARES, CCIF_SHARES = (0.8, 0.2), (0.5, 0.5)
LEAST_CYCLES = 6.0
STANDS_OUT = 30.0


@dataclass(frozen=True, slots=True)
class Intermodulation:
    """Second and third order and the root of the sum of their squares, plain ratios, each with its k=2 (noise alone).

    0.0 with an uncertainty above it is a bound. `low`, `high`: the tones' peaks, full scale.
    """

    low: float
    high: float
    second: float
    second_u: float
    third: float
    third_u: float
    total: float
    total_u: float


def two_tones(
    frames: int, rate_hz: int, tones_hz: tuple[float, float], peak: float, shares: tuple[float, float], fade_frames: int
) -> Frames:
    """Two tones on both channels, shape (frames, 2); `shares` of `peak` (full scale) each, faded in and out."""
    wave = sum(sine(frames, rate_hz, hz, share * peak, fade_frames) for hz, share in zip(tones_hz, shares, strict=True))
    return np.repeat(np.asarray(wave, dtype=np.float32)[:, None], 2, axis=1)


def analyse_smpte(x: Samples, rate_hz: int, tones_hz: tuple[float, float] = SMPTE_HZ) -> Intermodulation:
    """SMPTE's of `x` (n,), full scale, steady. Raises `TooShort`, `NotFinite`, `ToneNotFound`."""
    low, high = tones_hz
    amplitudes, noise = _lines(x, rate_hz, (low, high, high - low, high + low, high - 2.0 * low, high + 2.0 * low), low)
    return _read(amplitudes, noise, (2, 3), (4, 5), float(amplitudes[1]))


def analyse_ccif(x: Samples, rate_hz: int, tones_hz: tuple[float, float] = CCIF_HZ) -> Intermodulation:
    """CCIF's of `x` (n,), full scale, steady. Raises `TooShort`, `NotFinite`, `ToneNotFound`."""
    low, high = tones_hz
    lines = (low, high, high - low, 2.0 * low - high, 2.0 * high - low)
    amplitudes, noise = _lines(x, rate_hz, lines, high - low)
    return _read(amplitudes, noise, (2,), (3, 4), 2.0 * float(amplitudes[1]))


def _lines(x: Samples, rate_hz: int, hz: tuple[float, ...], apart_hz: float) -> tuple[Array, Array]:
    """Peaks of the lines and the noise's squared magnitude in each, from one fit with the tones' harmonics beside."""
    n = x.size
    least = math.ceil(LEAST_CYCLES * rate_hz / apart_hz)
    if n < least:
        raise TooShort(f"{n} frames do not tell lines {apart_hz:g} Hz apart from each other: at least {least}")
    if max(hz) >= 0.5 * rate_hz - 2.0 * rate_hz / n:
        raise ValueError(f"products up to {max(hz):g} Hz do not fit under Nyquist of {rate_hz} Hz")
    require_finite(x)
    beside = [k * f for f in hz[:2] for k in (2, 3, 4, 5) if k * f < 0.5 * rate_hz - 2.0 * rate_hz / n]
    every = list(hz)
    every += [f for f in beside if min(abs(f - other) for other in every) > 1.5 * rate_hz / n]
    cycles = np.array(every) / rate_hz
    model, window = LineModel(n, cycles), hann(n)
    signal = np.asarray(x, dtype=np.float64)
    fit = model.solve(model.turns.transform(window * signal))
    left = signal - model.turns.synthesise(fit.all_phasors)
    density = np.abs(np.fft.rfft(window * left)) ** 2 / float(window @ window)
    noise = fit.spread * noise_beside(density, cycles * n)
    peaks = np.abs(fit.phasors)
    noise = noise + (1e-11 * float(peaks.max())) ** 2  # the arithmetic's
    for i in (0, 1):
        if peaks[i] ** 2 <= STANDS_OUT * noise[i]:
            raise ToneNotFound(f"no tone at {hz[i]:g} Hz: is the stimulus connected?")
    return peaks[: len(hz)], noise[: len(hz)]


def _read(
    peaks: Array, noise: Array, second: tuple[int, ...], third: tuple[int, ...], reference: float
) -> Intermodulation:
    parts = [_order(peaks[list(lines)], noise[list(lines)], reference) for lines in (second, third)]
    total = math.hypot(parts[0][0], parts[1][0])
    if total > 0.0:
        total_u = math.hypot(*(value * u if value else u * u for value, u in parts)) / total
    else:
        total_u = math.hypot(parts[0][1], parts[1][1])
    return Intermodulation(float(peaks[0]), float(peaks[1]), *parts[0], *parts[1], total, total_u)


def _order(peaks: Array, noise: Array, reference: float) -> tuple[float, float]:
    """Sum of the lines over the reference and its k=2; 0.0 and a bound where they do not stand out of the noise."""
    u = 2.0 * math.sqrt(float(noise.sum()) / 2.0)
    value = float(np.sqrt(np.maximum(peaks**2 - noise, 0.0)).sum())
    if float((peaks**2 - noise).sum()) <= 3.3 * math.sqrt(float(noise @ noise)):
        return 0.0, (value + math.sqrt(2.0) * u) / reference
    return value / reference, u / reference
