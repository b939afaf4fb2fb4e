"""Windows, and their exact transforms at any frequency, so that a least-squares fit needs no sum over the frames.

The 7-term Blackman-Harris window: side lobes under -180 dB, lines more than seven bins apart do not see each other; its
price is 2.63 times the noise (equivalent noise bandwidth). The tapered one (Tukey): flat but for its ends, 8 % worse
than no window in noise, and what lies a thousand bins away is 160 dB down. Both are symmetric about frame n / 2, so
that their transforms are real when time is counted from there (as `lines.Turns` does).
"""

from __future__ import annotations

import math
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

EDGE = sum((-1.0) ** m * a for m, a in enumerate(COEFFICIENTS))
"""What the series is at its first frame (6e-8), which has no partner at the other end: there the window is 0."""
TAPER_SHARE = 0.1
"""Of the frames, at each end of the tapered window."""


@lru_cache(maxsize=4)
def blackman_harris7(n: int) -> Array:
    """The periodic window (n,), its sum n times the first coefficient but for `EDGE`. Read-only: it is shared."""
    phase = 2.0 * np.pi * np.arange(n) / n
    window = np.zeros(n)
    for m, a in enumerate(COEFFICIENTS):
        window += (-1.0) ** m * a * np.cos(m * phase)
    window[0] = 0.0
    window.flags.writeable = False
    return window


def blackman_harris7_transform(n: int, turns: Array) -> Array:
    """Sum of window times cos(2 pi turns t) over the n frames, t from n / 2; `turns` in cycles a frame."""
    total = COEFFICIENTS[0] * dirichlet(n, turns) * np.cos(np.pi * turns) - EDGE * np.cos(np.pi * n * turns)
    for m, a in enumerate(COEFFICIENTS[1:], start=1):
        for shifted in (turns - m / n, turns + m / n):
            total += a / 2.0 * dirichlet(n, shifted) * np.cos(np.pi * shifted)
    return np.asarray(total)


def taper_frames(n: int) -> int:
    """Frames over which each end of the tapered window rises; its first frame is 0."""
    return max(round(TAPER_SHARE * (n - 1)), 1)


@lru_cache(maxsize=4)
def tapered(n: int) -> Array:
    """The Tukey window (n,): 1.0 but for half a cosine at each end. Read-only: it is shared."""
    taper = taper_frames(n)
    window = np.ones(n)
    rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(taper + 1) / taper)
    window[: taper + 1] = rise
    window[-taper:] = rise[:0:-1]
    window.flags.writeable = False
    return window


def tapered_transform(n: int, turns: Array) -> Array:
    """As `blackman_harris7_transform`: a block of n - taper frames folded with half a sine."""
    taper = taper_frames(n)
    shift = 0.5 / taper
    lobe = math.sin(math.pi * shift) / 2.0 * (dirichlet(taper, turns - shift) + dirichlet(taper, turns + shift))
    return np.asarray(dirichlet(n - taper, turns) * lobe)


def dirichlet(n: int, turns: Array) -> Array:
    """Sum of cos(2 pi turns u) over n frames, u from their middle; `turns` in cycles a frame."""
    half = np.sin(np.pi * turns)
    near = np.abs(half) < 1e-12
    return np.asarray(np.where(near, n, np.sin(np.pi * n * turns) / np.where(near, 1.0, half)))


@lru_cache(maxsize=4)
def hann(n: int) -> Array:
    """The periodic Hann window (n,). Read-only: it is shared."""
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n) / n)
    window.flags.writeable = False
    return window
