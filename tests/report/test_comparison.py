"""As found beside as left: values side by side, curve over curve, also from another bench."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from station.domain.record import Record, Reference
from station.report.comparison import compare
from station.report.figures import figures
from station.report.html import render
from station.report.record_view import plain_record
from station.report.words import LANGS, Lang


@pytest.mark.parametrize("lang", LANGS)
def test_an_outgoing_report_shows_the_values_of_both_runs(passed: Record, found: dict[str, Any], lang: Lang) -> None:
    page = render(plain_record(passed), lang, found=found)
    rows = re.findall(r'data-compared="(\w+)">(.*?)</tr>', page)
    both = [m for step in passed.steps for m in step.measurements if step.id not in ("soak", "connection")]
    assert [name for name, _ in rows] == [m.name for m in both]
    left_thd = next(row for name, row in rows if name == "thd_percent")
    assert "✕ 0.4127" in left_thd and "0.02818 ± 0.00031" in left_thd and "−0.385" in left_thd
    assert "bench-03" in page, "the bench that found it"


def test_a_move_within_the_scatter_is_no_change_and_only_a_value_out_of_limits_is_marked(
    passed: Record, found: dict[str, Any]
) -> None:
    compared = compare(plain_record(passed), found, "en")
    assert compared is not None
    marked = {(one.row.name, one.row.channel) for one in compared.rows if one.was_bad}
    assert marked == {("thd_percent", "left"), ("thd_n_percent", "left")}
    assert all((one.change == "≈") != one.was_bad for one in compared.rows)


def test_curves_lie_over_those_of_the_run_as_found(passed: Record, found: dict[str, Any]) -> None:
    record = plain_record(passed)
    beside, alone = figures(record, "en", found), figures(record, "en")
    response = beside.wide[0]
    assert "Frequency response" in response and response.count("line ghost") == 4, "two curves, twice in the legend"
    assert "left as found" in response and "ghost" not in alone.wide[0]
    assert any("THD over frequency" in one and "ghost" in one for one in beside.wide)
    assert all("ghost" in one for one in beside.spectra) and len(beside.spectra) == 2
    assert not any("ghost" in one for one in beside.over_time), "an incoming run has no soak"


def test_a_run_of_another_bench_that_brought_only_values_is_compared_all_the_same(passed: Record) -> None:
    brought = {"run_id": "019", "purpose": "incoming", "verdict": "FAIL", "ended_at": "2026-11-20T05:54:20.456Z",
               "station": None, "measurements": {"thd_percent/left": 0.5, "unheard_of": 1.0}, "curves": []}  # fmt: skip
    compared = compare(plain_record(passed), brought, "en")
    assert compared is not None and [one.found for one in compared.rows] == ["0.5\u202f%"]
    assert "another bench" in compared.sentence


def test_only_an_outgoing_report_is_compared(incoming: Record, found: dict[str, Any]) -> None:
    assert "data-compared" not in render(plain_record(incoming), "en", found=found)
    assert compare(plain_record(incoming), None, "en") is None


@pytest.mark.parametrize("lang", LANGS)
def test_the_reference_and_rework_stand_in_the_report(passed: Record, lang: Lang) -> None:
    reference = Reference("019abf0d", "incoming", "FAIL", "bench-03", "2026-11-20T05:54:20.456Z", True)
    page = render(plain_record(replace(passed, reference=reference)), lang)
    assert "bench-03 · 2026-11-20 05:54:20 · 019abf0d" in page
    assert {"zh": "30 天内因同一故障返回", "en": "within 30 days"}[lang] in page


@pytest.mark.parametrize("lang", LANGS)
def test_why_rework_was_not_decided_stands_in_the_readers_language(passed: Record, lang: Lang) -> None:
    from station.domain.earlier import NO_CLOCK, NOTES

    reference = Reference("019abf0d", "incoming", note=NO_CLOCK)
    page = render(plain_record(replace(passed, reference=reference)), lang)
    assert NOTES[NO_CLOCK][0 if lang == "zh" else 1] in page
