"""PASS only on proof: what may come out of `judge`, `Limit.bounds` and `worst`, over all values there are."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.judge import judge
from station.domain.limit import Limit
from station.domain.measurement import Measurement
from station.domain.verdict import Verdict, worst

anything = st.one_of(st.none(), st.floats(), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0]))
limits = st.one_of(
    st.none(),
    st.builds(
        Limit, source=st.just("test"), low=anything, high=anything, relative_percent=anything,
        decision=st.sampled_from(["simple", "guarded"]),
    ),
)  # fmt: skip
measurements = st.builds(
    Measurement, name=st.just("a_v"), value=anything, uncertainty=anything,
    bound=st.sampled_from([None, "above", "below"]), reference=anything,
)  # fmt: skip


def finite(*values: float | None) -> bool:
    return all(value is None or math.isfinite(value) for value in values)


@given(measurements, limits)
def test_a_pass_is_present_finite_limited_and_within(measurement: Measurement, limit: Limit | None) -> None:
    verdict = judge(measurement, limit)
    assert verdict in (Verdict.PASS, Verdict.FAIL, Verdict.ERROR)
    if verdict is not Verdict.PASS:
        return
    assert limit is not None and measurement.value is not None and math.isfinite(measurement.value)
    low, high = limit.bounds(measurement.reference)
    assert (low is not None or high is not None) and finite(low, high)
    assert low is None or measurement.value >= low
    assert high is None or measurement.value <= high
    if measurement.bound == "below":
        assert low is None, "that the truth is below something proves no lower limit"
    if measurement.bound == "above":
        assert high is None
    if limit.decision == "guarded":
        assert measurement.uncertainty is not None and measurement.uncertainty >= 0.0
        if measurement.bound is None:
            assert low is None or measurement.value - measurement.uncertainty >= low
            assert high is None or measurement.value + measurement.uncertainty <= high


@given(measurements, limits)
def test_a_fail_is_proven_too(measurement: Measurement, limit: Limit | None) -> None:
    if judge(measurement, limit) is Verdict.FAIL:
        assert limit is not None and measurement.value is not None and math.isfinite(measurement.value)
        assert finite(*limit.bounds(measurement.reference))


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("limit", [Limit("s", 1.0, 2.0), Limit("s", None, 2.0), Limit("s", 1.0, None), None])
def test_no_value_nan_and_infinity_are_errors_whatever_the_limit(value: float | None, limit: Limit | None) -> None:
    assert judge(Measurement("a_v", value), limit) is Verdict.ERROR


@pytest.mark.parametrize("limit", [None, Limit("s"), Limit("s", math.nan, 2.0), Limit("s", 1.0, math.nan)])
def test_a_missing_limit_an_empty_one_and_one_that_is_nan_are_errors(limit: Limit | None) -> None:
    assert judge(Measurement("a_v", 1.5), limit) is Verdict.ERROR


@pytest.mark.parametrize("reference", [None, math.nan, math.inf])
def test_a_relative_limit_without_its_reference_is_an_error(reference: float | None) -> None:
    limit = Limit("s", relative_percent=5.0)
    assert judge(Measurement("a_v", 1.5, reference=reference), limit) is Verdict.ERROR
    assert judge(Measurement("a_v", 1.5, reference=1.45), limit) is Verdict.PASS


@pytest.mark.parametrize("uncertainty", [None, math.nan, math.inf, -0.4])
def test_a_guarded_limit_without_an_honest_uncertainty_is_an_error(uncertainty: float | None) -> None:
    limit = Limit("s", 1.0, 2.0, decision="guarded")
    assert judge(Measurement("a_v", 1.5, uncertainty=uncertainty), limit) is Verdict.ERROR


@pytest.mark.parametrize(
    ("value", "verdict"), [(1.1, Verdict.PASS), (1.09, Verdict.FAIL), (1.9, Verdict.PASS), (1.91, Verdict.FAIL)]
)
def test_a_guarded_limit_demands_the_value_inside_by_its_uncertainty(value: float, verdict: Verdict) -> None:
    limit = Limit("s", 1.0, 2.0, decision="guarded")
    assert judge(Measurement("a_v", value, uncertainty=0.0999), limit) is verdict


@pytest.mark.parametrize(
    ("bound", "value", "limit", "verdict"),
    [
        ("below", 0.02, Limit("s", high=0.1), Verdict.PASS),
        ("below", 0.2, Limit("s", high=0.1), Verdict.ERROR),
        ("below", 0.5, Limit("s", low=1.0), Verdict.FAIL),
        ("below", 2.0, Limit("s", low=1.0), Verdict.ERROR),
        ("above", 500.0, Limit("s", low=2.0), Verdict.PASS),
        ("above", 1.0, Limit("s", low=2.0), Verdict.ERROR),
        ("above", 9.0, Limit("s", high=2.0), Verdict.FAIL),
        ("above", 1.5, Limit("s", 1.0, 2.0), Verdict.ERROR),
    ],
)
def test_a_bound_passes_or_fails_only_where_it_proves_it(
    bound: str, value: float, limit: Limit, verdict: Verdict
) -> None:
    assert judge(Measurement("a_v", value, bound=bound), limit) is verdict  # type: ignore[arg-type]


ORDER = ["PASS", "FAIL", "ABORTED", "ERROR"]


@given(st.lists(st.sampled_from(list(Verdict)), max_size=6))
def test_the_worst_wins_and_nothing_is_an_error(verdicts: list[Verdict]) -> None:
    result = worst(verdicts)
    if not verdicts:
        assert result is Verdict.ERROR
        return
    ranked = [verdict for verdict in verdicts if verdict.value in ORDER]
    if result is Verdict.PASS:
        assert set(verdicts) <= {Verdict.PASS, Verdict.NOT_APPLICABLE}
    if any(verdict is not Verdict.PASS for verdict in ranked):
        assert result is max(ranked, key=lambda verdict: ORDER.index(verdict.value))


def test_a_skipped_step_bars_pass_and_hides_no_fail() -> None:
    assert worst([Verdict.PASS, Verdict.SKIPPED]) is Verdict.SKIPPED
    assert worst([Verdict.FAIL, Verdict.SKIPPED]) is Verdict.FAIL
