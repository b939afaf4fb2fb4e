"""Chance from a seed: our own generator, so that a seed means the same on any machine and any Python.

SplitMix64 (Steele, Lea and Flood, 2014), 64-bit integer arithmetic only. Each use has a stream of its own by name, so
that leaving a fault out of a history changes nothing of what else is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
_MASK = (1 << 64) - 1


class Chance:
    """One stream: `Chance(seed, "faults")` and `Chance(seed, "technician")` know nothing of each other."""

    def __init__(self, seed: int, stream: str) -> None:
        state = seed & _MASK
        for byte in stream.encode():
            state = (state * 0x100000001B3 ^ byte) & _MASK
        self._state = state
        self._next()

    def _next(self) -> int:
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & _MASK
        return z ^ z >> 31

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + self._next() % (high - low + 1)

    def one_in(self, n: int) -> bool:
        """True once in `n` times."""
        return self._next() % n == 0

    def pick(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[self._next() % len(choices)]
