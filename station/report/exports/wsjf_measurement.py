"""A measurement as a step of WSJF: numeric where a value was judged, pass/fail where only a bound is known, else none.

WSJF demands a number of a numeric measurement, and WATS computes with it: a bound is not one, and neither is what was
never measured. The whole measurement stands in the step's additional results in any case.
"""

from __future__ import annotations

from typing import Any

from station.domain.record import JudgedMeasurement
from station.domain.verdict import Verdict
from station.report.exports.additional import additional
from station.report.exports.shared import measurement_values

_JUDGED = {Verdict.PASS: "P", Verdict.FAIL: "F"}


def measurement_step(one: JudgedMeasurement) -> dict[str, Any]:
    """Step type, measurement, and what it says in words; the rest of a step is the caller's."""
    made: dict[str, Any] = {"additionalResults": additional(measurement_values(one))}
    judged = _JUDGED.get(one.verdict)
    if judged is None:
        return {"stepType": "Action", "reportText": _words(one), **made}
    if one.value is None or one.bound is not None:
        meas = [{"name": None, "status": judged}]
        return {"stepType": "ET_PFT", "booleanMeas": meas, "reportText": _words(one), **made}
    numeric = {"compOp": compared(one), "name": None, "status": judged, "unit": one.unit, "value": one.value}
    return {"stepType": "ET_NLT", "numericMeas": [numeric | _limits(one)], **made}


def compared(one: JudgedMeasurement) -> str:
    """WSJF's comparison operator; limits of a plan are inclusive."""
    if one.low is not None and one.high is not None:
        return "GELE"
    if one.low is not None:
        return "GE"
    return "LOG" if one.high is None else "LE"


def _limits(one: JudgedMeasurement) -> dict[str, float]:
    """An operator with a single limit has it in `lowLimit`, also where that is an upper one (LE)."""
    if one.low is not None and one.high is not None:
        return {"lowLimit": one.low, "highLimit": one.high}
    single = one.high if one.low is None else one.low
    return {} if single is None else {"lowLimit": single}


def _words(one: JudgedMeasurement) -> str:
    """What a numeric measurement would say: value or bound, limits, verdict."""
    value = "no value" if one.value is None else f"{one.bound or 'value'} {one.value!r} {one.unit}".rstrip()
    limits = [f"{side} {limit!r}" for side, limit in (("low", one.low), ("high", one.high)) if limit is not None]
    return "; ".join([value, *limits, one.verdict.value])
