"""From comparisons with a reference to a correction and what it leaves uncertain: the arithmetic of `calibrate`.

The line is fitted by weighted least squares (JCGM 100:2008, H.3; ISO Guide "GUM"); its expanded uncertainty (k=2) is
kept as a part relative to the value and an absolute one, as `domain.calibration.Correction` has them. Contributions
are independent and combine as the root of the sum of squares; hard bounds count as rectangular (GUM 4.3.7).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from station.domain.calibration import Correction, Point

Shape = Literal["factor", "offset", "line"]

RECTANGULAR = 2.0 / math.sqrt(3.0)
"""A half-width as a rectangular distribution, at k=2."""
LEVER = 2.0
"""A line needs points of both signs, near zero, or so far apart as a ratio: else its offset is a guess."""
LINE_POINTS = 3
"""Two points always lie on a line: only a third tells whether they should."""
NEAR_ZERO = 0.01
"""A reference under this share of the largest tells the offset, not the factor."""
WEIGHED_ALIKE = 1e-4
"""A reading's scatter is taken to be at least this share of it."""
MAGNITUDE_MAX = 1e9
"""Of a reference or a reading, in the unit of its name; beyond it lies a slipped exponent and no instrument."""
_LEAST = 1e-12
"""A reading's scatter is no smaller, in its unit: two points of a nanovolt weigh alike."""
_T95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)
"""Student's t, 95 %, for 1 to 10 degrees of freedom (GUM, table G.2)."""


class FitError(ValueError):
    """Points that no correction follows from; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One point: what the reference says, and every reading that the instrument gave of it, before any correction."""

    reference: float
    readings: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Of the readings."""
        return math.fsum(self.readings) / len(self.readings)


@dataclass(frozen=True, slots=True)
class Contribution:
    """One line of the budget, expanded (k=2): `relative` as a fraction of the value, `absolute` in its unit."""

    name: str
    relative: float = 0.0
    absolute: float = 0.0


@dataclass(frozen=True, slots=True)
class Beside:
    """What no point tells: the reference's expanded uncertainty (k=2) from its own certificate, the step of the
    instrument's display, and the most that it drifts until the calibration is due (hard bounds)."""

    reference: Contribution
    resolution: float = 0.0
    drift_relative: float = 0.0
    drift_absolute: float = 0.0


@dataclass(frozen=True, slots=True)
class Fit:
    """A correction with its budget. `largest_left` is the largest residual, in the unit of the quantity."""

    shape: Shape
    correction: Correction
    budget: tuple[Contribution, ...]
    largest_left: float


@dataclass(frozen=True, slots=True)
class _Scatter:
    """Standard deviation of one reading, and what few degrees of freedom make of k=2 (Student's t)."""

    relative: float
    absolute: float
    k: float

    def of(self, point: Comparison) -> float:
        """At this point; without scatter 0.01 % of it, so that points of all sizes weigh alike."""
        return max(self.absolute, max(self.relative, WEIGHED_ALIKE) * abs(point.reference))


@dataclass(frozen=True, slots=True)
class _Line:
    factor: float
    offset: float
    factor_u: float
    offset_u: float
    covariance: float


def shape_of(points: Sequence[Comparison], wished: Shape | None = None) -> Shape:
    """What can be fitted: the wish, else a line where the points carry one, else an offset at zero, else a factor.

    Raises `FitError` for a wish that the points do not carry.
    """
    if not points:
        raise FitError("no point was compared; a correction needs at least one")
    references = [abs(point.reference) for point in points]
    away = [point.reference for point in points if abs(point.reference) > NEAR_ZERO * max(references)]
    signs = {reference > 0.0 for reference in away}
    apart = len(signs) > 1 or len(away) < len(points) or max(map(abs, away), default=0.0) >= LEVER * min(
        map(abs, away), default=math.inf
    )  # fmt: skip
    distinct = len({point.reference for point in points})
    if wished == "line" and (distinct < 2 or not apart):
        raise FitError(
            f"{distinct} reference values carry no line: take two or more, the largest at least {LEVER:g} times the "
            "smallest, or fit a factor or an offset"
        )
    if wished == "factor" and not away:
        raise FitError("a factor needs a reference that is not zero; fit an offset")
    if wished is not None:
        return wished
    if not away:
        return "offset"
    return "line" if distinct >= LINE_POINTS and apart else "factor"


def fit(points: Sequence[Comparison], beside: Beside, wished: Shape | None = None) -> Fit:
    """The correction that takes readings to references, with its expanded uncertainty (k=2).

    Raises `FitError`: no points or readings, not finite, a wish that the points do not carry, a factor under zero.
    """
    for point in points:
        if not point.readings or not all(map(math.isfinite, (point.reference, *point.readings))):
            raise FitError(f"the point at {point.reference:g} has no finite readings; compare it again or leave it out")
        if (largest := max(map(abs, (point.reference, *point.readings)))) > MAGNITUDE_MAX:
            raise FitError(f"{largest:g} at the point {point.reference:g}: no instrument reads it; see the exponent")
    shape = shape_of(points, wished)
    scatter = _scatter(points)
    sigmas = [
        max(
            math.hypot(scatter.of(point) / math.sqrt(len(point.readings)), beside.resolution / math.sqrt(12.0)) or 1e-9,
            _LEAST,
        )
        for point in points
    ]
    line = _fit(shape, points, sigmas)
    if line.factor <= 0.0:
        raise FitError(f"the readings fall as the reference rises (factor {line.factor:.3g}): see the wiring")
    left = [point.reference - line.factor * point.mean - line.offset for point in points]
    fitted = _of_fit(line, points, scatter.k)
    budget = (
        replace(beside.reference, name="reference"),
        fitted,
        _of_residuals(points, left),
        Contribution("repeatability", scatter.k * scatter.relative, scatter.k * line.factor * scatter.absolute),
        Contribution("resolution", absolute=RECTANGULAR * beside.resolution / 2.0),
        Contribution("drift until due", RECTANGULAR * beside.drift_relative, RECTANGULAR * beside.drift_absolute),
    )
    correction = Correction(
        line.factor, line.offset,
        math.sqrt(math.fsum(one.relative**2 for one in budget)),
        math.sqrt(math.fsum(one.absolute**2 for one in budget)),
    )  # fmt: skip
    return Fit(shape, correction, budget, max(map(abs, left)))


