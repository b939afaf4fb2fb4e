"""One fundamental, its harmonics and DC, fitted together by weighted least squares: exact for a clean tone.

After IEEE 1057-2017's sine fits (secondary: Händel, "Properties of the IEEE-STD-1057 four-parameter sine wave fit
algorithm", IEEE Trans. Instrum. Meas. 49(6), 2000), with harmonics in the same fit. Because the lines are equally
spaced, the normal equations are a real Toeplitz matrix made of the window's transform at multiples of the frequency,
and every projection is the transform of blocks of frames, put together by their phases: two small matrix products
instead of a sum over the frames for each line.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from station.analysis.levels import Array, Phasors, Samples
from station.analysis.windows import blackman_harris7, blackman_harris7_transform, tapered, tapered_transform


@dataclass(frozen=True, slots=True)
class Weighting:
    """A window as the weights of a fit: frames -> (n,), and (frames, turns a frame) -> its transform."""

    window: Callable[[int], Array]
    transform: Callable[[int, Array], Array]


TAPERED = Weighting(tapered, tapered_transform)
"""Near the least scatter that noise allows; a strong foreign line some ten bins from a harmonic still leaks into it."""
REFINE_STEPS = 4
REFINED_BINS = 1e-5
"""A step so small leaves an error a hundred times smaller: the steps converge that fast."""
DEEP = Weighting(blackman_harris7, blackman_harris7_transform)
"""2.6 times the noise power; nothing farther away than seven bins leaks."""


class HarmonicGrid:
    """The phases of orders 0 to `last` of a frequency (in turns a frame) over n frames, counted from the middle.

    Projects frames on all orders and builds waves of them, without an array of n frames for each order.
    """

    def __init__(self, n: int, turns: float, last: int) -> None:
        self.n, self.turns, self.last = n, turns, last
        self._width = max(math.isqrt(n), 1)
        self._rows = -(-n // self._width)
        order = turns * np.arange(last + 1)
        self._within = np.exp(2j * np.pi * (np.arange(self._width)[:, None] * order % 1.0))
        begins = np.arange(self._rows) * self._width - (n - 1) / 2.0
        self._begins = np.exp(2j * np.pi * (begins[:, None] * order % 1.0))

    def project(self, x: Array) -> Phasors:
        """Sum over the frames of `x` times exp(-2 pi i k turns u), for k = 0 … last: (last + 1,)."""
        padded = np.zeros(self._rows * self._width)
        padded[: self.n] = x
        blocks = padded.reshape(self._rows, self._width)
        parts = blocks @ np.concatenate((self._within.real, -self._within.imag), axis=1)
        sums = parts[:, : self.last + 1] + 1j * parts[:, self.last + 1 :]
        return np.asarray(np.einsum("bk,bk->k", sums, self._begins.conj()))

    def wave(self, lines: Phasors) -> Array:
        """The real wave (n,) of `lines` (last + 1,): the sum of Re(lines[k] exp(2 pi i k turns u))."""
        turned = self._begins * lines
        left = np.concatenate((turned.real, -turned.imag), axis=1)
        right = np.concatenate((self._within.real, self._within.imag), axis=1)
        return np.asarray((left @ right.T).ravel()[: self.n])


@dataclass(frozen=True, slots=True)
class HarmonicFit:
    """What was fitted. `lines` (last + 1,): DC, then the complex peak of each order at the middle of the frames.

    `residual` (n,): what the fit leaves. `weights` (n,): how the frames counted.
    """

    frames: int
    turns: float
    lines: Phasors
    residual: Array
    weights: Array


def fit_harmonics(x: Samples, turns: float, last: int, weighting: Weighting = TAPERED) -> HarmonicFit:
    """Fit DC and orders 1 to `last` of `turns` cycles a frame to `x` (n,), all under half a cycle a frame.

    The lines should lie some bins apart, from each other and from DC: `ValueError` where they cannot be told apart.
    """
    n = x.size
    if not 0.0 < turns * last < 0.5:
        raise ValueError(f"order {last} of {turns:g} cycles a frame: must lie between 0 and half a cycle")
    grid = HarmonicGrid(n, turns, last)
    weights = weighting.window(n)
    signal: Array = np.asarray(x, dtype=np.float64)
    lines = _solve(grid, weighting, grid.project(signal * weights))
    return HarmonicFit(n, turns, lines, signal - grid.wave(lines), weights)


def _solve(grid: HarmonicGrid, weighting: Weighting, projected: Phasors) -> Phasors:
    """Lines from projections: the normal equations in exp(+-2 pi i k turns u), a symmetric real Toeplitz matrix."""
    last = projected.size - 1
    spacing = weighting.transform(grid.n, np.arange(2 * last + 1, dtype=np.float64) * grid.turns)
    order = np.arange(-last, last + 1)
    matrix = spacing[np.abs(order[:, None] - order[None, :])]
    both = np.concatenate((projected[:0:-1].conj(), projected))
    try:
        found = np.linalg.solve(matrix, both)[last:]
    except np.linalg.LinAlgError as same:
        raise ValueError(f"{grid.n} frames of {grid.turns:g} cycles a frame do not tell the orders apart") from same
    lines = 2.0 * found
    lines[0] = found[0].real
    return np.asarray(lines)


def refine_turns(x: Samples, turns: float, last: int) -> float:
    """The frequency (cycles a frame) that fits `x` (n,) best, from one within a fraction of a bin: Newton's steps.

    Each step turns what the fit leaves along the fundamental's derivative into a correction (Händel 2000, sec. II);
    what the fit takes is known from its lines, so that the residual itself is never built.
    """
    n = x.size
    u = np.arange(n, dtype=np.float64) - (n - 1) / 2.0
    weights = TAPERED.window(n)
    tilt = weights * u
    moment = float(tilt @ u)
    signal: Array = np.asarray(x, dtype=np.float64)
    weighted, tilted = weights * signal, tilt * signal
    for _ in range(REFINE_STEPS):
        grid = HarmonicGrid(n, turns, last + 1)
        lines = _solve(grid, TAPERED, grid.project(weighted)[: last + 1])
        first = complex(lines[1])
        if first == 0.0:
            return turns
        along = complex(grid.project(tilted)[1]) - _tilt_taken(lines, grid.project(tilt))
        # the wave Re(a exp(i w u)) changes by Re(i u a exp(i w u)) with w; half its square's weighted sum is moment/2
        step = (1j * first * along.conjugate()).real / (abs(first) ** 2 * moment / 2.0) / (2.0 * math.pi)
        turns += min(max(step, -0.5 / n), 0.5 / n)
        if abs(step) * n < REFINED_BINS:
            break
    return turns


def _tilt_taken(lines: Phasors, tilt: Phasors) -> complex:
    """Of the sum over `x` times u times exp(-i w u), what DC and the lines alone would give.

    `tilt`: that sum over the weights, for each order; an order below nought is its conjugate's.
    """
    both = np.concatenate((lines[:0:-1].conj() / 2.0, lines[:1], lines[1:] / 2.0))
    last = lines.size - 1
    apart = np.array([tilt[1 - m] if m <= 1 else tilt[m - 1].conj() for m in range(-last, last + 1)])
    return complex(both @ apart)
