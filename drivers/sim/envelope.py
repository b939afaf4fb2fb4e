"""Means over a signal: one for a settled period, local ones for a stimulus that comes and goes.

The amplifier asks for the mean of |voltage| (its rails sag with it) and of x^2 (its harmonics' anchors). For a period
that repeats for ever these are plain means. For a bounded stimulus they follow its envelope over a tenth of a second,
counting only stretches in which there is a signal, so that a burst has its full level from its first frame on.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
"""Shape (2, n)."""


class Level(Protocol):
    """How the amplifier forms means."""

    def scaled(self, over: int) -> Level:
        """The same for a signal sampled `over` times as densely."""

    def mean(self, values: Values) -> Values:
        """The mean, broadcastable to the shape of `values`: (2, 1) or (2, n)."""

    def cubic(self, square: Values, mean_square: Values) -> Values:
        """c = <x^4>/<x^2>, the part of x in x^3; 1.5 <x^2> for a sine."""

    def standing(self, values: Values, offset: Values) -> Values:
        """The DC, shape (2, 1), that an AC-coupled capture has long since lost; `offset` is there also in silence."""


class SteadyLevel:
    """Means over the one period that there is."""

    def scaled(self, over: int) -> SteadyLevel:
        return self

    def mean(self, values: Values) -> Values:
        return np.asarray(values.mean(axis=1, keepdims=True))

    def cubic(self, square: Values, mean_square: Values) -> Values:
        fourth = np.square(square).mean(axis=1, keepdims=True)
        return np.asarray(np.divide(fourth, mean_square, out=np.zeros_like(fourth), where=mean_square > 0.0))

    def standing(self, values: Values, offset: Values) -> Values:
        return self.mean(values)


class LocalLevel:
    """Means under a Hann window of 0.1 s over the milliseconds that carry a signal."""

    _WINDOW_BLOCKS = 101
    _BLOCK_S = 0.001
    _ACTIVE = 0.02

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._window = np.hanning(self._WINDOW_BLOCKS + 2)[1:-1]

    def scaled(self, over: int) -> LocalLevel:
        return LocalLevel(self._rate_hz * over)

    def mean(self, values: Values) -> Values:
        block = max(1, round(self._rate_hz * self._BLOCK_S))
        frames = values.shape[1]
        edges = np.arange(0, frames, block)
        means = np.add.reduceat(values, edges, axis=1) / block
        return np.asarray(np.repeat(np.stack([self._smooth(row) for row in means]), block, axis=1)[:, :frames])

    def cubic(self, square: Values, mean_square: Values) -> Values:
        return np.asarray(1.5 * mean_square)

    def standing(self, values: Values, offset: Values) -> Values:
        return offset

    def _smooth(self, means: Values) -> Values:
        """Weighted local mean of the active blocks; 0 where none is near."""
        active = (means > self._ACTIVE * means.max(initial=0.0)).astype(np.float64)
        inner = slice(self._WINDOW_BLOCKS // 2, self._WINDOW_BLOCKS // 2 + len(means))
        total = np.convolve(means * active, self._window)[inner]
        weight = np.convolve(active, self._window)[inner]
        return np.asarray(np.divide(total, weight, out=np.zeros_like(total), where=weight > 1e-9))
