"""The steps of a run as ATML test groups: a measurement is a test in its step's group, a curve a result of that."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from station.domain.measurement import Curve
from station.domain.record import JudgedMeasurement, Record, StepRecord
from station.domain.verdict import Verdict
from station.report.exports.atml_values import child, collection, datum, double_array, limit
from station.report.exports.shared import NONE, measurement_values, named, step_values

OUTCOMES: dict[Verdict, tuple[str, str | None]] = {
    Verdict.PASS: ("Passed", None),
    Verdict.FAIL: ("Failed", None),
    Verdict.ABORTED: ("Aborted", "Terminated"),
    Verdict.ERROR: ("Aborted", "Error"),
    Verdict.SKIPPED: ("NotStarted", "Skipped"),
    Verdict.NOT_APPLICABLE: ("UserDefined", "NotApplicable"),
}
"""Value and qualifier, in the words that readers of ATML know."""


def outcome(parent: Element, verdict: Verdict) -> None:
    """`tr:Outcome`."""
    value, qualifier = OUTCOMES[verdict]
    made = child(parent, "tr:Outcome", value=value)
    if qualifier is not None:
        made.set("qualifier", qualifier)


def test_group(parent: Element, record: Record, step: StepRecord, number: int) -> None:
    """A step. ATML demands a start: one that never began has the run's, which says nothing, and `NotStarted`."""
    started_at = step.started_at or record.started_at
    group = _action(parent, "tr:TestGroup", f"s{number}", step.id, record, started_at)
    collection(child(group, "tr:Data"), step_values(step))
    outcome(group, step.verdict)
    for place, curve in enumerate(step.curves, start=1):
        _curve(group, curve, f"s{number}-c{place}")
    for place, one in enumerate(step.measurements, start=1):
        _test(group, record, one, f"s{number}-m{place}", started_at)


def _action(parent: Element, tag: str, number: str, name: str, record: Record, started_at: str) -> Element:
    return child(
        parent, tag, ID=number, name=name or NONE, simulated="true" if record.simulated else "false",
        startDateTime=started_at,
    )  # fmt: skip


def _test(parent: Element, record: Record, one: JudgedMeasurement, number: str, started_at: str) -> None:
    test = _action(parent, "tr:Test", number, named(one), record, started_at)
    if one.conditions:
        parameters = child(test, "tr:Parameters")
        for place, (name, value) in enumerate(one.conditions.items(), start=1):
            parameter = child(parameters, "tr:Parameter", ID=f"{number}-p{place}", name=name or NONE)
            datum(child(parameter, "tr:Data"), value)
    collection(child(test, "tr:Data"), measurement_values(one))
    outcome(test, one.verdict)
    result = child(test, "tr:TestResult", ID=f"{number}-r", name=one.name or NONE)
    outcome(result, one.verdict)
    _value(result, one)
    if one.low is not None or one.high is not None:
        limits = child(child(result, "tr:TestLimits"), "tr:Limits")
        limit(limits, one.low, one.high, one.unit)
        if one.limit_source:
            child(limits, "c:Description", one.limit_source)


def _value(result: Element, one: JudgedMeasurement) -> None:
    """A value is a datum with its error limits; a bound is a collection that says so: nobody takes it for a value."""
    if one.value is None:
        return
    read = child(result, "tr:TestData")
    if one.bound is not None:
        datum(child(child(read, "c:Collection"), "c:Item", name=one.bound), one.value, one.unit)
        return
    value = datum(read, one.value, one.unit)
    if one.uncertainty is not None:
        error = child(value, "c:ErrorLimits", name="uncertainty, k=2")
        limit(error, -one.uncertainty, one.uncertainty, one.unit)


def _curve(group: Element, curve: Curve, number: str) -> None:
    name = curve.name if curve.channel is None else f"{curve.name} {curve.channel}"
    result = child(group, "tr:TestResult", ID=number, name=name or NONE)
    told = child(child(result, "tr:TestData"), "c:Collection")
    for title, text in (
        ("name", curve.name), ("channel", curve.channel), ("x_name", curve.x_name), ("x_unit", curve.x_unit),
        ("y_name", curve.y_name), ("y_unit", curve.y_unit),
    ):  # fmt: skip
        if text is not None:
            datum(child(told, "c:Item", name=title), text)
    double_array(child(told, "c:Item", name="x"), curve.x, curve.x_unit)
    double_array(child(told, "c:Item", name="y"), curve.y, curve.y_unit)
    if curve.mask:
        double_array(child(told, "c:Item", name="mask"), curve.mask, curve.y_unit)
