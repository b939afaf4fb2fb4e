"""X-bar/R charts: constants by integration, a textbook's limits, each Western Electric rule, and a step found."""

from __future__ import annotations

import math
import random

import pytest

from station.metrology.charts import (
    CONSTANTS,
    Baseline,
    Group,
    baseline_of,
    change_point,
    groups_of,
    signals_of,
    step_of,
)

HARD_BAKE = [
    (1.3235, 1.4128, 1.6744, 1.4573, 1.6914), (1.4314, 1.3592, 1.6075, 1.4666, 1.6109),
    (1.4284, 1.4871, 1.4932, 1.4324, 1.5674), (1.5028, 1.6352, 1.3841, 1.2831, 1.5507),
    (1.5604, 1.2735, 1.5265, 1.4363, 1.6441), (1.5955, 1.5451, 1.3574, 1.3281, 1.4198),
    (1.6274, 1.5064, 1.8366, 1.4177, 1.5144), (1.4190, 1.4303, 1.6637, 1.6067, 1.5519),
    (1.3884, 1.7277, 1.5355, 1.5176, 1.3688), (1.4039, 1.6697, 1.5089, 1.4627, 1.5220),
    (1.4158, 1.7667, 1.4278, 1.5928, 1.4181), (1.5821, 1.3355, 1.5777, 1.3908, 1.7559),
    (1.2856, 1.4106, 1.4447, 1.6398, 1.1928), (1.4951, 1.4036, 1.5893, 1.6458, 1.4969),
    (1.3589, 1.2863, 1.5996, 1.2497, 1.5471), (1.5747, 1.5301, 1.5171, 1.1839, 1.8662),
    (1.3680, 1.7269, 1.3957, 1.5014, 1.4449), (1.4163, 1.3864, 1.3057, 1.6210, 1.5573),
    (1.5796, 1.4185, 1.6541, 1.5116, 1.7247), (1.7106, 1.4412, 1.2361, 1.3820, 1.7601),
    (1.4371, 1.5051, 1.3485, 1.5670, 1.4880), (1.4738, 1.5936, 1.6583, 1.4973, 1.4720),
    (1.5917, 1.4333, 1.5551, 1.5295, 1.6866), (1.6399, 1.5243, 1.5705, 1.5563, 1.5530),
    (1.5797, 1.3663, 1.6240, 1.3732, 1.6887),
]  # fmt: skip
"""Montgomery, Introduction to Statistical Quality Control, table 6.1: flow width of 25 subgroups of 5 wafers."""


