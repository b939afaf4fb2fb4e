"""A single tone: fundamental, harmonics, THD and THD+N of one channel, with what noise does to them.

Method (reference/measurement.md): 7-term Blackman-Harris window and the exact transform at each multiple of the
frequency; local noise power subtracted; the residual for THD+N from a least-squares fit of the fundamental. Where
source and capture share a clock the frequency is known; otherwise `find_frequency` reads it from the kernel's ratio.
Uncertainties here are the noise's alone (k=2); instruments add theirs in station/sound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from station.analysis.errors import ToneNotFound, TooShort
from station.analysis.levels import Array, Phasors, Samples, require_finite
from station.analysis.noise import BAND_HZ, band_power
from station.analysis.windows import MAIN_LOBE_BINS, blackman_harris7, kernel

MIN_CYCLES = 20
"""Fewer cycles leave no room for the noise between the harmonics."""
LAST_HARMONIC = 10
NOISE_BINS = 40
DETECT_POWER = 5.0
"""A line counts as seen when its power is this many times the local noise's (false alarms under 1 %)."""


@dataclass(frozen=True, slots=True)
class Tone:
    """One channel's tone. Amplitudes are peaks in full scale; ratios are plain numbers; `*_u` are k=2, noise alone.

    `harmonics`: h2 … h10 over the fundamental, None when under the floor or beyond Nyquist. `thd` may be 0.0 with
    `thd_u` above it: then only `thd + thd_u` is known, as a bound. `silent`: the fundamental itself is under the
    floor, `amplitude + amplitude_u` bounds it, and `thd`, `thd_n` mean nothing. `residual` (rms, full scale) and
    `total` (rms, full scale) are 20 Hz to 20 kHz without DC.
    """

    frequency_hz: float
    amplitude: float
    amplitude_u: float
    phase_rad: float
    dc: float
    silent: bool
    harmonics: tuple[float | None, ...]
    thd: float
    thd_u: float
    thd_n: float
    thd_n_u: float
    residual: float
    total: float


@dataclass(frozen=True, slots=True)
class _Line:
    """Power of a line (squared peak, noise subtracted) and the local noise power in the same unit."""

    power: float
    noise: float
    phase_rad: float = 0.0


def least_frames(rate_hz: int, frequency_hz: float) -> int:
    """Fewest frames that `analyse_tone` takes for a tone of this frequency."""
    return math.ceil(MIN_CYCLES * rate_hz / frequency_hz)


def find_frequency(x: Samples, rate_hz: int, low_hz: float = 10.0, high_hz: float | None = None) -> float:
    """Frequency in Hz of the strongest line of `x` (n,) between the bounds, from the window kernel's ratio.

    Raises `ToneNotFound` when no line stands out there.
    """
    n = x.size
    power = np.abs(np.fft.rfft(x * blackman_harris7(n))) ** 2
    first = max(int(low_hz * n / rate_hz), int(MAIN_LOBE_BINS) + 1)
    last = min(int((high_hz or rate_hz / 2.0) * n / rate_hz), power.size - 2)
    if last <= first:
        raise TooShort(f"{n} frames resolve nothing between {low_hz:g} Hz and the upper bound")
    k = first + int(np.argmax(power[first : last + 1]))
    if power[k] <= 50.0 * float(np.median(power[first : last + 1])) or power[k] <= 0.0:
        raise ToneNotFound(f"no line stands out between {low_hz:g} Hz and {last * rate_hz / n:g} Hz")
    step = 1 if power[k + 1] >= power[k - 1] else -1
    target = math.sqrt(float(power[k + step] / power[k]))
    low, high = 0.0, 0.5 + 1e-3
    for _ in range(50):
        middle = (low + high) / 2.0
        low, high = (middle, high) if kernel(1.0 - middle) / kernel(middle) < target else (low, middle)
    return float((k + step * low) * rate_hz / n)


