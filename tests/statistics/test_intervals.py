"""Intervals beside published figures, medians beside the plain way."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.statistics.intervals import capability, wilson
from station.statistics.quantiles import EXACT, Quantiles


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_that_of_newcombes_examples(hits: int, of: int, low: float, high: float) -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3."""
    assert wilson(hits, of) == pytest.approx((low, high), abs=5e-5)
    assert wilson(of - hits, of) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_nothing_has_no_share() -> None:
    assert wilson(0, 0) is None


def test_ppk_is_that_of_the_nearer_limit_and_of_the_only_one() -> None:
    assert capability(10.0, 1.0, 50, 7.0, 16.0) == pytest.approx((1.0, 0.7815, 1.2185), abs=1e-4)
    both, lower, upper = (capability(10.0, 1.0, 50, *limits) for limits in ((4.0, 13.0), (4.0, None), (None, 13.0)))
    assert both == upper and lower is not None and lower[0] == pytest.approx(2.0)
    outside = capability(10.0, 1.0, 50, None, 9.4)
    assert outside is not None and outside[0] == pytest.approx(-0.2), "a mean beyond its limit is below nought"


@pytest.mark.parametrize(("deviation", "count", "low"), [(0.0, 50, 1.0), (1.0, 1, 1.0), (1.0, 50, None)])
def test_ppk_is_not_defined_without_scatter_values_or_limit(deviation: float, count: int, low: float | None) -> None:
    assert capability(10.0, deviation, count, low, None) is None


@given(st.lists(st.floats(0.0, 1e5), min_size=1, max_size=60))
@settings(max_examples=50, deadline=None)
def test_a_median_of_few_is_exact(values: list[float]) -> None:
    held = Quantiles()
    for one in values:
        held.add(one)
    assert held.at(0.5) == pytest.approx(statistics.median(values))
    assert held.at(0.0) == min(values) and held.at(1.0) == pytest.approx(max(values))


def test_a_median_of_many_is_within_half_a_percent_and_takes_no_more_room() -> None:
    held = Quantiles()
    values = [0.0] * 10 + [0.001 * 1.002**at for at in range(EXACT + 3000)]
    for one in values:
        held.add(one)
    values.sort()
    for share in (0.05, 0.5, 0.95, 0.999):
        assert held.at(share) == pytest.approx(values[round(share * (len(values) - 1))], rel=0.0071)
    assert held.at(0.0) == 0.0
    assert len(held._kept) == 0 and len(held._bins) < 1600


def test_a_median_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no value"):
        Quantiles().at(0.5)
