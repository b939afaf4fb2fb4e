"""Control charts of what should not change: mean and range of subgroups (X-bar/R), and the rules that they are read by.

Constants and limits as in Montgomery, Introduction to Statistical Quality Control, chapter 6 (known here from what
republishes its tables): sigma = mean range / d2; means within 3 sigma / sqrt(n) of the centre, ranges within d2 ± 3 d3
sigma. The four zone rules are those of the Western Electric Statistical Quality Control Handbook (1956), as the
secondary sources give them. Limits come from a baseline and stay: limits that move with the data follow a drift.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from station.metrology.chance import studentized_range_above, t_tails

CONSTANTS = {
    2: (1.12838, 0.85250), 3: (1.69257, 0.88837), 4: (2.05875, 0.87981), 5: (2.32593, 0.86408),
    6: (2.53441, 0.84804), 7: (2.70436, 0.83321), 8: (2.84720, 0.81983), 9: (2.97003, 0.80783),
    10: (3.07751, 0.79705),
}  # fmt: skip
"""d2 and d3 by the size of the subgroup: mean and standard deviation of the range of so many standard normal values."""
SMALLEST, LARGEST = min(CONSTANTS), max(CONSTANTS)
RUN = 8
"""Subgroups in a row on one side of the centre, rule 4."""
NOISE = 1e-9
"""Part of the value below which a difference is the arithmetic's."""

Side = Literal["above", "below"]
On = Literal["mean", "range"]


@dataclass(frozen=True, slots=True)
class Group:
    """A subgroup: values `first` to `last` (indices) of the series; the last one may be short of its full size."""

    first: int
    last: int
    mean: float
    range: float

    @property
    def size(self) -> int:
        """How many values it has."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the charts are read against: centre and sigma of a single value, in the unit of the values."""

    centre: float
    sigma: float
    size: int
    """Values in a full subgroup."""
    made_of: int = 0
    """Values that it was made of; 0: so many that it counts as known."""

    @property
    def degrees(self) -> float:
        """Degrees of freedom of `sigma`: about 0.9 for each that its subgroups' standard deviations would have."""
        return min(1e6, 0.9 * (self.made_of or math.inf) * (1.0 - 1.0 / self.size))

    def mean_limits(self, size: int) -> tuple[float, float]:
        """Lower and upper limit of the mean of `size` values."""
        reach = 3.0 * self.sigma / math.sqrt(size)
        return self.centre - reach, self.centre + reach

    def range_limits(self) -> tuple[float, float]:
        """Lower and upper limit of the range of a full subgroup."""
        d2, d3 = CONSTANTS[self.size]
        return max(0.0, d2 - 3.0 * d3) * self.sigma, (d2 + 3.0 * d3) * self.sigma

    def score(self, group: Group) -> float:
        """How many of its own standard deviations the mean is from the centre; 0 where they are equal."""
        off = group.mean - self.centre
        if abs(off) <= NOISE * abs(self.centre):
            return 0.0
        return math.copysign(math.inf, off) if self.sigma == 0.0 else off * math.sqrt(group.size) / self.sigma


@dataclass(frozen=True, slots=True)
class Signal:
    """A rule that speaks: groups `first` to `last` (indices) make it, the last of them completes it."""

    on: On
    rule: int
    side: Side
    first: int
    last: int


def groups_of(values: Sequence[float], size: int) -> list[Group]:
    """Consecutive values in subgroups of `size`; what is left over makes a short last one."""
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"subgroups of {size}: {SMALLEST} to {LARGEST} values have constants here")
    found = []
    for first in range(0, len(values), size):
        some = values[first : first + size]
        found.append(Group(first, first + len(some) - 1, math.fsum(some) / len(some), max(some) - min(some)))
    return found


def baseline_of(values: Sequence[float], size: int) -> Baseline:
    """Centre and sigma from whole subgroups of `values`; what is left over is left out.

    Where the instrument resolves less than its own scatter the ranges say nothing: sigma is then at least that of the
    smallest step seen (its width / sqrt(12), rectangular). Raises `ValueError` without a whole subgroup.
    """
    groups = [group for group in groups_of(values, size) if group.size == size]
    if not groups:
        raise ValueError(f"{len(values)} values: a baseline takes at least one subgroup of {size}")
    centre = math.fsum(group.mean for group in groups) / len(groups)
    sigma = math.fsum(group.range for group in groups) / len(groups) / CONSTANTS[size][0]
    sigma = max(sigma, step_of(values) / math.sqrt(12.0))
    return Baseline(centre, sigma if sigma > NOISE * abs(centre) else 0.0, size, len(groups) * size)


