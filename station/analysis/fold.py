"""A second of a running tone, folded onto one period: level and THD in a tenth of a millisecond.

Source and capture share a clock, so the signal repeats exactly every `period` frames; averaging the repeats leaves
1 Hz of noise bandwidth a bin. Bins between the harmonics show the noise that is subtracted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from station.analysis.errors import TooShort
from station.analysis.levels import Samples
from station.analysis.tones import LAST_HARMONIC


@dataclass(frozen=True, slots=True)
class FoldedSecond:
    """One channel's second: `amplitude` is the fundamental's peak (full scale); `thd` re fundamental, `thd_u` k=2."""

    amplitude: float
    thd: float
    thd_u: float


class Folder:
    """Folds stretches of a tone of `cycles` cycles in `period` frames."""

    def __init__(self, period: int, cycles: int) -> None:
        self._period = period
        last = min(LAST_HARMONIC, (period // 2 - 1) // cycles)
        self._lines = np.arange(1, last + 1) * cycles
        quiet = np.ones(period // 2, dtype=bool)
        quiet[0] = False
        quiet[::cycles] = False
        quiet[last * cycles + cycles :] = False
        self._quiet = np.flatnonzero(quiet)

    def fold(self, frames: Samples) -> tuple[FoldedSecond, FoldedSecond]:
        """Analyse (n, 2) frames; what does not fill a whole period at the end is left out. Raises `TooShort`."""
        repeats = frames.shape[0] // self._period
        if repeats < 1:
            raise TooShort(f"{frames.shape[0]} frames do not hold one period of {self._period}")
        rows = np.ascontiguousarray(frames[: repeats * self._period]).reshape(repeats, 2 * self._period)
        mean = np.full(repeats, 1.0 / repeats, dtype=rows.dtype) @ rows
        spectrum = np.fft.rfft(mean.reshape(self._period, 2).astype(np.float64), axis=0)
        power = (spectrum.real**2 + spectrum.imag**2) * (2.0 / self._period) ** 2
        noise = np.median(power[self._quiet], axis=0) / math.log(2.0) if self._quiet.size else np.zeros(2)
        return self._second(power[self._lines, 0], float(noise[0])), self._second(
            power[self._lines, 1], float(noise[1])
        )

    @staticmethod
    def _second(lines: Samples, noise: float) -> FoldedSecond:
        first = max(float(lines[0]), 1e-30)
        harmonics = np.maximum(lines[1:] - noise, 0.0)
        power = max(float(lines[1:].sum()) - noise * (lines.size - 1), 0.0)
        variance = float((2.0 * harmonics * noise + noise**2).sum())
        power_u = 2.0 * math.sqrt(variance)
        thd = math.sqrt(power / first)
        # the derivative of the root where it stands clear of the noise, the whole root where it does not
        thd_u = power_u / first / (2.0 * thd) if power > power_u else math.sqrt((power + power_u) / first)
        return FoldedSecond(math.sqrt(first), thd, thd_u)
