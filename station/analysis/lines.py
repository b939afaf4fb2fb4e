"""Many lines of known frequency fitted to one stretch at once, so that none is read as part of another.

Weighted least squares with a periodic Hann window as the weight. Gram matrix in closed form (sums of Dirichlet
kernels), right-hand side by a block DFT (two matrix products), so that nothing of the size lines x samples is made.
Hann and not more: what is close is in the model, and what is not falls off with 18 dB an octave (F. J. Harris 1978,
"On the use of windows for harmonic analysis with the DFT", table 1), while noise counts 1.5 times instead of 2.6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from station.analysis.levels import Array, Phasors, Samples

BLOCK = 512
_HANN = ((0, 0.5), (1, 0.25), (-1, 0.25))
_HANN_SQUARED = ((0, 0.375), (1, 0.25), (-1, 0.25), (2, 0.0625), (-2, 0.0625))


class Turns:
    """exp(2 pi i c t) of DC and lines at `cycles` (m,) a frame over `n` frames, t counted from the middle (n / 2).

    Kept as what turns within a block and from block to block; line 0 is DC, so there are m + 1 of them.
    """

    def __init__(self, n: int, cycles: Array) -> None:
        self.n = n
        self.blocks = -(-n // BLOCK)
        every = np.concatenate(([0.0], cycles))
        angle = 2.0 * np.pi * np.outer(np.arange(BLOCK), every)
        self._inner = np.hstack((np.cos(angle), -np.sin(angle)))
        starts = np.outer(np.arange(self.blocks) * float(BLOCK) - n / 2.0, every)
        self._outer = np.exp(-2j * np.pi * (starts - np.rint(starts)))

    def transform(self, x: Samples) -> Phasors:
        """Sum of x exp(-2 pi i c t) over the frames of `x` (n,), shape (m + 1,)."""
        rows = np.zeros((self.blocks, BLOCK))
        rows.reshape(-1)[: self.n] = x
        both = rows @ self._inner
        lines = self._outer.shape[1]
        return np.asarray(((both[:, :lines] + 1j * both[:, lines:]) * self._outer).sum(axis=0))

    def synthesise(self, phasors: Phasors) -> Array:
        """Sum of Re(p exp(2 pi i c t)) over DC and the lines, shape (n,), from `phasors` (m + 1,)."""
        weights = np.conj(self._outer) * phasors
        rows = np.hstack((weights.real, weights.imag)) @ self._inner.T
        return np.asarray(rows.reshape(-1)[: self.n])


def _kernel(bins: Array, n: int, terms: tuple[tuple[int, float], ...]) -> Array:
    """Transform of the window `bins` away from its middle; `terms` are its cosines as shifts and shares."""
    total = np.zeros(bins.shape)
    for shift, share in terms:
        v = bins + shift
        under = np.sin(np.pi * v / n)
        at_line = np.abs(under) < 1e-12
        plain = np.sin(np.pi * v) / np.where(at_line, 1.0, under)
        # the sum over t - n / 2 leaves exp(i pi v / n); the window is symmetric, so the imaginary parts cancel
        total += share * np.where(at_line, float(n), plain) * np.cos(np.pi * v / n)
    return total


@dataclass(frozen=True, slots=True)
class LineFit:
    """Lines of one stretch. `dc` in the samples' unit; `phasors` (m,) complex peaks at the middle of the stretch.

    `spread` (m,): variance of a phasor (of its squared magnitude) over the variance of a white sample; `dc_spread`
    the same of `dc`.
    """

    cycles: Array
    dc: float
    phasors: Phasors
    spread: Array
    dc_spread: float

    @property
    def all_phasors(self) -> Phasors:
        """DC and the lines, as `Turns.synthesise` takes them."""
        return np.concatenate(([self.dc], self.phasors))


class LineModel:
    """DC and lines at `cycles` (m,) a frame in stretches of `n` frames; the frequencies' matrix is solved once."""

    def __init__(self, n: int, cycles: Array) -> None:
        self.cycles = cycles
        self.turns = Turns(n, cycles)
        signed = np.concatenate(([0.0], cycles, -cycles))
        apart = (signed[None, :] - signed[:, None]) * n
        self._inverse = np.linalg.inv(_kernel(apart, n, _HANN))
        noise = self._inverse @ _kernel(apart, n, _HANN_SQUARED) @ self._inverse
        self._spread = np.diag(noise)[: cycles.size + 1]

    def solve(self, transformed: Phasors) -> LineFit:
        """The fit from `turns.transform(window x)`, shape (m + 1,)."""
        m = self.cycles.size
        full = np.concatenate((transformed, np.conj(transformed[1:])))
        found = self._inverse @ full.real + 1j * (self._inverse @ full.imag)
        return LineFit(
            self.cycles, float(found[0].real), 2.0 * found[1 : m + 1], 4.0 * self._spread[1:], float(self._spread[0])
        )

    def overlap(self, one: Phasors, other: Phasors) -> float:
        """What the lines explain of the weighted product of two columns, each transformed as in `solve`."""
        left = np.concatenate((one, np.conj(one[1:])))
        right = np.concatenate((other, np.conj(other[1:])))
        return float((np.conj(left) @ (self._inverse @ right)).real)
