"""A measurement by an instrument out of calibration: the report says that, whatever the value is beside its limit."""

from __future__ import annotations

from dataclasses import replace

from station.domain.record import Cause, Record
from station.domain.verdict import Verdict
from station.report.record_view import cause_sentences, plain_record

WHY = "insulation and bond tester: its calibration ended on 2027-01-10"


def test_the_cause_is_the_calibration_and_not_the_limit_in_both_languages(passed: Record) -> None:
    index, step = next((n, one) for n, one in enumerate(passed.steps) if one.use == "insulation")
    (bad,) = step.measurements
    bad = replace(bad, value=0.1, verdict=Verdict.ERROR)
    steps = list(passed.steps)
    steps[index] = replace(step, measurements=(bad,), verdict=Verdict.ERROR)
    cause = Cause(step.id, bad.name, None, f"{bad.name}: not judged: {WHY}")
    plain = plain_record(replace(passed, steps=tuple(steps), causes=(cause,)))

    (english,), (chinese,) = cause_sentences(plain, "en"), cause_sentences(plain, "zh")

    assert english.endswith(f"not judged ({WHY})")
    assert chinese.endswith("未判定（安规测试仪的校准已于 2027-01-10 到期）")