def step_of(values: Sequence[float]) -> float:
    """The smallest difference between values that is more than the arithmetic's; 0 where all are alike."""
    ordered = sorted(values)
    least = NOISE * max(map(abs, ordered), default=0.0)
    return min((b - a for a, b in pairwise(ordered) if b - a > least), default=0.0)


def signals_of(groups: Sequence[Group], baseline: Baseline) -> list[Signal]:
    """Every rule that speaks, in the order in which it came to speak. A short last group is read by rule 1 alone."""
    whole = [group for group in groups if group.size == baseline.size]
    scores = [baseline.score(group) for group in whole]
    found = [signal for last in range(len(scores)) for signal in _zones(scores, last)]
    low, high = baseline.range_limits()
    for at, group in enumerate(whole):
        step = NOISE * abs(baseline.centre)
        if group.range > high + step:
            found.append(Signal("range", 1, "above", at, at))
        elif group.range < low - step:
            found.append(Signal("range", 1, "below", at, at))
    if len(groups) > len(whole):
        score = baseline.score(groups[-1])
        if abs(score) > 3.0:
            found.append(Signal("mean", 1, _side(score), len(groups) - 1, len(groups) - 1))
    return sorted(found, key=lambda signal: (signal.last, signal.on, signal.rule))


def change_point(groups: Sequence[Group], baseline: Baseline) -> int:
    """The group (index) from which on the mean most likely stands elsewhere, by what has been seen to the end.

    The maximum-likelihood estimate for one lasting step (Samuel, Pignatiello and Calvin, Quality Engineering 10(3),
    1998): the beginning of the stretch to the end whose mean is furthest from the centre by its own uncertainty.
    """
    best, at, off, size = -1.0, len(groups) - 1, 0.0, 0
    for index in range(len(groups) - 1, -1, -1):
        size += groups[index].size
        off += groups[index].size * (groups[index].mean - baseline.centre)
        if off * off / size > best:
            best, at = off * off / size, index
    return at


def step_chance(groups: Sequence[Group], baseline: Baseline, since: int) -> float:
    """How likely chance alone puts the mean of the groups from `since` on so far from the centre, on either side.

    By Student's t, because the baseline is made of few values itself.
    """
    if baseline.sigma == 0.0:
        return 0.0
    size = sum(group.size for group in groups[since:])
    off = math.fsum(group.size * (group.mean - baseline.centre) for group in groups[since:]) / size
    t = off / (baseline.sigma * math.sqrt(1.0 / size + 1.0 / (baseline.made_of or math.inf)))
    return t_tails(t, baseline.degrees)


def range_chance(group: Group, baseline: Baseline) -> float:
    """How likely chance alone makes a range as wide as this, or as narrow where it is below its mean."""
    if baseline.sigma == 0.0:
        return 0.0
    ratio = group.range / baseline.sigma
    above = studentized_range_above(ratio, group.size, baseline.degrees)
    return above if ratio > CONSTANTS[group.size][0] else 1.0 - above


def _zones(scores: Sequence[float], last: int) -> list[Signal]:
    """The rules that the group `last` completes; it is itself beyond the line that the rule asks about."""
    found = []
    for sign, side in ((1.0, "above"), (-1.0, "below")):
        mine = [sign * score for score in scores[max(0, last - RUN + 1) : last + 1]]
        for rule, line, wanted, among in ((1, 3.0, 1, 1), (2, 2.0, 2, 3), (3, 1.0, 4, 5), (4, 0.0, RUN, RUN)):
            recent = mine[-among:]
            beyond = [at for at, score in enumerate(recent) if score > line]
            if mine[-1] > line and len(beyond) >= wanted:
                first = last - len(recent) + 1 + beyond[-wanted]
                found.append(Signal("mean", rule, "above" if side == "above" else "below", first, last))
    return found


def _side(score: float) -> Side:
    return "above" if score > 0.0 else "below"
