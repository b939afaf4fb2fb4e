"""What makes up a reading's uncertainty, and how the parts become one expanded uncertainty, k=2.

A contribution is independent of the others, has a name and a kind: a statement that is expanded already (k=2: a
calibration, the noise of a fit), a hard bound (rectangular), or a scatter that was seen (Student). Standard
uncertainties combine as the root of the sum of their squares (GUM, JCGM 100:2008, 5.1.2); the result is twice that.
Correlated parts are left out where they cancel in the ratio that is measured, or summed before they come here.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

K = 2.0
"""The coverage factor of every uncertainty on record: about 95 % of a normal distribution."""
STUDENT_95_45 = (13.97, 4.53, 3.31, 2.87, 2.65, 2.52, 2.43, 2.37, 2.32, 2.28, 2.25, 2.23, 2.21, 2.20, 2.18, 2.17)
"""Student's t for 95.45 % at 1, 2, … degrees of freedom (GUM, table G.2)."""
DB = 20.0 / math.log(10.0)
"""Decibels of a small relative change of an amplitude: 8.686."""

MEDIAN_OF_NORMAL = 0.6745
"""Of the absolute value of a normal deviate, in standard deviations."""

Kind = Literal["normal", "bound", "scatter"]


@dataclass(frozen=True, slots=True)
class Contribution:
    """One part, in the unit of the measurement: `expanded` is its own expanded uncertainty (k=2)."""

    name: str
    kind: Kind
    expanded: float


def normal(name: str, expanded: float) -> Contribution:
    """Of what is stated with k=2 already, or comes as twice a standard deviation."""
    return Contribution(name, "normal", abs(expanded))


def bound(name: str, half_width: float) -> Contribution:
    """Of a hard bound ± `half_width`: rectangular, u = half_width / sqrt(3) (GUM 4.3.7)."""
    return Contribution(name, "bound", K * abs(half_width) / math.sqrt(3.0))


def scatter(name: str, readings: Sequence[float]) -> Contribution:
    """Of the mean of `readings`, by their own scatter: t s / sqrt(n), so that few readings are not believed too much.

    One reading shows no scatter: then its repeatability has to be in another contribution.
    """
    count = len(readings)
    if count < 2:
        return Contribution(name, "scatter", 0.0)
    return Contribution(name, "scatter", student(count - 1) * statistics.stdev(readings) / math.sqrt(count))


def student(freedom: int) -> float:
    """Student's t for 95.45 %, at least one degree of freedom; within 1 % beyond the table."""
    return STUDENT_95_45[freedom - 1] if freedom <= len(STUDENT_95_45) else K * (1.0 + 1.25 / freedom)


def expanded(parts: Sequence[Contribution]) -> float:
    """The expanded uncertainty (k=2) of all, in their unit."""
    return math.sqrt(sum(part.expanded**2 for part in parts))


def budget(parts: Sequence[Contribution], unit: str) -> tuple[str, ...]:
    """The parts as rows of a table, the largest first, each with its share of the sum of squares; then all of them."""
    total = expanded(parts)
    rows = [("contribution", "kind", f"k=2, {unit}", "share")]
    for part in sorted(parts, key=lambda one: -one.expanded):
        share = (part.expanded / total) ** 2 if total > 0.0 else 0.0
        rows.append((part.name, part.kind, f"{part.expanded:.3g}", f"{100.0 * share:.0f} %"))
    rows.append(("all", "", f"{total:.3g}", ""))
    return tuple("| " + " | ".join(row) + " |" for row in rows)


def relative(parts: Sequence[Contribution], value: float) -> tuple[Contribution, ...]:
    """Parts that are fractions of `value`, in its unit."""
    return tuple(Contribution(part.name, part.kind, part.expanded * abs(value)) for part in parts)


def extreme(name: str, expanded_each: float, candidates: int) -> Contribution:
    """Of taking the largest of `candidates` readings that noise (k=2: `expanded_each`) could have made the largest.

    The largest of n equal ones is on average too large by less than sqrt(2 ln n) standard deviations.
    """
    return bound(name, 0.0 if candidates < 2 else expanded_each / K * math.sqrt(2.0 * math.log(candidates)))


def wander(series: Sequence[float]) -> float:
    """Standard deviation of a series' noise, from neighbours' differences: neither slow change nor a step counts."""
    moves = [abs(after - before) for before, after in itertools.pairwise(series)]
    return statistics.median(moves) / MEDIAN_OF_NORMAL / math.sqrt(2.0) if moves else 0.0
