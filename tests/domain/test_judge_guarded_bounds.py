"""A bound proves compliance only with its uncertainty inside the limit, where the plan asks for a guard band."""

from __future__ import annotations

import pytest

from station.domain.judge import judge
from station.domain.limit import Limit
from station.domain.measurement import Bound, Measurement
from station.domain.verdict import Verdict


@pytest.mark.parametrize(
    ("bound", "value", "limit", "verdict"),
    [
        ("above", 100.2, Limit("t", low=100.0, decision="guarded"), Verdict.ERROR),
        ("above", 101.1, Limit("t", low=100.0, decision="guarded"), Verdict.PASS),
        ("above", 100.2, Limit("t", low=100.0), Verdict.PASS),
        ("below", 0.0999, Limit("t", high=0.1, decision="guarded"), Verdict.ERROR),
        ("below", 0.0999, Limit("t", high=0.1), Verdict.PASS),
    ],
)
def test_a_bound_is_judged_with_its_uncertainty_under_a_guarded_limit(
    bound: Bound, value: float, limit: Limit, verdict: Verdict
) -> None:
    uncertainty = 0.01 * value
    assert judge(Measurement("x_w", value, uncertainty=uncertainty, bound=bound), limit) is verdict
