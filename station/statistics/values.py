"""Measured values of outgoing tests, added up as they come: mean, scatter and what was left out, by pair of limits.

A unit gives one value of a measurement, its first: a device that is tested five times is no five devices, and the last
value is one that was repaired until it passed, which would flatter. Whose run it was (PASS, FAIL, ABORTED) does not
matter; the value itself was judged PASS or FAIL.
"""

from __future__ import annotations

import math
from collections import Counter

from station.statistics.intervals import capability
from station.statistics.results import FEW, Capability
from station.statistics.run import JUDGED, Run, Value

Limited = tuple[str, str, str, str | None, str, float | None, float | None]
"""Product, step, measurement, channel, unit, low, high."""

MOST_ORDERS = 200
"""Work orders of one serial number whose values are remembered: some scan `0` for all that has no number."""


class Moments:
    """Mean and sum of squares of what was added, without keeping it (Welford, Technometrics 4 (1962) 419)."""

    __slots__ = ("count", "greatest", "least", "mean", "outside", "squares")

    def __init__(self) -> None:
        self.count, self.outside = 0, 0
        self.mean, self.squares = 0.0, 0.0
        self.least, self.greatest = math.inf, -math.inf

    def add(self, value: float) -> None:
        """One more."""
        self.count += 1
        off = value - self.mean
        self.mean += off / self.count
        self.squares += off * (value - self.mean)
        if value < self.least:
            self.least = value
        if value > self.greatest:
            self.greatest = value

    @property
    def deviation(self) -> float:
        """The standard deviation (n - 1); 0 of fewer than two, and where the scatter is the arithmetic's."""
        if self.count < 2 or self.least == self.greatest:
            return 0.0
        return math.sqrt(self.squares / (self.count - 1))


class ValueTally:
    """`add` every outgoing run, devices one after the other; `next_device` between two of them."""

    def __init__(self) -> None:
        self.without_limits = 0
        self.one_allowed = 0
        self._moments: dict[Limited, Moments] = {}
        self._bounds: Counter[Limited] = Counter()
        self._no_value: Counter[Limited] = Counter()
        self._taken: dict[tuple[str, str | None], set[tuple[str, str, str | None]]] = {}

    def next_device(self) -> None:
        """Forget which values the device has given."""
        self._taken.clear()

    def add(self, run: Run, *, counts: bool) -> None:
        """`counts` False: the run is not asked about, but what it gave first is not given again."""
        taken = self._taken.setdefault((run.product, run.work_order), set())
        if len(self._taken) > MOST_ORDERS:
            del self._taken[next(iter(self._taken))]
        for one in run.values:
            place = one[:3]
            if place not in taken and self._take(run.product, one, counts):
                taken.add(place)

    def _take(self, product: str, one: Value, counts: bool) -> bool:
        """Count it; whether it was a value, so that no later one of the unit counts."""
        step, name, channel, value, unit, low, high, bound, verdict = one
        key = (product, step, name, channel, unit, low, high)
        is_value = value is not None and verdict in JUDGED
        if not counts:
            return is_value
        if low is None and high is None:
            self.without_limits += is_value
        elif low == high or name.endswith("_ok") or (low is None and high == 0.0):  # at most none: a count
            self.one_allowed += is_value
        elif value is None or not is_value:
            self._no_value[key] += 1
        elif bound is not None:
            self._bounds[key] += 1
        else:
            moments = self._moments.get(key)
            if moments is None:
                moments = self._moments[key] = Moments()
            moments.add(value)
            moments.outside += (low is not None and value < low) or (high is not None and value > high)
        return is_value

    def capabilities(self) -> tuple[Capability, ...]:
        """The least capable first; what has no index last, in the order in which it was met."""
        keys = dict.fromkeys((*self._moments, *self._bounds))
        made = [self._capability(key) for key in keys]
        return tuple(sorted(made, key=lambda one: math.inf if one.ppk is None else one.ppk))

    def _capability(self, key: Limited) -> Capability:
        product, step, name, channel, unit, low, high = key
        moments = self._moments.get(key) or Moments()
        count, deviation = moments.count, moments.deviation
        index = capability(moments.mean, deviation, count, low, high)
        ppk, ppk_low, ppk_high = index or (None, None, None)
        return Capability(
            product, step, name, channel, unit, low, high, count, moments.mean if count else None,
            deviation if count > 1 else None, moments.least if count else None, moments.greatest if count else None,
            moments.outside, ppk, ppk_low, ppk_high, count < FEW, self._bounds[key], self._no_value[key],
        )  # fmt: skip
