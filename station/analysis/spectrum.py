"""A spectrum to look at: the strongest line of every stretch of the log axis. For plots; nothing is judged by it."""

from __future__ import annotations

import math

import numpy as np

from station.analysis.errors import TooShort
from station.analysis.levels import Samples, require_finite
from station.analysis.windows import blackman_harris7

POINTS = 240
LOW_HZ, HIGH_HZ = 20.0, 20000.0


def drawn_spectrum(x: Samples, rate_hz: int, amplitude: float, points: int = POINTS) -> tuple[tuple[float, float], ...]:
    """(Hz, dB re a line of `amplitude`, peak) of one channel (n,), at most `points`, 20 Hz to 20 kHz or Nyquist.

    Each point is the strongest bin of its stretch, so that no line is lost; stretches narrower than a bin are left
    out. Raises `TooShort`, `NotFinite`, `ValueError` for an amplitude that is none.
    """
    n = x.size
    if n < 1024:
        raise TooShort(f"{n} frames are too few for a spectrum; at least 1024")
    if not amplitude > 0.0:
        raise ValueError(f"amplitude {amplitude:g}: must be above 0")
    require_finite(x)
    window = blackman_harris7(n)
    power = np.abs(np.fft.rfft((x - x.mean()) * window)) ** 2 * (4.0 / float(window.sum()) ** 2)
    high_hz = min(HIGH_HZ, rate_hz / 2.0)
    frequency_hz = np.arange(power.size) * rate_hz / n
    inside = np.flatnonzero((frequency_hz >= LOW_HZ) & (frequency_hz <= high_hz))
    place = np.log(frequency_hz[inside] / LOW_HZ) / math.log(high_hz / LOW_HZ)
    cells = np.minimum((place * points).astype(int), points - 1)
    begins = np.flatnonzero(np.diff(cells, prepend=-1))
    found: list[tuple[float, float]] = []
    for begin, end in zip(begins, [*begins[1:], inside.size], strict=True):
        best = inside[begin + int(np.argmax(power[inside[begin:end]]))]
        level_db = 10.0 * math.log10(max(float(power[best]), 1e-30) / amplitude**2)
        found.append((float(frequency_hz[best]), level_db))
    return tuple(found)
