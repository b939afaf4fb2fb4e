"""What the paper says of a value that is nearer to its limit than its uncertainty, in both languages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.domain.judge import guard_words, judge
from station.domain.limit import Decision, Limit
from station.domain.measurement import Measurement
from station.domain.record import Cause, JudgedMeasurement, Record
from station.report.html import render
from station.report.record_view import cause_sentences, measurement_row, plain_record
from station.report.words import Lang


def judged(value: float, decision: Decision, uncertainty: float = 0.002, low: float | None = None) -> JudgedMeasurement:
    measurement = Measurement("thd_percent", value, "left", uncertainty)
    limit = Limit("s", low, 0.1, decision=decision)
    verdict = judge(measurement, limit)
    guard = guard_words(measurement, limit, verdict)
    return JudgedMeasurement(
        "thd_percent",
        value,
        "%",
        verdict,
        "left",
        low,
        0.1,
        uncertainty,
        conditions={"guard_band": guard} if guard else {},
    )


@pytest.mark.parametrize(
    ("value", "decision", "uncertainty", "english", "chinese"),
    [
        (0.099, "simple", 0.002, "PASS by the simple rule, not proven", "按简单判定合格，未经证明"),
        (0.099, "guarded", 0.002, "FAIL by the guarded rule", "按保护带判定不合格"),
        (0.101, "simple", 0.002, "beyond the limit by less than its uncertainty", "超出量小于不确定度"),
        (0.099, "guarded", 0.06, "the guarded rule can prove nothing", "按保护带判定无法作出结论"),
        (0.05, "guarded", 0.002, "", ""),
    ],
)
def test_a_row_says_what_the_rule_made_of_it(
    value: float, decision: Decision, uncertainty: float, english: str, chinese: str
) -> None:
    m = judged(value, decision, uncertainty, low=0.0 if uncertainty > 0.05 else None)
    step = {"name": m.name, "value": m.value, "unit": "%", "verdict": m.verdict.value, "low": m.low, "high": m.high,
            "uncertainty": m.uncertainty, "conditions": dict(m.conditions)}  # fmt: skip
    for lang, words in (("en", english), ("zh", chinese)):
        row = measurement_row(step, lang)  # type: ignore[arg-type]
        assert (words in row.conditions) if words else row.conditions == ""
    assert measurement_row({**step, "conditions": {}}, "en").conditions == "", "a record that says nothing of it"


@pytest.mark.parametrize(
    ("lang", "says"),
    [
        (
            "en",
            "THD (left) is 0.0990 ± 0.0020\u202f%, limit ≤ 0.1\u202f%: inside the limit by less than its uncertainty:"
            " FAIL by the guarded rule",
        ),
        (
            "zh",
            "左声道总谐波失真为 0.0990 ± 0.0020\u202f%（限值 ≤ 0.1\u202f%）："
            "在限值内，但余量小于不确定度：按保护带判定不合格",
        ),
    ],
)
def test_a_guarded_fail_is_put_in_words_as_a_cause(failed: Record, lang: Lang, says: str) -> None:
    step = replace(failed.steps[1], measurements=(judged(0.099, "guarded"),))
    cause = Cause(step.id, "thd_percent", "left", "own words")
    plain = plain_record(replace(failed, steps=(step,), causes=(cause,)))
    assert cause_sentences(plain, lang) == [says]
    assert says.split(": ")[-1].split("：")[-1] in render(plain, lang)
