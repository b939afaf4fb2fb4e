"""The fault report: findings with what speaks for them, captures by name and hash, in both languages."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

import pytest

from station.domain.record import Cause, Finding, Record
from station.domain.verdict import Verdict
from station.report.fault_report import fault_headline, finding_cards, measurement_of
from station.report.html import Reader, render_fault_report
from station.report.paper_words import AREAS, PAPER_LABELS
from station.report.papers import kinds_for, require_kind
from station.report.record_view import ReportError, plain_record
from station.report.words import LABELS, LANGS, MEASUREMENTS, Lang
from station.settings.schema import Area
from station.steps.catalog import STEPS


def text_of(page: str) -> str:
    """What a reader sees."""
    return re.sub(r"\s+", " ", re.sub(r"<style.*?</style>|<[^>]+>", " ", page, flags=re.S))


@pytest.mark.parametrize("lang", LANGS)
def test_it_names_areas_parts_the_measurements_that_speak_and_the_captures(incoming: Record, lang: Lang) -> None:
    said = text_of(render_fault_report(plain_record(incoming), Reader(lang)))
    for finding in incoming.findings:
        assert AREAS[finding.area][0 if lang == "zh" else 1] in said and finding.text[lang] in said
    assert incoming.findings[0].parts[lang] in said
    assert said.count("0.4127 ± 0.0031") >= 4, "thd and thd+n of the first, thd of the second, and the data"
    for capture in incoming.steps[-1].captures:
        assert capture.file in said and capture.sha256 in said
    assert {"zh": "检出 2 处可能的故障部位；最可能：静态偏流", "en": "2 likely fault areas; first: Bias"}[lang] in said
    assert {"zh": "签字工牌: E07", "en": "Signed by: E07"}[lang] in said


def test_findings_stand_strongest_first_with_their_weight(incoming: Record) -> None:
    first, second = finding_cards(plain_record(incoming), "en")
    assert (first.rank, first.weight, second.rank, second.weight) == (1, 0.9, 2, 0.3)
    assert [row.name for row in first.rows] == ["thd_percent", "thd_n_percent"] and not first.silent
    assert [row.name for row in second.rows] == ["thd_percent"] and second.silent == ("Supply voltage",)


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("thd/thd_percent/left", 0.4127), ("thd/thd_percent/right", 0.02824), ("thd/thd_percent", 0.4127),
        ("thd_percent.left", 0.4127), ("idle_power_w", 38.13), ("gone/thd_percent/left", None), ("thd/gone", None),
    ],
)  # fmt: skip
def test_references_are_found_in_the_step_that_they_name(incoming: Record, reference: str, value: float | None) -> None:
    m = measurement_of(plain_record(incoming), reference)
    assert (m and m["value"]) == (value and pytest.approx(value, rel=1e-3))


def test_it_says_so_where_nothing_or_no_area_was_found(incoming: Record) -> None:
    healthy = plain_record(replace(incoming, findings=(), causes=(), verdict=Verdict.PASS))
    assert "No fault found" in fault_headline(healthy, "en")
    odd = plain_record(replace(incoming, findings=(), causes=(Cause("thd", "thd_percent", "left", "…"),)))
    assert "no rule of diagnosis names an area: THD (left) is 0.4127" in fault_headline(odd, "en")
    one = plain_record(replace(incoming, findings=(Finding("earth", {"zh": "接地", "en": "earth"}, (), 1.0),)))
    assert fault_headline(one, "zh") == "检出 1 处可能的故障部位：保护接地"


def test_it_is_for_incoming_runs_and_the_certificate_for_outgoing_ones(incoming: Record, passed: Record) -> None:
    assert kinds_for(plain_record(incoming)) == ("report", "fault")
    assert kinds_for(plain_record(passed)) == ("report", "certificate")
    with pytest.raises(ReportError, match="run 184 is outgoing: a fault report is for incoming runs"):
        require_kind(plain_record(passed), "fault")


def test_every_area_and_every_measurement_of_the_catalogue_has_words_in_both_languages() -> None:
    assert set(AREAS) == set(get_args(Area))
    known = {name for spec in STEPS.values() for name in spec.measurements}
    assert not known - set(MEASUREMENTS), "add them to MEASUREMENTS in words.py"
    assert not set(PAPER_LABELS) & set(LABELS)
    assert all(zh and en for zh, en in (*AREAS.values(), *PAPER_LABELS.values()))
