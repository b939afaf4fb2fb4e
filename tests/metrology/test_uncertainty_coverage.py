"""Of random truths about 95 % lie inside what the reading states: loosely here, 2,000 of each in bench_coverage."""

from __future__ import annotations

import pytest

from tests.metrology.coverage_rig import Kind, cover


@pytest.mark.parametrize(
    ("kind", "draws", "least", "most"),
    [("level", 50, 43, 50), ("thd", 40, 34, 40), ("power", 16, 12, 16), ("response", 8, 6, 8)],
)
def test_truths_lie_inside_on_a_calibrated_interface(kind: Kind, draws: int, least: int, most: int) -> None:
    inside = sum(one.inside for one in cover(kind, True, draws, 3))
    assert least <= inside <= most


@pytest.mark.parametrize(("kind", "draws"), [("level", 50), ("thd", 40), ("power", 20), ("response", 8)])
def test_truths_lie_inside_on_one_that_stays_within_its_bounds(kind: Kind, draws: int) -> None:
    assert sum(one.inside for one in cover(kind, False, draws, 3)) >= 0.9 * draws - 1


@pytest.mark.byhand
@pytest.mark.parametrize("kind", ["level", "thd", "power", "response"])
def test_of_500_truths_93_to_97_percent_lie_inside(kind: Kind) -> None:
    seen = [one for one in cover(kind, True, 500, 11) if not one.bound]
    assert 0.92 <= sum(one.inside for one in seen) / len(seen) <= 0.98