def analyse_tone(x: Samples, rate_hz: int, frequency_hz: float) -> Tone:
    """Analyse `x` (n,) in full scale, a tone of known `frequency_hz` sampled at `rate_hz`.

    Raises `TooShort` (fewer than 20 cycles) and `NotFinite`. Silence and clipping are results, not errors.
    """
    n = x.size
    if n < least_frames(rate_hz, frequency_hz):
        raise TooShort(f"{n} frames hold fewer than {MIN_CYCLES} cycles of {frequency_hz:g} Hz")
    require_finite(x)
    signal = np.asarray(x, dtype=np.float64)
    turn = np.exp(-2j * np.pi * (frequency_hz / rate_hz) * np.arange(n))
    lines = _lines(signal, turn, frequency_hz * n / rate_hz)
    first = lines[0]
    dc, residual = _residual(signal, turn)
    residual_power = band_power(residual, rate_hz)
    in_band = BAND_HZ[0] <= frequency_hz <= BAND_HZ[1]
    total_power = residual_power + (first.power / 2.0 if in_band else 0.0)
    silent = first.power < DETECT_POWER * first.noise or first.power <= 0.0
    base = max(first.power, 1e-30)
    thd, thd_u = _thd(lines, base)
    thd_n = math.sqrt(residual_power / max(total_power, 1e-30))
    span = math.sqrt((BAND_HZ[1] - BAND_HZ[0]) * n / rate_hz)
    noise_share = max(residual_power - max(thd, 0.0) ** 2 * base / 2.0, 0.0) * math.sqrt(2.0) / span
    thd_n_power_u = math.hypot(2.0 * noise_share, 2.0 * thd * thd_u * base / 2.0)
    return Tone(
        frequency_hz=frequency_hz,
        amplitude=math.sqrt(max(first.power, 0.0)),
        amplitude_u=2.0 * math.sqrt(first.noise if silent else first.noise / 2.0),
        phase_rad=first.phase_rad,
        dc=dc,
        silent=silent,
        harmonics=tuple(_seen(line, base) for line in lines[1:]) + (None,) * (LAST_HARMONIC - len(lines)),
        thd=thd,
        thd_u=thd_u,
        thd_n=thd_n,
        thd_n_u=thd_n_power_u / (2.0 * math.sqrt(max(residual_power * total_power, 1e-60))),
        residual=math.sqrt(residual_power),
        total=math.sqrt(total_power),
    )


def _lines(x: Array, turn: Phasors, fundamental_bins: float) -> list[_Line]:
    """Fundamental and harmonics up to Nyquist, each with the noise beside it."""
    n = x.size
    window = blackman_harris7(n)
    windowed = (x - x.mean()) * window
    scale = 4.0 / float(window.sum()) ** 2
    spectrum = np.abs(np.fft.rfft(windowed)) ** 2 * scale
    lines: list[_Line] = []
    rotor = turn.copy()
    for k in range(1, LAST_HARMONIC + 1):
        bins = k * fundamental_bins
        if bins + MAIN_LOBE_BINS + 1 >= n / 2:
            break
        value = complex(windowed @ rotor)
        noise = _local_noise(spectrum, bins, fundamental_bins)
        lines.append(_Line(abs(value) ** 2 * scale - noise, noise, float(np.angle(value))))
        rotor *= turn
    if not lines:
        raise ToneNotFound(f"a fundamental at bin {fundamental_bins:.1f} of {n} frames is too close to Nyquist")
    return lines


def _local_noise(spectrum: Array, centre: float, spacing: float) -> float:
    """Mean noise power a bin around `centre`, robust against single lines (median of an exponential / ln 2)."""
    inner = MAIN_LOBE_BINS + 1.0
    outer = max(inner + 2.0, min(float(NOISE_BINS), spacing - inner))
    low, high = round(centre - outer), round(centre - inner)
    below = spectrum[max(low, 1) : max(high + 1, 1)]
    above = spectrum[round(centre + inner) : round(centre + outer) + 1]
    beside = np.concatenate((below, above))
    return float(np.median(beside)) / math.log(2.0) if beside.size else 0.0


def _thd(lines: list[_Line], base: float) -> tuple[float, float]:
    """THD re fundamental and its k=2 uncertainty from noise; under the floor (0 … u)."""
    power = sum(line.power for line in lines[1:])
    variance = sum(2.0 * max(line.power, 0.0) * line.noise + 1.1 * line.noise**2 for line in lines[1:])
    power_u = 2.0 * math.sqrt(variance)
    if power <= power_u:
        return 0.0, math.sqrt((max(power, 0.0) + power_u) / base)
    thd = math.sqrt(power / base)
    return thd, power_u / base / (2.0 * thd)


def _seen(line: _Line, base: float) -> float | None:
    return math.sqrt(line.power / base) if line.power > DETECT_POWER * line.noise and line.power > 0.0 else None


def _residual(x: Array, turn: Phasors) -> tuple[float, Array]:
    """DC and what a least-squares fit of DC and fundamental leaves of `x`."""
    cosine, sine = turn.real, -turn.imag
    basis = np.stack((np.ones_like(cosine), cosine, sine))
    weights = np.linalg.solve(basis @ basis.T, basis @ x)
    return float(weights[0]), x - weights @ basis
