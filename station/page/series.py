"""A reading over time in bounded memory: when it is full every other point goes, and the whole step stays in view."""

from __future__ import annotations

POINTS = 160
"""At least half as many are kept once it has been full."""


class Series:
    """Points (x, y) in the order in which they came."""

    def __init__(self, most: int = POINTS) -> None:
        self._most = most
        self._points: list[tuple[float, float]] = []
        self._keep_every, self._passed = 1, 0

    def add(self, x: float, y: float) -> None:
        """Take a point. One whose x runs back begins the series anew."""
        if self._points and x < self._points[-1][0]:
            self._points, self._keep_every, self._passed = [], 1, 0
        self._passed += 1
        if self._passed < self._keep_every:
            return
        self._passed = 0
        if len(self._points) >= self._most:
            self._points = self._points[::2]
            self._keep_every *= 2
        self._points.append((round(x, 2), y))

    @property
    def points(self) -> list[tuple[float, float]]:
        """What is kept."""
        return list(self._points)


def thinned(xs: list[float], ys: list[float], most: int = 2 * POINTS) -> tuple[list[float], list[float]]:
    """At most `most` points of a curve, its first and last among them."""
    if len(xs) <= most:
        return xs, ys
    picked = [round(i * (len(xs) - 1) / (most - 1)) for i in range(most)]
    return [xs[i] for i in picked], [ys[i] for i in picked]
