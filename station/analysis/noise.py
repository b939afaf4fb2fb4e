"""Noise levels: flat 20 Hz to 20 kHz and A-weighted after IEC 61672-1:2013, annex E (analytical form)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from station.analysis.errors import TooShort
from station.analysis.levels import Array, Samples, require_finite
from station.analysis.windows import hann

BAND_HZ = (20.0, 20000.0)
MIN_S = 0.1
"""Shorter captures do not resolve 20 Hz."""
NEIGHBOURS = 64
HANN_CORRELATION = 1.94
"""Neighbouring bins of a Hann window share noise: so many are worth one."""
LINE_POWER = 12.0
"""A bin that stands so far above the noise beside it is a line (one noise bin in 160,000 does)."""


@dataclass(frozen=True, slots=True)
class Noise:
    """One channel's noise as rms in full scale, without DC, with k=2 statistical uncertainty."""

    flat: float
    flat_u: float
    a_weighted: float
    a_weighted_u: float


def a_weighting(frequency_hz: Array) -> Array:
    """Gain of the A-weighting at each frequency (plain ratio, 1.0 at 1 kHz; 0.0 at 0 Hz)."""

    def response(f: Array) -> Array:
        square = f * f
        low = (square + 20.598997**2) * np.sqrt((square + 107.65265**2) * (square + 737.86223**2))
        return np.asarray(12194.217**2 * square * square / (low * (square + 12194.217**2)))

    return np.asarray(response(np.asarray(frequency_hz, dtype=np.float64)) / response(np.array([1000.0]))[0])


def analyse_noise(x: Samples, rate_hz: int) -> Noise:
    """Noise of `x` (n,) in full scale. Raises `TooShort` and `NotFinite`. A silent capture is a result: about 0."""
    if x.size < MIN_S * rate_hz:
        raise TooShort(f"{x.size} frames: noise down to 20 Hz needs at least {MIN_S:g} s")
    require_finite(x)
    band, weights = weighted_band(x.size, rate_hz)
    power = _power_spectrum(x - np.mean(x, dtype=np.float64))[band]
    flat, flat_u = rms_of(power)
    weighted, weighted_u = rms_of(power * weights)
    return Noise(flat, flat_u, weighted, weighted_u)


@lru_cache(maxsize=4)
def weighted_band(n: int, rate_hz: int) -> tuple[slice, Array]:
    """Bins of the band and the squared A-weighting on them."""
    band = band_bins(n, rate_hz)
    return band, a_weighting(np.arange(band.start, band.stop) * rate_hz / n) ** 2


def _power_spectrum(x: Samples) -> Array:
    """One-sided power a bin (Hann), summing to the mean square of `x`."""
    window = hann(x.size)
    transform = np.fft.rfft(np.asarray(x, dtype=np.float64) * window)
    power = transform.real**2 + transform.imag**2
    power *= 2.0 / (x.size * float(window @ window))
    return np.asarray(power)


def band_bins(n: int, rate_hz: int) -> slice:
    """The bins of n frames that lie within 20 Hz to 20 kHz or under Nyquist."""
    first = math.ceil(BAND_HZ[0] * n / rate_hz)
    last = min(math.floor(BAND_HZ[1] * n / rate_hz), n // 2 - 1)
    return slice(first, last + 1)


def rms_of(power: Array, correlation: float = HANN_CORRELATION) -> tuple[float, float]:
    """Rms and its k=2 uncertainty of the power a bin; `correlation`: so many bins of its window are worth one.

    Noise scatters from bin to bin; a line (hum) is only as uncertain as the noise beside it.
    """
    total = float(power.sum())
    if total <= 0.0:
        return 0.0, 0.0
    beside = _local_noise(power)
    variance = variance_of(power, beside, LINE_POWER, correlation)
    rms = math.sqrt(total)
    return rms, math.sqrt(variance) / rms


def variance_of(power: Array, beside: Array, line_power: float, correlation: float = HANN_CORRELATION) -> float:
    """Variance of a sum of bins: noise scatters by its own mean, a line with the noise `beside` it.

    A bin is a line from `line_power` times the noise beside it.
    """
    line = power > line_power * beside
    noise = power[~line]
    # a bin's power scatters by its mean; the mean of its square is twice that squared
    return correlation * (float(noise @ noise) / 2.0 + 2.0 * float(power[line] @ beside[line]))


def _local_noise(power: Array) -> Array:
    """Mean noise a bin around each bin, robust against lines: medians of blocks of bins over ln 2."""
    blocks = -(-power.size // NEIGHBOURS)
    padded = np.pad(power, (0, blocks * NEIGHBOURS - power.size), mode="reflect").reshape(blocks, NEIGHBOURS)
    return np.repeat(np.median(padded, axis=1) / math.log(2.0), NEIGHBOURS)[: power.size]