def phi(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


@pytest.mark.parametrize("size", CONSTANTS)
def test_the_constants_are_the_moments_of_the_range(size: int) -> None:
    step, places = 0.05, [-8.0 + 0.05 * at for at in range(321)]
    d2 = step * sum(1.0 - phi(z) ** size - (1.0 - phi(z)) ** size for z in places)
    square = 2.0 * step * step * sum(
        1.0 - phi(y) ** size - (1.0 - phi(x)) ** size + (phi(y) - phi(x)) ** size
        for at, y in enumerate(places) for x in places[: at + 1]
    ) - step * step * sum(1.0 - phi(z) ** size - (1.0 - phi(z)) ** size for z in places)  # fmt: skip
    assert d2 == pytest.approx(CONSTANTS[size][0], abs=1e-5)
    assert math.sqrt(square - d2 * d2) == pytest.approx(CONSTANTS[size][1], abs=3e-4)


def test_a_textbooks_chart_has_its_published_limits() -> None:
    values = [value for group in HARD_BAKE for value in group]
    baseline, groups = baseline_of(values, 5), groups_of(values, 5)
    assert baseline.centre == pytest.approx(1.5056, abs=5e-5)
    assert sum(group.range for group in groups) / 25 == pytest.approx(0.32521, abs=5e-6)
    low, high = baseline.mean_limits(5)
    assert low == pytest.approx(1.31795, abs=1e-4) and high == pytest.approx(1.69325, abs=1e-4)
    low, high = baseline.range_limits()
    assert low == 0.0 and high == pytest.approx(0.68749, abs=4e-4), "the book's 2.114 and 0.577 are rounded"
    assert signals_of(groups, baseline) == []


def at(scores: list[float], size: int = 4) -> list[Group]:
    """Groups of `size` whose means stand so many of their standard deviations from 10, sigma 0.2."""
    return [Group(size * i, size * i + size - 1, 10.0 + z * 0.2 / math.sqrt(size), 0.4) for i, z in enumerate(scores)]


PLAIN = Baseline(10.0, 0.2, 4)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(
    ("scores", "rule", "first"),
    [
        ([0.1, -0.2, 3.1], 1, 2),
        ([0.1, 2.1, -0.5, 2.2], 2, 1),
        ([-0.5, 1.2, 1.1, -0.3, 1.4, 1.5], 3, 1),
        ([-0.5, 0.1, 0.2, 0.9, 0.8, 0.3, 0.1, 0.4, 0.2], 4, 1),
    ],
)
def test_each_rule_speaks_on_either_side_with_the_groups_that_make_it(
    sign: float, scores: list[float], rule: int, first: int
) -> None:
    found = signals_of(at([sign * score for score in scores]), PLAIN)
    assert [(s.on, s.rule, s.side, s.first, s.last) for s in found] == [
        ("mean", rule, "above" if sign > 0 else "below", first, len(scores) - 1)
    ]


@pytest.mark.parametrize(
    "scores",
    [
        [2.999], [2.9], [2.1, 0.0, 0.0, 2.1], [2.1, -2.1, 1.9], [1.999, 1.999, 1.9], [1.1, 1.1, 1.1, 0.9, 0.9],
        [1.1, 1.1, 1.1, -1.1, 1.0], [0.5] * 7, [0.5] * 7 + [-0.5], [0.5] * 7 + [0.0],
        [0.1, 2.05],
    ],
)  # fmt: skip
def test_one_less_than_a_rule_says_nothing(scores: list[float]) -> None:
    assert signals_of(at(scores), PLAIN) == []


def test_a_good_group_does_not_repeat_what_the_ones_before_it_said() -> None:
    assert [s.last for s in signals_of(at([2.5, 2.5, 0.1]), PLAIN)] == [1]


def test_the_range_chart_speaks_of_scatter_that_grew_or_died() -> None:
    wide = [Group(0, 3, 10.0, 0.4), Group(4, 7, 10.0, 0.2 * (CONSTANTS[4][0] + 3.01 * CONSTANTS[4][1]))]
    assert [(s.on, s.rule, s.side, s.last) for s in signals_of(wide, PLAIN)] == [("range", 1, "above", 1)]
    ten = Baseline(10.0, 0.2, 10)
    assert [s.side for s in signals_of([Group(0, 9, 10.0, 0.01)], ten)] == ["below"]


def test_a_short_last_group_is_read_at_once_with_the_limits_of_its_size() -> None:
    single = [*at([0.0, 0.1]), Group(8, 8, 10.0 + 0.61, 0.0)]
    assert [(s.rule, s.first, s.last) for s in signals_of(single, PLAIN)] == [(1, 2, 2)]
    assert signals_of([*at([0.0, 0.1]), Group(8, 8, 10.0 + 0.59, 0.0)], PLAIN) == []


def test_values_that_never_differ_are_in_control_and_a_step_of_them_is_not() -> None:
    still = [5.0, 5.0 + 1e-14] * 12
    flat = baseline_of(still, 3)
    assert flat.sigma == 0.0 and signals_of(groups_of(still, 3), flat) == []
    moved = signals_of(groups_of([*still, 5.01], 3), flat)
    assert [(s.rule, s.side) for s in moved] == [(1, "above")]


def test_a_display_that_flickers_by_one_step_is_no_alarm() -> None:
    flicker = [8.0, 8.0, 8.0] * 7 + [8.0, 8.0, 8.1]
    assert step_of(flicker) == pytest.approx(0.1)
    baseline = baseline_of(flicker, 3)
    assert baseline.sigma == pytest.approx(0.1 / math.sqrt(12.0))
    assert [s for s in signals_of(groups_of([*flicker, 8.0, 8.1, 8.0], 3), baseline) if s.rule == 1] == []


def test_a_step_is_found_where_it_was_made() -> None:
    chance = random.Random(4)
    values = [chance.gauss(100.0, 1.0) + (2.0 if index >= 60 else 0.0) for index in range(90)]
    baseline, groups = baseline_of(values[:45], 3), groups_of(values, 3)
    assert signals_of(groups, baseline)
    assert abs(change_point(groups, baseline) - 20) <= 1


def test_sizes_without_constants_are_refused() -> None:
    for size in (1, 11):
        with pytest.raises(ValueError, match="2 to 10"):
            groups_of([1.0, 2.0], size)
    with pytest.raises(ValueError, match="at least one subgroup"):
        baseline_of([1.0, 2.0], 3)


@pytest.mark.byhand
def test_false_alarms_come_as_seldom_as_the_rules_promise() -> None:
    """Rule 1 alone 1 in 370 groups, all four together 1 in about 92 (Champ and Woodall, Technometrics 29(4), 1987)."""
    chance, lengths = random.Random(1), []
    baseline = Baseline(0.0, 1.0, 3)
    for _ in range(600):
        groups: list[Group] = []
        while True:
            mean = chance.gauss(0.0, 1.0 / math.sqrt(3))
            groups = [*groups, Group(0, 2, mean, 1.7)][-9:]
            if any(s.last == len(groups) - 1 and s.on == "mean" for s in signals_of(groups, baseline)):
                break
            lengths.append(1)
        lengths.append(1)
    assert 80.0 < len(lengths) / 600 < 105.0
