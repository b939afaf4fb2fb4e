"""Gauge R&R by analysis of variance: how much of what is seen is the devices, how much the bench and its people.

A crossed study, every appraiser measuring every part the same number of times, with parts and appraisers drawn at
random. Method and names after AIAG, Measurement Systems Analysis, 4th edition (2010), chapter III, ANOVA method (known
here from what republishes it); Montgomery, Introduction to Statistical Quality Control, 8.7, has the same model. The
distribution of F is our own, from the incomplete beta function: the station carries no scipy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from station.metrology.chance import f_tail

POOL_OVER_P = 0.25
"""An interaction whose p is above this is taken as none and pooled into the repeatability. AIAG prints its table with
0.05; 0.25 keeps one that is doubtful in the study, where it can only make the bench look worse."""
SPREADS = 6.0
"""Standard deviations that are set against the tolerance (99.73 % of a normal distribution)."""
DISTINCT = 1.41
GOOD_PERCENT, FAIR_PERCENT = 10.0, 30.0
"""AIAG's guide for GRR: up to 10 % good, up to 30 % for some uses, above it not acceptable."""
LEAST_NDC = 5
LEAST, MOST = 1e-100, 1e100
"""What a reading may be: their squares are numbers too."""

Grade = Literal["good", "fair", "poor"]


class GaugeError(ValueError):
    """The readings make no study; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Source:
    """One line of the table. `f` and `p` None: it is not tested, or there is nothing to test it against."""

    name: str
    degrees: int
    sum_of_squares: float
    mean_square: float
    f: float | None = None
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the variation. `sd` in the unit of the readings; contribution in per cent of the total variance.

    `percent_total`: of the total variation (TV), by standard deviations. `percent_tolerance`: 6 sd over the tolerance.
    """

    variance: float
    sd: float
    percent_contribution: float
    percent_total: float
    percent_tolerance: float | None


@dataclass(frozen=True, slots=True)
class Study:
    """What a study says. `table` with the interaction; `reduced` without it, where it was pooled, else empty.

    `components` by AIAG's names: EV (repeatability), AV (appraisers), INT (interaction; 0 where it was pooled), GRR,
    PV (parts), TV (all). `ndc`: 1.41 PV / GRR, before it is cut to a whole number; None where GRR is 0.
    """

    parts: int
    appraisers: int
    trials: int
    mean: float
    table: tuple[Source, ...]
    reduced: tuple[Source, ...]
    pooled: bool
    components: Mapping[str, Component]
    ndc: float | None
    tolerance: float | None

    @property
    def categories(self) -> int | None:
        """`ndc` as a whole number, cut and never rounded up."""
        return None if self.ndc is None else int(self.ndc)

    @property
    def grade(self) -> Grade:
        """AIAG's guide, from the worse of GRR to the total variation and, where one is given, to the tolerance."""
        grr = self.components["GRR"]
        worst = max(grr.percent_total, grr.percent_tolerance or 0.0)
        return "good" if worst <= GOOD_PERCENT else "fair" if worst <= FAIR_PERCENT else "poor"


def study(readings: Mapping[tuple[str, str], Sequence[float]], tolerance: float | None = None) -> Study:
    """The study of `readings`: by (part, appraiser) that pair's trials, all in one unit; `tolerance` in the same unit.

    Raises `GaugeError`: a pair is missing or has another number of trials, fewer than two of anything, a reading that
    is not finite, readings that are all alike.
    """
    parts, appraisers, trials = _shape(readings)
    if tolerance is not None and not LEAST <= tolerance <= MOST:
        raise GaugeError(f"the tolerance is {tolerance}; it is the width between the limits, above 0")
    count_p, count_a = len(parts), len(appraisers)
    mean = math.fsum(value for cell in readings.values() for value in cell) / (count_p * count_a * trials)
    cells = {key: [value - mean for value in cell] for key, cell in readings.items()}
    by_part = {p: math.fsum(v for a in appraisers for v in cells[p, a]) / (count_a * trials) for p in parts}
    by_appraiser = {a: math.fsum(v for p in parts for v in cells[p, a]) / (count_p * trials) for a in appraisers}
    by_cell = {key: math.fsum(cell) / trials for key, cell in cells.items()}
    total = math.fsum(v * v for cell in cells.values() for v in cell)
    if total <= (1e-12 * mean) ** 2:
        raise GaugeError("all readings are alike: the instrument does not resolve what differs between these parts")
    ss_part = count_a * trials * math.fsum(v * v for v in by_part.values())
    ss_appraiser = count_p * trials * math.fsum(v * v for v in by_appraiser.values())
    ss_both = trials * math.fsum(
        (by_cell[p, a] - by_part[p] - by_appraiser[a]) ** 2 for p in parts for a in appraisers
    )  # fmt: skip
    ss_repeat = math.fsum((v - by_cell[key]) ** 2 for key, cell in cells.items() for v in cell)
    df = (count_p - 1, count_a - 1, (count_p - 1) * (count_a - 1), count_p * count_a * (trials - 1))
    squares = (ss_part, ss_appraiser, ss_both, ss_repeat)
    full = _table(df, squares, total)
    interaction_p = full[2].p
    pooled = interaction_p is not None and interaction_p > POOL_OVER_P
    reduced = _reduced(df, squares, total) if pooled else ()
    components = _components(reduced or full, count_p, count_a, trials, tolerance)
    spread, grr = components["PV"].sd, components["GRR"].sd
    return Study(
        count_p, count_a, trials, mean, full, reduced, pooled, components,
        DISTINCT * spread / grr if grr > 0.0 else None, tolerance,
    )  # fmt: skip


