"""One fundamental, its harmonics and DC, fitted together by weighted least squares: exact for a clean tone.

After IEEE 1057-2017's sine fits (secondary: Händel, "Properties of the IEEE-STD-1057 four-parameter sine wave fit
algorithm", IEEE Trans. Instrum. Meas. 49(6), 2000), with harmonics in the same fit. Because the lines are equally
spaced, the normal equations are a real Toeplitz matrix made of the window's transform at multiples of the frequency;
frames are projected block by block (`lines.Turns`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from station.analysis.levels import Array, Phasors, Samples
from station.analysis.lines import Turns
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


@dataclass(frozen=True, slots=True)
class HarmonicFit:
    """What was fitted. `lines` (last + 1,): DC, then the complex peak of each order at the middle of the frames.

    The middle is frame n / 2. `residual` (n,): what the fit leaves. `weights` (n,): how the frames counted.
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
    grid = _grid(n, turns, last)
    weights = weighting.window(n)
    signal: Array = np.asarray(x, dtype=np.float64)
    lines = _solve(n, turns, weighting, grid.transform(signal * weights))
    return HarmonicFit(n, turns, lines, signal - grid.synthesise(lines), weights)


def _grid(n: int, turns: float, last: int) -> Turns:
    return Turns(n, np.arange(1, last + 1, dtype=np.float64) * turns)


def _solve(n: int, turns: float, weighting: Weighting, projected: Phasors) -> Phasors:
    """Lines from projections: the normal equations in exp(+-2 pi i k turns t), a symmetric real Toeplitz matrix."""
    last = projected.size - 1
    spacing = weighting.transform(n, np.arange(2 * last + 1, dtype=np.float64) * turns)
    order = np.arange(-last, last + 1)
    matrix = spacing[np.abs(order[:, None] - order[None, :])]
    both = np.concatenate((projected[:0:-1].conj(), projected))
    try:
        found = np.linalg.solve(matrix, both)[last:]
    except np.linalg.LinAlgError as same:
        raise ValueError(f"{n} frames of {turns:g} cycles a frame do not tell the orders apart") from same
    lines = 2.0 * found
    lines[0] = found[0].real
    return np.asarray(lines)


def refine_turns(x: Samples, turns: float, last: int) -> float:
    """The frequency (cycles a frame) that fits `x` (n,) best, from one within a fraction of a bin: Newton's steps.

    Each step turns what the fit leaves along the fundamental's derivative into a correction (Händel 2000, sec. II);
    what the fit takes is known from its lines, so that the residual itself is never built.
    """
    n = x.size
    t = np.arange(n, dtype=np.float64) - n / 2.0
    weights = TAPERED.window(n)
    tilt = weights * t
    moment = float(tilt @ t)
    signal: Array = np.asarray(x, dtype=np.float64)
    weighted, tilted = weights * signal, tilt * signal
    for _ in range(REFINE_STEPS):
        grid = _grid(n, turns, last + 1)
        lines = _solve(n, turns, TAPERED, grid.transform(weighted)[: last + 1])
        first = complex(lines[1])
        if first == 0.0:
            return turns
        along = complex(grid.transform(tilted)[1]) - _tilt_taken(lines, grid.transform(tilt))
        # the wave Re(a exp(i w t)) changes by Re(i t a exp(i w t)) with w; half its square's weighted sum is moment/2
        step = (1j * first * along.conjugate()).real / (abs(first) ** 2 * moment / 2.0) / (2.0 * math.pi)
        turns += min(max(step, -0.5 / n), 0.5 / n)
        if abs(step) * n < REFINED_BINS:
            break
    return turns


def _tilt_taken(lines: Phasors, tilt: Phasors) -> complex:
    """Of the sum over `x` times t times exp(-i w t), what DC and the lines alone would give.

    `tilt`: that sum over the weights, for each order; an order below nought is its conjugate's.
    """
    both = np.concatenate((lines[:0:-1].conj() / 2.0, lines[:1], lines[1:] / 2.0))
    last = lines.size - 1
    apart = np.array([tilt[1 - m] if m <= 1 else tilt[m - 1].conj() for m in range(-last, last + 1)])
    return complex(both @ apart)
