"""The judgement of one measurement against one limit. PASS needs proof; what is not proven is no PASS.

Decision rules after ILAC-G8: "simple" compares the value; "guarded" demands that the value stays inside by its
expanded uncertainty. A bound is a PASS where it proves compliance, a FAIL where it proves violation, else ERROR.
"""

from __future__ import annotations

import math

from station.domain.limit import Limit
from station.domain.measurement import Measurement
from station.domain.verdict import Verdict


def judge(measurement: Measurement, limit: Limit | None) -> Verdict:
    """PASS, FAIL or ERROR. A missing limit, a missing or non-finite value is an ERROR.

    Where the rule is "guarded", so is a missing, non-finite or negative uncertainty.
    """
    if limit is None or measurement.value is None or not math.isfinite(measurement.value):
        return Verdict.ERROR
    low, high = limit.bounds(measurement.reference)
    if low is None and high is None:
        return Verdict.ERROR
    if any(bound is not None and not math.isfinite(bound) for bound in (low, high)):
        return Verdict.ERROR
    guard = 0.0
    if limit.decision == "guarded":
        if measurement.uncertainty is None or not 0.0 <= measurement.uncertainty < math.inf:
            return Verdict.ERROR
        guard = measurement.uncertainty
    if measurement.bound is not None:
        return _judge_bound(measurement.value, measurement.bound, guard, low, high)
    inside = (low is None or measurement.value - guard >= low) and (high is None or measurement.value + guard <= high)
    return Verdict.PASS if inside else Verdict.FAIL


def _judge_bound(value: float, bound: str, guard: float, low: float | None, high: float | None) -> Verdict:
    if bound == "below":  # the truth is at most `value`
        if low is not None:
            return Verdict.FAIL if value < low else Verdict.ERROR
        return Verdict.PASS if high is not None and value + guard <= high else Verdict.ERROR
    if high is not None:  # the truth is at least `value`
        return Verdict.FAIL if value > high else Verdict.ERROR
    return Verdict.PASS if low is not None and value - guard >= low else Verdict.ERROR
