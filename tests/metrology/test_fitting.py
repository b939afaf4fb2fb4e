"""From comparisons to a correction: shapes, what is refused, and that the uncertainty covers the truth."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from station.domain.calibration import Correction, Point
from station.metrology.fitting import (
    Beside,
    Comparison,
    Contribution,
    Fit,
    FitError,
    Shape,
    fit,
    narrow,
    raw_reading,
    shape_of,
    with_points,
)

EXACT = Beside(Contribution("reference"))


def points(*pairs: tuple[float, float]) -> list[Comparison]:
    return [Comparison(reference, (reading,)) for reference, reading in pairs]


@pytest.mark.parametrize(
    ("references", "shape"),
    [
        ((100.0,), "factor"),
        ((0.0,), "offset"),
        ((220.0, 230.0, 240.0), "factor"),  # no lever arm: an offset would be a guess
        ((1.0, 10.0), "factor"),  # two points always lie on a line
        ((1.0, 10.0, 100.0), "line"),
        ((-10.0, 0.0, 10.0), "line"),
    ],
)
def test_what_the_points_carry_is_fitted(references: tuple[float, ...], shape: str) -> None:
    assert shape_of(points(*((one, one) for one in references))) == shape


def test_a_line_is_found_again_and_what_was_found_is_what_the_bench_believed() -> None:
    truth = Correction(0.98, 0.5)
    compared = points(*((truth.correct(reading), reading) for reading in (10.0, 50.0, 100.0)))
    found = fit(compared, EXACT)
    assert found.shape == "line" and found.largest_left < 1e-9
    assert found.correction.factor == pytest.approx(0.98) and found.correction.offset == pytest.approx(0.5)
    before = Correction(0.99, 0.0)
    kept = with_points(found.correction, compared, before)
    assert kept.as_found[1] == Point(pytest.approx(49.5), pytest.approx(49.5))
    assert [one.reading for one in kept.as_left] == pytest.approx([one.reference for one in kept.as_left])
    assert raw_reading(before.correct(12.3), before) == pytest.approx(12.3)


def test_over_decades_every_point_weighs_alike() -> None:
    found = fit(points((1.0, 1.01), (10.0, 10.1), (1000.0, 1010.0)), EXACT)
    assert found.correction.correct(1.01) == pytest.approx(1.0, rel=1e-6)
    assert found.correction.absolute < 1e-3, "an error of 1000 Mohm's scatter must not sit on 1 Mohm"


def test_a_scatter_that_grows_with_the_value_is_kept_relative_and_one_that_does_not_absolute() -> None:
    grows = [Comparison(r, (r * 0.999, r, r * 1.001)) for r in (1.0, 10.0, 1000.0)]
    stays = [Comparison(r, (r - 0.1, r, r + 0.1)) for r in (100.0, 200.0, 400.0)]
    relative, absolute = (
        next(one for one in fit(compared, EXACT).budget if one.name == "repeatability") for compared in (grows, stays)
    )
    assert relative.absolute == 0.0 and relative.relative == pytest.approx(2.45 * 0.001, rel=0.01)
    assert absolute.relative == 0.0 and absolute.absolute == pytest.approx(2.45 * 0.1, rel=0.01)


def test_what_no_correction_takes_away_stands_in_the_budget() -> None:
    bent = points((1.0, 1.0), (2.0, 2.02), (3.0, 3.0))
    found = fit(bent, EXACT, "factor")
    linearity = next(one for one in found.budget if one.name == "linearity")
    assert linearity.relative > 0.005
    assert found.correction.relative == pytest.approx(math.hypot(*(one.relative for one in found.budget)))


@pytest.mark.parametrize(
    ("compared", "wished", "words"),
    [
        ([], None, "no point"),
        ([Comparison(1.0, ())], None, "no finite readings"),
        (points((1.0, math.nan)), None, "no finite readings"),
        (points((220.0, 219.0), (230.0, 229.0)), "line", "carry no line"),
        (points((0.0, 0.1)), "factor", "not zero"),
        (points((1.0, 0.0)), None, "see the leads"),
        (points((1.0, -1.0)), None, "see the wiring"),
        (points((1e308, 1e308), (1e308, 1e300), (-1e308, 3.0)), None, "see the exponent"),
        ([Comparison(1e-200, (1e-200, 2e-200))], None, "every reading is zero"),
        (points((1.0, 5.0), (5.0, 5.0), (10.0, 5.0)), None, "reads the same"),
    ],
)
def test_points_that_carry_nothing_are_refused(compared: list[Comparison], wished: Shape | None, words: str) -> None:
    with pytest.raises(FitError, match=words):
        fit(compared, EXACT, wished)


@pytest.mark.parametrize(
    ("references", "ends"),
    [((5.0,), (5.0, 5.0)), ((-220.0, 240.0), (220.0, 240.0)), ((1.0, 2.0), None), ((0.0, 9.0), None)],
)
def test_points_of_one_size_say_nothing_of_elsewhere(
    references: tuple[float, ...], ends: tuple[float, float] | None
) -> None:
    assert narrow(points(*((reference, reference) for reference in references))) == ends


def drawn(draw: random.Random) -> tuple[Fit, float, float]:
    """An instrument of unknown error, calibrated with an imperfect reference, and what it tells of a truth later."""
    gain, offset = 1.0 + draw.uniform(-0.02, 0.02), draw.uniform(-0.1, 0.1)
    of_reference = 1.0 + draw.gauss(0.0, 0.0005)
    drift = draw.uniform(-0.002, 0.002)

    def read(truth: float, drifted: float = 0.0) -> float:
        noisy = truth * (gain + drifted) + offset + draw.gauss(0.0, 0.01)
        return round(noisy / 0.02) * 0.02

    compared = [Comparison(nominal, tuple(read(nominal * of_reference) for _ in range(5))) for nominal in (2, 10, 20)]
    found = fit(compared, Beside(Contribution("reference", 0.001), 0.02, 0.002))
    truth = draw.uniform(2.0, 20.0)
    return found, truth, found.correction.correct(read(truth, drift))


def test_the_uncertainty_covers_the_truth_and_is_not_idle() -> None:
    draw = random.Random(7)
    ratios = []
    for _ in range(600):
        found, truth, shown = drawn(draw)
        ratios.append(abs(shown - truth) / found.correction.expanded(shown))
    inside = sum(ratio <= 1.0 for ratio in ratios) / len(ratios)
    assert inside >= 0.93
    assert sorted(ratios)[int(0.95 * len(ratios))] > 0.6, "an uncertainty that is far too large says nothing"


def test_one_reading_a_point_leaves_the_scatter_to_the_other_contributions() -> None:
    found = fit(points((10.0, 10.0)), replace(EXACT, resolution=0.1))
    assert [one.name for one in found.budget if one.absolute] == ["resolution"]
    assert found.correction.absolute == pytest.approx(0.1 / math.sqrt(3.0))
