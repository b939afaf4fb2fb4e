"""Tails of F, t and the range against closed forms and printed tables."""

from __future__ import annotations

import math

import pytest

from station.metrology.chance import f_tail, incomplete_beta, range_above, studentized_range_above, t_tails


def test_the_tail_of_f_is_the_closed_form_where_there_is_one() -> None:
    for ratio in (0.01, 0.434, 1.0, 3.0, 50.0, 1e4):
        for against in (1, 2, 7, 60, 1000):
            exact = (1.0 + 2.0 * ratio / against) ** (-against / 2.0)  # two degrees of freedom above
            assert f_tail(ratio, 2, against) == pytest.approx(exact, rel=1e-11, abs=1e-300)
        assert f_tail(ratio, 1, 1) == pytest.approx(1.0 - 2.0 / math.pi * math.atan(math.sqrt(ratio)), rel=1e-9)
    assert f_tail(0.0, 3, 5) == 1.0
    assert f_tail(3.48, 10, 5) == pytest.approx(f_tail(1 / 3.48, 5, 10) * -1 + 1.0, rel=1e-12)
    assert f_tail(4.735, 10, 5) == pytest.approx(0.05, abs=5e-5), "tables: F 0.95 (10, 5) = 4.735"


def test_the_incomplete_beta_is_symmetric_and_bounded() -> None:
    for a, b, x in [(0.5, 0.5, 0.3), (30.0, 9.0, 0.9), (2.5, 40.0, 0.01), (1.0, 1.0, 0.25)]:
        assert incomplete_beta(a, b, x) == pytest.approx(1.0 - incomplete_beta(b, a, 1.0 - x), abs=1e-14)
    assert incomplete_beta(1.0, 1.0, 0.25) == pytest.approx(0.25) and incomplete_beta(2.0, 3.0, 1.0) == 1.0
    with pytest.raises(ValueError, match="above 0"):
        incomplete_beta(0.0, 1.0, 0.5)


def test_the_tails_of_t_are_those_of_the_tables() -> None:
    assert t_tails(2.086, 20) == pytest.approx(0.05, abs=1e-4) and t_tails(-2.086, 20) == t_tails(2.086, 20)
    assert t_tails(1.959964, 1e6) == pytest.approx(0.05, abs=1e-5)


def test_the_tail_of_the_range_is_that_of_the_tables() -> None:
    for size, at_5, at_1 in ((2, 2.772, 3.643), (3, 3.314, 4.120), (5, 3.858, 4.603), (10, 4.474, 5.157)):
        assert range_above(at_5, size) == pytest.approx(0.05, abs=1e-4), "studentized range, infinite degrees"
        assert range_above(at_1, size) == pytest.approx(0.01, abs=3e-5)
    for at, degrees, chance in ((3.578, 20, 0.05), (4.89, 14, 0.01)):
        assert studentized_range_above(at, 3, degrees) == pytest.approx(chance, rel=0.02)
    assert range_above(0.0, 3) == pytest.approx(1.0)
    assert range_above(1.0, 2) == pytest.approx(math.erfc(0.5), rel=1e-9)
