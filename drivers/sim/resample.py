"""Signals between the frame rate and a denser grid, through their spectra: exact for what is periodic.

Shapes are (2, n) and, for spectra, (2, n // 2 + 1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def dense(spectrum: NDArray[np.complex128], frames: int, over: int) -> NDArray[np.float64]:
    """The signal of this spectrum, sampled `over` times as densely as its `frames`."""
    wide = np.zeros((2, frames * over // 2 + 1), dtype=np.complex128)
    np.multiply(spectrum, over, out=wide[:, : spectrum.shape[1]])
    if frames % 2 == 0:
        wide[:, frames // 2] *= 0.5  # this bin now has a mirror image of its own
    return np.fft.irfft(wide, frames * over)


def sparse(signal: NDArray[np.float64], plus: NDArray[np.complex128], over: int) -> NDArray[np.float64]:
    """Back to the frame rate behind an ideal anti-alias filter, the spectrum `plus` added."""
    frames = signal.shape[1] // over
    spectrum = np.fft.rfft(signal)[:, : frames // 2 + 1] / over
    spectrum += plus
    if frames % 2 == 0:
        spectrum[:, -1] = 0.0
    return np.fft.irfft(spectrum, frames)


def fast_length(frames: int) -> int:
    """The smallest even 2^a 3^b 5^c of at least `frames`: transforms of such lengths are fast."""
    best = 2
    while best < frames:
        best *= 2
    five = 1
    while five < best:
        three = five
        while three < best:
            length = three
            while length < frames or length % 2:
                length *= 2
            best = min(best, length)
            three *= 3
        five *= 5
    return best
