"""Medians of any number of durations in little memory: exact of the first few thousand, then to half a percent."""

from __future__ import annotations

import math
from array import array
from collections import Counter

EXACT = 4096
"""So many values are kept as they are."""
STEP = 1.01
"""Width of a bin: its middle is within 0.5 % of what is in it."""
LEAST = 1e-6
"""Shorter than this is nought."""


class Quantiles:
    """Add durations (>= 0), ask for the value below which a share of them lies."""

    def __init__(self) -> None:
        self.count = 0
        self._kept = array("d")
        self._bins: Counter[int | None] = Counter()

    def add(self, value: float) -> None:
        """One more."""
        self.count += 1
        if not self._bins:
            self._kept.append(value)
            if len(self._kept) > EXACT:
                self._bins.update(map(_bin, self._kept))
                self._kept = array("d")
        else:
            self._bins[_bin(value)] += 1

    def at(self, share: float) -> float:
        """Between the two nearest by rank while all are kept. Raises `ValueError` of nothing."""
        if not self.count:
            raise ValueError("no value was added")
        place = share * (self.count - 1)
        if not self._bins:
            ordered = sorted(self._kept)
            below = int(place)
            above = min(below + 1, self.count - 1)
            return ordered[below] + (place - below) * (ordered[above] - ordered[below])
        seen = 0
        for one in sorted(self._bins, key=lambda one: -math.inf if one is None else one):
            seen += self._bins[one]
            if seen > place:
                break
        return 0.0 if one is None else float(STEP ** (one + 0.5))


def _bin(value: float) -> int | None:
    return None if value < LEAST else math.floor(math.log(value) / math.log(STEP))
