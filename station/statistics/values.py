"""Measured values of outgoing tests, added up as they come: mean, scatter and what was left out, by pair of limits.

A unit gives one value of a measurement, its first: a device that is tested five times is no five devices, and the last
value is one that was repaired until it passed, which would flatter. Whose run it was (PASS, FAIL, ABORTED) does not
matter; the value itself was judged PASS or FAIL.

A limit may be a percentage around what the same device read elsewhere: then every unit has limits of its own, and pairs
of limits would be as many as units. They are known by their equal percentage and become one row, in percent.
"""

from __future__ import annotations

import math

from station.statistics.intervals import capability
from station.statistics.results import FEW, Capability
from station.statistics.run import JUDGED, Run, Value

Limited = tuple[str, str, str, str | None, str, float | None, float | None]
"""Product, step, measurement, channel, unit, low, high."""

ALIKE = 3
"""So many pairs of limits that are the same percentage around different middles are one relative limit."""
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

    def add_percent(self, other: Moments, middle: float) -> None:
        """What another has, in percent of how far it is from `middle` (Chan, Golub and LeVeque, 1979)."""
        if not other.count:
            return
        scale = 100.0 / abs(middle)
        off = scale * (other.mean - middle) - self.mean
        count = self.count + other.count
        self.squares += scale * scale * other.squares + off * off * self.count * other.count / count
        self.mean += off * other.count / count
        self.count, self.outside = count, self.outside + other.outside
        self.least = min(self.least, scale * (other.least - middle))
        self.greatest = max(self.greatest, scale * (other.greatest - middle))

    @property
    def deviation(self) -> float:
        """The standard deviation (n - 1); 0 of fewer than two, and where the scatter is the arithmetic's."""
        if self.count < 2 or self.least == self.greatest:
            return 0.0
        return math.sqrt(self.squares / (self.count - 1))


class _Row:
    """What is added up under one pair of limits."""

    __slots__ = ("bounds", "moments", "no_value")

    def __init__(self) -> None:
        self.moments = Moments()
        self.bounds = self.no_value = 0

    def add_percent(self, other: _Row, middle: float) -> None:
        self.moments.add_percent(other.moments, middle)
        self.bounds += other.bounds
        self.no_value += other.no_value


class ValueTally:
    """`add` every outgoing run, devices one after the other; `next_device` between two of them."""

    def __init__(self) -> None:
        self.without_limits = 0
        self.one_allowed = 0
        self._rows: dict[Limited, _Row] = {}
        self._alike: dict[Limited, list[Limited]] = {}
        self._relative: dict[Limited, _Row] = {}
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
        is_value = value is not None and verdict in JUDGED
        if not counts:
            return is_value
        if low is None and high is None:
            self.without_limits += is_value
        elif low == high or name.endswith("_ok") or (low is None and high == 0.0):  # at most none: a count
            self.one_allowed += is_value
        else:
            key = (product, step, name, channel, unit, low, high)
            row = self._rows.get(key)
            if row is None:
                self._add_new(key, value if is_value else None, bound)
            else:
                _add(row, value if is_value else None, bound, low, high)
        return is_value

    def _add_new(self, key: Limited, value: float | None, bound: str | None) -> None:
        """Under a pair of limits that has no row yet, and gets none where it is one of many of a relative limit."""
        row = _Row()
        _add(row, value, bound, key[5], key[6])
        group = _relative_of(key)
        if group is None:
            self._rows[key] = row
        elif group in self._relative:
            self._relative[group].add_percent(row, _middle(key))
        else:
            self._rows[key] = row
            alike = self._alike.setdefault(group, [])
            alike.append(key)
            if len(alike) == ALIKE:
                whole = self._relative[group] = _Row()
                for one in self._alike.pop(group):
                    whole.add_percent(self._rows.pop(one), _middle(one))

    def capabilities(self) -> tuple[Capability, ...]:
        """The least capable first; what has no index last, unless some of it is beyond the limits."""
        fixed = [_capability(key, row) for key, row in self._rows.items()]
        relative = [_capability(key, row, relative=True) for key, row in self._relative.items()]
        return tuple(sorted((one for one in (*fixed, *relative) if one.n or one.bounds), key=_worst))


def _add(row: _Row, value: float | None, bound: str | None, low: float | None, high: float | None) -> None:
    if value is None:
        row.no_value += 1
    elif bound is not None:
        row.bounds += 1
    else:
        row.moments.add(value)
        row.moments.outside += (low is not None and value < low) or (high is not None and value > high)


def _middle(key: Limited) -> float:
    assert key[5] is not None and key[6] is not None
    return (key[5] + key[6]) / 2.0


def _relative_of(key: Limited) -> Limited | None:
    """The same in percent of the middle, where both limits are on one side of nought.

    To a hundredth of a percent: a record has six digits of a limit.
    """
    low, high = key[5:]
    if low is None or high is None or low * high <= 0.0:
        return None
    percent = round(100.0 * (high - low) / abs(high + low), 2)
    return key[0], key[1], key[2], key[3], "%", -percent, percent


def _worst(one: Capability) -> float:
    if one.ppk is None:
        return -math.inf if one.outside else math.inf
    return one.ppk


def _capability(key: Limited, row: _Row, *, relative: bool = False) -> Capability:
    product, step, name, channel, unit, low, high = key
    moments = row.moments
    count, deviation = moments.count, moments.deviation
    index = capability(moments.mean, deviation, count, low, high)
    ppk, ppk_low, ppk_high = index or (None, None, None)
    return Capability(
        product, step, name, channel, unit, low, high, count, moments.mean if count else None,
        deviation if count > 1 else None, moments.least if count else None, moments.greatest if count else None,
        moments.outside, ppk, ppk_low, ppk_high, count < FEW, row.bounds, row.no_value, relative,
    )  # fmt: skip
