"""The judgement of one measurement against one limit. PASS needs proof; what is not proven is no PASS.

Decision rules after ILAC-G8:09/2019, 4.2 (secondary): "simple" compares the value (4.2.1); "guarded" demands that the
value stays inside by its expanded uncertainty, k=2 (4.2.2 with w = U). Inside the limit but not by so much is a FAIL
there; where the uncertainty leaves nothing of the tolerance, no device could pass, and that is the station's fault: an
ERROR. A bound is a PASS where it proves compliance, a FAIL where it proves violation, else ERROR.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from station.domain.limit import Limit
from station.domain.measurement import Measurement
from station.domain.verdict import Verdict

SET_HERE = frozenset({"soak_s"})
"""What the station sets itself, its limit being the setting: at its limit always, which is worth no word."""


@dataclass(frozen=True, slots=True)
class Near:
    """A limit that lies within the expanded uncertainty of a value; `inside`: the value itself holds to it."""

    side: Literal["low", "high"]
    limit: float
    inside: bool


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
    if _holds(measurement.value, guard, low, high):
        return Verdict.PASS
    hopeless = low is not None and high is not None and 0.0 <= high - low < 2.0 * guard
    return Verdict.ERROR if hopeless and _holds(measurement.value, 0.0, low, high) else Verdict.FAIL


def near_limit(value: float | None, uncertainty: float | None, low: float | None, high: float | None) -> Near | None:
    """The limit that `value` is nearer to than its uncertainty, on either side of it: ILAC-G8's guard band (4.2.3).

    None where both limits are kept, or missed, by at least the uncertainty, or where one of the figures is missing.
    """
    if value is None or uncertainty is None or not 0.0 < uncertainty < math.inf:
        return None
    bands: list[tuple[float, Near]] = []
    if low is not None and value - uncertainty < low < value + uncertainty:
        bands.append((abs(value - low), Near("low", low, value >= low)))
    if high is not None and value - uncertainty < high < value + uncertainty:
        bands.append((abs(value - high), Near("high", high, value <= high)))
    return min(bands, key=lambda band: (band[1].inside, band[0]))[1] if bands else None


def guard_words(measurement: Measurement, limit: Limit | None, verdict: Verdict) -> str | None:
    """For the record, in words: that the value lies inside a guard band, and what the rule made of it. Else None."""
    if limit is None or measurement.bound is not None or measurement.name in SET_HERE:
        return None
    near = near_limit(measurement.value, measurement.uncertainty, *limit.bounds(measurement.reference))
    if near is None:
        return None
    if not near.inside:
        return f"beyond the {near.side} limit by less than its uncertainty: {verdict.value}, not proven"
    if verdict is Verdict.PASS:
        return f"inside the {near.side} limit by less than its uncertainty: PASS by the simple rule, not proven"
    if verdict is Verdict.FAIL:
        return f"inside the {near.side} limit by less than its uncertainty: FAIL by the guarded rule"
    if limit.decision == "guarded":
        return "its uncertainty is wider than half of the tolerance: the guarded rule can prove nothing here"
    return None


def _holds(value: float, guard: float, low: float | None, high: float | None) -> bool:
    return (low is None or value - guard >= low) and (high is None or value + guard <= high)


def _judge_bound(value: float, bound: str, guard: float, low: float | None, high: float | None) -> Verdict:
    if bound == "below":  # the truth is at most `value`
        if low is not None:
            return Verdict.FAIL if value < low else Verdict.ERROR
        return Verdict.PASS if high is not None and value + guard <= high else Verdict.ERROR
    if high is not None:  # the truth is at least `value`
        return Verdict.FAIL if value > high else Verdict.ERROR
    return Verdict.PASS if low is not None and value - guard >= low else Verdict.ERROR
