"""Gauge R&R against a published worked example: table, components, what makes no study."""

from __future__ import annotations

import math

import pytest

from station.metrology.gauge import GaugeError, Study, study

AIAG = {
    "A": [
        (0.29, 0.41, 0.64), (-0.56, -0.68, -0.58), (1.34, 1.17, 1.27), (0.47, 0.50, 0.64), (-0.80, -0.92, -0.84),
        (0.02, -0.11, -0.21), (0.59, 0.75, 0.66), (-0.31, -0.20, -0.17), (2.26, 1.99, 2.01), (-1.36, -1.25, -1.31),
    ],
    "B": [
        (0.08, 0.25, 0.07), (-0.47, -1.22, -0.68), (1.19, 0.94, 1.34), (0.01, 1.03, 0.20), (-0.56, -1.20, -1.28),
        (-0.20, 0.22, 0.06), (0.47, 0.55, 0.83), (-0.63, 0.08, -0.34), (1.80, 2.12, 2.19), (-1.68, -1.62, -1.50),
    ],
    "C": [
        (0.04, -0.11, -0.15), (-1.38, -1.13, -0.96), (0.88, 1.09, 0.67), (0.14, 0.20, 0.11), (-1.46, -1.07, -1.45),
        (-0.29, -0.67, -0.49), (0.02, 0.01, 0.21), (-0.46, -0.56, -0.49), (1.77, 1.45, 1.87), (-1.49, -1.77, -2.16),
    ],
}  # fmt: skip
"""AIAG, Measurement Systems Analysis, 4th edition (2010), figure III-B: 10 parts, 3 appraisers, 3 trials. Republished
as Minitab's GAGEAIAG; the figures below are those that manual and that program print."""


def published(tolerance: float | None = None) -> Study:
    readings = {
        (str(part), appraiser): trials
        for appraiser, rows in AIAG.items()
        for part, trials in enumerate(rows, start=1)
    }  # fmt: skip
    return study(readings, tolerance)


def test_the_published_study_has_its_published_table() -> None:
    found = published()
    assert (found.parts, found.appraisers, found.trials) == (10, 3, 3)
    expected = {  # degrees of freedom, sum of squares, mean square
        "part": (9, 88.3619, 9.81799), "appraiser": (2, 3.1673, 1.58363), "interaction": (18, 0.3590, 0.01994),
        "repeatability": (60, 2.7589, 0.04598), "total": (89, 94.6471, None),
    }  # fmt: skip
    for row in found.table:
        degrees, squares, mean = expected[row.name]
        assert row.degrees == degrees and row.sum_of_squares == pytest.approx(squares, abs=5e-5)
        assert mean is None or row.mean_square == pytest.approx(mean, abs=5e-6)
    part, appraiser, both = found.table[:3]
    assert part.f == pytest.approx(492.291, abs=5e-4) and appraiser.f == pytest.approx(79.406, abs=5e-4)
    assert both.f == pytest.approx(0.434, abs=5e-4) and both.p == pytest.approx(0.974, abs=5e-4)
    assert part.p is not None and part.p < 1e-15 and appraiser.p is not None and appraiser.p < 1e-8


def test_its_interaction_is_pooled_and_the_components_are_the_published_ones() -> None:
    found = published()
    assert found.pooled and [row.name for row in found.reduced] == ["part", "appraiser", "repeatability", "total"]
    assert found.reduced[0].f == pytest.approx(245.614, abs=5e-4)
    assert found.reduced[1].f == pytest.approx(39.617, abs=5e-4)
    assert found.reduced[2].degrees == 78 and found.reduced[2].mean_square == pytest.approx(0.03997, abs=5e-6)
    sd = {"EV": 0.199933, "AV": 0.226838, "INT": 0.0, "GRR": 0.302373, "PV": 1.042327, "TV": 1.0853}
    total = {"EV": 18.42, "AV": 20.90, "GRR": 27.86, "PV": 96.04, "TV": 100.0}
    contribution = {"EV": 3.39, "AV": 4.37, "GRR": 7.76, "PV": 92.24}
    for name, figure in sd.items():
        assert found.components[name].sd == pytest.approx(figure, abs=2e-6 if name != "TV" else 5e-5), name
    for name, figure in total.items():
        assert found.components[name].percent_total == pytest.approx(figure, abs=0.005), name
    for name, figure in contribution.items():
        assert found.components[name].percent_contribution == pytest.approx(figure, abs=0.005), name
    assert found.ndc == pytest.approx(4.861, abs=5e-4) and found.categories == 4 and found.grade == "fair"


def test_the_tolerance_is_set_against_six_standard_deviations() -> None:
    found = published(tolerance=8.0)
    assert found.components["GRR"].percent_tolerance == pytest.approx(600.0 * 0.302373 / 8.0, abs=1e-3)
    assert found.grade == "fair" and published(tolerance=4.0).grade == "poor"


def test_an_interaction_that_is_there_stays_in_the_study() -> None:
    readings = {
        (f"p{p}", f"a{a}"): [p + 0.1 * a + 0.8 * (-1.0) ** (p * a) + 0.01 * t for t in range(3)]
        for p in range(10) for a in range(3)
    }  # fmt: skip
    found = study(readings)
    assert not found.pooled and not found.reduced and found.components["INT"].sd > 0.3
    assert found.components["EV"].sd == pytest.approx(0.01)


def test_the_sums_hold_far_from_nought_and_in_any_order() -> None:
    far = {("1", "A"): [1e6 + 1, 1e6 + 2], ("1", "B"): [1e6 + 2, 1e6 + 2], ("2", "A"): [1e6 + 5, 1e6 + 6],
           ("2", "B"): [1e6 + 7, 1e6 + 6]}  # fmt: skip
    near = {key: [value - 1e6 for value in cell] for key, cell in reversed(far.items())}
    one, other = study(far), study(near)
    assert one.components["GRR"].variance == pytest.approx(other.components["GRR"].variance, rel=1e-9)
    assert math.fsum(row.sum_of_squares for row in one.table[:-1]) == pytest.approx(one.table[-1].sum_of_squares)


@pytest.mark.parametrize(
    ("readings", "says"),
    [
        ({("1", "A"): [1.0, 2.0]}, "two of each"),
        ({}, "two of each"),
        ({("1", "A"): [1, 2], ("1", "B"): [1, 2], ("2", "A"): [1, 2]}, "part 2, appraiser B: 0 readings"),
        ({("1", "A"): [1], ("1", "B"): [1], ("2", "A"): [1], ("2", "B"): [1]}, "at least twice"),
        ({(p, a): [3.0, 3.0] for p in "12" for a in "AB"}, "all readings are alike"),
        ({(p, a): [1e200, 2e200] for p in "12" for a in "AB"}, "1e-100 to 1e.100, choose another unit"),
        ({(p, a): [3.0, math.nan] for p in "12" for a in "AB"}, "no number"),
    ],
)
def test_what_makes_no_study_says_why(readings: dict[tuple[str, str], list[float]], says: str) -> None:
    with pytest.raises(GaugeError, match=says):
        study(readings)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, math.nan, math.inf])
def test_a_tolerance_is_a_width(tolerance: float) -> None:
    with pytest.raises(GaugeError, match="width"):
        published(tolerance)