def _shape(readings: Mapping[tuple[str, str], Sequence[float]]) -> tuple[list[str], list[str], int]:
    parts = list(dict.fromkeys(part for part, _ in readings))
    appraisers = list(dict.fromkeys(appraiser for _, appraiser in readings))
    if len(parts) < 2 or len(appraisers) < 2:
        raise GaugeError(
            f"{len(parts)} parts and {len(appraisers)} appraisers: a study needs two of each, 10 and 3 are usual"
        )
    trials = len(next(iter(readings.values())))
    for part in parts:
        for appraiser in appraisers:
            cell = readings.get((part, appraiser), ())
            if len(cell) != trials or trials < 2:
                raise GaugeError(
                    f"part {part}, appraiser {appraiser}: {len(cell)} readings; every appraiser measures every part"
                    f" equally often and at least twice ({max(trials, 2)} here)"
                )
            if not all(map(math.isfinite, cell)):
                raise GaugeError(f"part {part}, appraiser {appraiser}: a reading that is no number")
    most = max(abs(value) for cell in readings.values() for value in cell)
    if most > MOST or 0.0 < most < LEAST:
        raise GaugeError(f"the largest reading is {most:g}; a study takes {LEAST:g} to {MOST:g}, choose another unit")
    return parts, appraisers, trials


def _table(df: Sequence[int], squares: Sequence[float], total: float) -> tuple[Source, ...]:
    """With the interaction: parts and appraisers against it, it against the repeatability."""
    means = [ss / n for ss, n in zip(squares, df, strict=True)]
    tests = [(2, 0), (2, 1), (3, 2)]
    tested = [_f_test(means[of], df[of], means[against], df[against]) for against, of in tests]
    names = ("part", "appraiser", "interaction")
    rows = [
        Source(name, df[at], squares[at], means[at], *tested[at]) for at, name in enumerate(names)
    ]  # fmt: skip
    rows.append(Source("repeatability", df[3], squares[3], means[3]))
    return (*rows, Source("total", sum(df), total, total / sum(df)))


def _reduced(df: Sequence[int], squares: Sequence[float], total: float) -> tuple[Source, ...]:
    """Without it: what it had is repeatability, and all is tested against that."""
    left_df, left = df[2] + df[3], squares[2] + squares[3]
    rows = []
    for at, name in enumerate(("part", "appraiser")):
        mean = squares[at] / df[at]
        rows.append(Source(name, df[at], squares[at], mean, *_f_test(mean, df[at], left / left_df, left_df)))
    rows.append(Source("repeatability", left_df, left, left / left_df))
    return (*rows, Source("total", sum(df), total, total / sum(df)))


def _components(
    table: Sequence[Source], parts: int, appraisers: int, trials: int, tolerance: float | None
) -> dict[str, Component]:
    mean = {row.name: row.mean_square for row in table}
    repeat = mean["repeatability"]
    against = mean.get("interaction", repeat)
    var = {
        "EV": repeat,
        "AV": max(0.0, (mean["appraiser"] - against) / (parts * trials)),
        "INT": max(0.0, (against - repeat) / trials),
    }
    var["GRR"] = var["EV"] + var["AV"] + var["INT"]
    var["PV"] = max(0.0, (mean["part"] - against) / (appraisers * trials))
    var["TV"] = var["GRR"] + var["PV"]
    return {
        name: Component(
            its, math.sqrt(its), 100.0 * its / var["TV"], 100.0 * math.sqrt(its / var["TV"]),
            None if tolerance is None else 100.0 * SPREADS * math.sqrt(its) / tolerance,
        )
        for name, its in var.items()
    }  # fmt: skip


def _f_test(mean: float, degrees: int, against: float, against_degrees: int) -> tuple[float | None, float | None]:
    if against <= 0.0:
        return None, None
    ratio = mean / against
    return ratio, f_tail(ratio, degrees, against_degrees)
