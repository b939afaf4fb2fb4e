"""Where a tone lies: the strongest line of a capture, to a fraction of a bin, then fitted to what noise allows.

The first look is a Hann window's transform and the ratio of the two strongest bins (closed form for this window);
the rest is a least-squares fit (`harmonic_fit.refine_turns`), whose scatter comes near the Cramér-Rao bound.
"""

from __future__ import annotations

import math

import numpy as np

from station.analysis.errors import ToneNotFound, TooShort
from station.analysis.harmonic_fit import refine_turns
from station.analysis.hum import hann_offset
from station.analysis.levels import Samples, require_finite
from station.analysis.windows import hann

LEAST_BIN = 3
"""Lines below it cannot be told from DC."""
STANDS_OUT = 50.0
"""A line's power over the median bin's: noise alone reaches a third of it in a second of capture."""
FITTED_ORDERS = 10


def find_frequency(x: Samples, rate_hz: int, low_hz: float = 10.0, high_hz: float | None = None) -> float:
    """Frequency in Hz of the strongest line of `x` (n,) between the bounds.

    Raises `ToneNotFound` when no line stands out there, `TooShort` when the frames resolve nothing, `NotFinite`.
    """
    require_finite(x)
    n = x.size
    signal = np.asarray(x, dtype=np.float64)
    transform = np.fft.rfft((signal - signal.mean()) * hann(n))
    power = transform.real**2 + transform.imag**2
    first = max(math.ceil(low_hz * n / rate_hz), LEAST_BIN)
    last = min(math.floor((high_hz or rate_hz / 2.0) * n / rate_hz), power.size - 2)
    if last <= first:
        raise TooShort(f"{n} frames resolve nothing between {low_hz:g} Hz and the upper bound")
    k = first + int(np.argmax(power[first : last + 1]))
    if power[k] <= STANDS_OUT * float(np.median(power[1:-1])) or power[k] <= 0.0:
        raise ToneNotFound(f"no line stands out between {low_hz:g} Hz and {last * rate_hz / n:g} Hz")
    coarse = k + min(max(hann_offset(power, k), -0.5), 0.5)
    orders = max(min(FITTED_ORDERS, int((n / 2 - LEAST_BIN) / coarse)), 1)
    return refine_turns(signal, coarse / n, orders) * rate_hz