def narrow(points: Sequence[Comparison]) -> tuple[float, float] | None:
    """The smallest and the largest reference (without sign) where they are too alike to show that the correction holds
    elsewhere; None where they reach over a factor of `LEVER`."""
    sizes = [abs(point.reference) for point in points]
    return None if max(sizes) >= LEVER * min(sizes) else (min(sizes), max(sizes))


def with_points(fit: Correction, points: Sequence[Comparison], before: Correction) -> Correction:
    """The correction with what was found (as the correction before it showed it) and what is left with the new one."""
    found = tuple(Point(point.reference, before.correct(point.mean)) for point in points)
    left = tuple(Point(point.reference, fit.correct(point.mean)) for point in points)
    return replace(fit, as_found=found, as_left=left)


def raw_reading(shown: float, correction: Correction) -> float:
    """What the instrument itself said where a record shows `shown` by this correction."""
    return (shown - correction.offset) / correction.factor


def _scatter(points: Sequence[Comparison]) -> _Scatter:
    """Of readings at the same reference: as a share of the value or in its unit, whichever is likelier (normal)."""
    freedom = sum(len(point.readings) - 1 for point in points)
    k = 2.0 if freedom == 0 else _T95[freedom - 1] if freedom <= len(_T95) else max(2.0, 1.96 + 2.4 / freedom)
    squares = [math.fsum((reading - point.mean) ** 2 for reading in point.readings) for point in points]
    if not any(squares):
        return _Scatter(0.0, 0.0, k)
    absolute = math.sqrt(math.fsum(squares) / freedom)
    values = [abs(point.mean) for point in points]
    if min(values) < _LEAST:
        return _Scatter(0.0, absolute, k)
    shares = zip(squares, values, strict=True)
    relative = math.sqrt(math.fsum(square / value**2 for square, value in shares) / freedom)
    typical = math.fsum(
        (len(point.readings) - 1) * math.log(value) for point, value in zip(points, values, strict=True)
    ) / freedom  # fmt: skip
    proportional = math.log(relative) + typical < math.log(absolute)
    return _Scatter(relative, 0.0, k) if proportional else _Scatter(0.0, absolute, k)


def _fit(shape: Shape, points: Sequence[Comparison], sigmas: Sequence[float]) -> _Line:
    weights = [1.0 / sigma**2 for sigma in sigmas]
    x, y = [point.mean for point in points], [point.reference for point in points]
    s = math.fsum(weights)
    if shape == "offset":
        offset = math.fsum(w * (b - a) for w, a, b in zip(weights, x, y, strict=True)) / s
        return _Line(1.0, offset, 0.0, math.sqrt(1.0 / s), 0.0)
    sxx = math.fsum(w * a * a for w, a in zip(weights, x, strict=True))
    if sxx == 0.0:
        raise FitError("every reading is zero: nothing reaches the instrument; see the leads")
    if shape == "factor":
        factor = math.fsum(w * a * b for w, a, b in zip(weights, x, y, strict=True)) / sxx
        return _Line(factor, 0.0, math.sqrt(1.0 / sxx), 0.0, 0.0)
    mean_x = math.fsum(w * a for w, a in zip(weights, x, strict=True)) / s
    mean_y = math.fsum(w * b for w, b in zip(weights, y, strict=True)) / s
    spread = math.fsum(w * (a - mean_x) ** 2 for w, a in zip(weights, x, strict=True))
    if spread == 0.0:
        raise FitError("every point reads the same: the reference does not reach the instrument; see the leads")
    factor = math.fsum(
        w * (a - mean_x) * (b - mean_y) for w, a, b in zip(weights, x, y, strict=True)
    ) / spread  # fmt: skip
    variance = 1.0 / spread
    return _Line(
        factor, mean_y - factor * mean_x, math.sqrt(variance), math.sqrt(1.0 / s + mean_x**2 * variance),
        -mean_x * variance,
    )  # fmt: skip


def _of_fit(line: _Line, points: Sequence[Comparison], k: float) -> Contribution:
    """Factor and offset are correlated. Where all points lie on one side of zero that helps and is left out, where
    they do not it is bounded: both parts count twice."""
    one_side = len({point.mean > 0.0 for point in points if point.mean}) < 2
    widened = k if one_side or line.covariance == 0.0 else k * math.sqrt(2.0)
    return Contribution("fit", widened * line.factor_u, widened * line.offset_u)


def _of_residuals(points: Sequence[Comparison], left: Sequence[float]) -> Contribution:
    """What no correction of this shape takes away, as a bound: by the value, and near zero by the unit."""
    largest = max(abs(point.reference) for point in points)
    relative = absolute = 0.0
    for point, residual in zip(points, left, strict=True):
        if abs(point.reference) > NEAR_ZERO * largest:
            relative = max(relative, abs(residual / point.reference))
        else:
            absolute = max(absolute, abs(residual))
    return Contribution("linearity", RECTANGULAR * relative, RECTANGULAR * absolute)
