"""The 7-term Blackman-Harris window and what its transform looks like.

Side lobes lie under -180 dB, so that lines more than `MAIN_LOBE_BINS` bins apart do not see each other.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from station.analysis.levels import Array

COEFFICIENTS = (
    0.27105140069342,
    0.43329793923448,
    0.21812299954311,
    0.06592544638803,
    0.01081174209837,
    0.00077658482522,
    0.00001388721735,
)
"""7-term Blackman-Harris (Albrecht 2001, minimum side lobe), as cosine series with alternating signs."""

MAIN_LOBE_BINS = 7.0
NOISE_BANDWIDTH_BINS = 2.6316
"""Equivalent noise bandwidth."""


@lru_cache(maxsize=4)
def blackman_harris7(n: int) -> Array:
    """The periodic window (n,), sum n times the first coefficient. Read-only: it is shared."""
    phase = 2.0 * np.pi * np.arange(n) / n
    window = np.zeros(n)
    for m, a in enumerate(COEFFICIENTS):
        window += (-1.0) ** m * a * np.cos(m * phase)
    window.flags.writeable = False
    return window


def kernel(offset_bins: float) -> float:
    """Magnitude of the window's transform `offset_bins` from a line, 1.0 at the line (many samples: sinc sum).

    The window's alternating signs and the shift of each sinc's phase cancel.
    """
    total = COEFFICIENTS[0] * float(np.sinc(offset_bins))
    for m, a in enumerate(COEFFICIENTS[1:], start=1):
        total += a / 2.0 * float(np.sinc(offset_bins - m) + np.sinc(offset_bins + m))
    return abs(total) / COEFFICIENTS[0]


@lru_cache(maxsize=4)
def hann(n: int) -> Array:
    """The periodic Hann window (n,). Read-only: it is shared."""
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n) / n)
    window.flags.writeable = False
    return window
