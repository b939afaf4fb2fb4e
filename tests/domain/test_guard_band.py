"""The decision rule after ILAC-G8, on both sides of both limits: the verdict, and what the record says of the band."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.judge import guard_words, judge, near_limit
from station.domain.limit import Limit
from station.domain.measurement import Measurement
from station.domain.verdict import Verdict

PASS, FAIL, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.ERROR
INSIDE, BEYOND = "inside the {} limit by less than its uncertainty", "beyond the {} limit by less than its uncertainty"


@pytest.mark.parametrize(
    ("value", "simple", "guarded", "says", "side"),
    [
        (0.80, FAIL, FAIL, None, ""),
        (0.95, FAIL, FAIL, BEYOND, "low"),
        (1.00, PASS, FAIL, INSIDE, "low"),
        (1.05, PASS, FAIL, INSIDE, "low"),
        (1.25, PASS, PASS, None, ""),
        (1.95, PASS, FAIL, INSIDE, "high"),
        (2.00, PASS, FAIL, INSIDE, "high"),
        (2.05, FAIL, FAIL, BEYOND, "high"),
        (2.20, FAIL, FAIL, None, ""),
    ],
)
def test_a_guard_band_is_as_wide_as_the_uncertainty_on_either_side_of_either_limit(
    value: float, simple: Verdict, guarded: Verdict, says: str | None, side: str
) -> None:
    measurement = Measurement("a_v", value, uncertainty=0.1)
    for limit, verdict in ((Limit("s", 1.0, 2.0), simple), (Limit("s", 1.0, 2.0, decision="guarded"), guarded)):
        assert judge(measurement, limit) is verdict
        words = guard_words(measurement, limit, verdict)
        assert (words is None) == (says is None)
        assert words is None or words.startswith(says.format(side) if says else "")
        assert words is None or verdict.value in words


def test_the_words_name_the_rule_that_decided() -> None:
    measurement = Measurement("a_v", 1.95, uncertainty=0.1)
    assert guard_words(measurement, Limit("s", high=2.0), PASS) == (
        "inside the high limit by less than its uncertainty: PASS by the simple rule, not proven"
    )
    assert guard_words(measurement, Limit("s", high=2.0, decision="guarded"), FAIL) == (
        "inside the high limit by less than its uncertainty: FAIL by the guarded rule"
    )


def test_a_bound_a_missing_limit_and_a_missing_uncertainty_say_nothing() -> None:
    limit = Limit("s", high=2.0)
    assert guard_words(Measurement("a_v", 1.95, uncertainty=0.1, bound="below"), limit, PASS) is None
    assert guard_words(Measurement("a_v", 1.95, uncertainty=0.1), None, ERROR) is None
    assert guard_words(Measurement("soak_s", 7200.0, uncertainty=0.7), Limit("s", low=7200.0), PASS) is None
    for uncertainty in (None, 0.0, math.nan, math.inf, -0.1):
        assert near_limit(1.95, uncertainty, None, 2.0) is None
    assert near_limit(None, 0.1, None, 2.0) is None and near_limit(2.0, 0.1, None, None) is None


def test_where_the_uncertainty_leaves_nothing_of_the_tolerance_the_station_is_at_fault() -> None:
    limit = Limit("s", 1.0, 1.1, decision="guarded")
    for value in (1.0, 1.05, 1.1):
        measurement = Measurement("a_v", value, uncertainty=0.06)
        assert judge(measurement, limit) is ERROR
        assert guard_words(measurement, limit, ERROR) == (
            "its uncertainty is wider than half of the tolerance: the guarded rule can prove nothing here"
        )
    assert judge(Measurement("a_v", 1.2, uncertainty=0.06), limit) is FAIL
    assert judge(Measurement("a_v", 1.05, uncertainty=0.06), Limit("s", 1.0, 1.1)) is PASS
    assert judge(Measurement("a_v", 1.05, uncertainty=0.04), limit) is PASS


def test_a_relative_limit_has_its_guard_band_around_the_reference() -> None:
    limit = Limit("s", relative_percent=10.0, decision="guarded")
    assert judge(Measurement("a_w", 10.8, uncertainty=0.1, reference=10.0), limit) is PASS
    near = Measurement("a_w", 10.95, uncertainty=0.1, reference=10.0)
    assert judge(near, limit) is FAIL and "high limit" in (guard_words(near, limit, FAIL) or "")


@given(st.floats(-10, 10), st.floats(1e-6, 5), st.floats(-5, 0), st.floats(0.001, 5))
def test_the_guarded_rule_never_passes_what_the_simple_one_fails_nor_what_is_in_a_band(
    value: float, uncertainty: float, low: float, high: float
) -> None:
    measurement = Measurement("a_v", value, uncertainty=uncertainty)
    guarded = judge(measurement, Limit("s", low, high, decision="guarded"))
    simple = judge(measurement, Limit("s", low, high))
    assert not (guarded is PASS and (simple is not PASS or near_limit(value, uncertainty, low, high)))
    if simple is PASS and near_limit(value, uncertainty, low, high) is None:
        assert guarded is PASS
