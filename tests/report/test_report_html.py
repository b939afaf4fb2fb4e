"""The report: parsed as HTML, every measurement found, languages, escaping, the mark of a simulation, size."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from station.domain.record import Cause, Record
from station.domain.verdict import Verdict
from station.report.html import render
from station.report.numbers import measured
from station.report.record_view import ReportError, cause_sentences, headline, plain_record
from station.report.words import LABELS, LANGS, MEASUREMENTS, Lang
from station.report.write import write_report, zone_of

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Tags, text and attributes of a page; fails on tags that do not close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.names: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            self.attributes.append((name, value or ""))
            if name == "data-name":
                self.names[value or ""] += 1
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data


def page(record: Record, lang: Lang = "zh") -> Page:
    return Page(render(plain_record(record), lang))


@pytest.mark.parametrize("lang", LANGS)
def test_every_measurement_of_every_record_stands_in_the_report(
    passed: Record, failed: Record, tripped: Record, errored: Record, lang: Lang
) -> None:
    for record in (passed, failed, tripped, errored):
        wanted = Counter(m.name for step in record.steps for m in step.measurements)
        found = page(record, lang)
        assert found.names == wanted
        for step in record.steps:
            for m in step.measurements:
                if m.value is not None:
                    unit = {"Mohm": "MΩ", "ohm": "Ω", "degC": "°C", "1": ""}.get(m.unit, m.unit)
                    assert measured(m.value, m.uncertainty, m.bound, unit) in found.text


def test_verdict_and_first_cause_stand_first_and_in_words(passed: Record, failed: Record, tripped: Record) -> None:
    zh = page(failed).text
    assert (
        zh.index("不合格")
        < zh.index("首要原因：左声道总谐波失真为 0.4127\u202f%，超过上限 0.1\u202f%")
        < zh.index("受检机器")
    )
    assert "22 / 38 项合格" in zh
    en = page(failed, "en").text
    assert "First cause: THD (left) is 0.4127\u202f%, above the limit of 0.1\u202f%" in en
    assert "THD+N (left) is 0.4127" in en
    assert "38 项测量全部合格" in page(passed).text
    assert "heatsink.degc above 100" in page(tripped, "en").text


@pytest.mark.parametrize(
    ("verdict", "lang", "says"),
    [
        (Verdict.ERROR, "zh", "测试台故障，机器未作判定"),
        (Verdict.ERROR, "en", "The station failed; the device was not judged"),
        (Verdict.ABORTED, "zh", "检验被中止"),
        (Verdict.ABORTED, "en", "The test was aborted"),
    ],
)
def test_what_is_not_the_devices_fault_is_said_so(errored: Record, verdict: Verdict, lang: Lang, says: str) -> None:
    plain = plain_record(replace(errored, verdict=verdict))
    assert headline(plain, lang).startswith(says)
    assert "no reply within 2 s" in headline(plain, lang)
    assert headline(plain_record(replace(errored, verdict=verdict, causes=())), lang).startswith(says)


def test_a_cause_without_a_usable_measurement_keeps_its_own_words(failed: Record) -> None:
    causes = (
        Cause(None, None, None, "the station was stopped"),
        Cause("soak", "heatsink_degc", None, "sink_hot tripped"),
        Cause("no-such-step", "thd_percent", "left", "lost"),
    )
    plain = plain_record(replace(failed, causes=causes))
    assert cause_sentences(plain, "en") == [
        "the station was stopped", "Soak, 2 h at full power: sink_hot tripped", "lost",
    ]  # fmt: skip


def test_a_low_value_a_bound_and_an_unmeasured_one_are_put_in_words(failed: Record) -> None:
    def says(lang: Lang, **change: object) -> str:
        step = replace(failed.steps[1], measurements=(replace(failed.steps[1].measurements[0], **change),))  # type: ignore[arg-type]
        record = replace(failed, steps=(step,), causes=(Cause("insulation", "insulation_mohm", None, "own words"),))
        return cause_sentences(plain_record(record), lang)[0]

    assert says("zh", value=0.8, verdict=Verdict.FAIL) == "绝缘电阻为 0.8\u202fMΩ，低于下限 5\u202fMΩ"
    assert says("en", value=0.05, bound="below", verdict=Verdict.FAIL) == (
        "Insulation resistance is < 0.05\u202fMΩ, below the limit of 5\u202fMΩ"
    )
    assert says("en", value=None, verdict=Verdict.ERROR) == "Insulation resistance could not be measured"
    assert says("en", value=5.01, verdict=Verdict.FAIL) == "Insulation: own words", "guarded: the limits do not tell"


def test_the_report_fetches_nothing_runs_nothing_and_is_small(passed: Record) -> None:
    html = render(plain_record(passed), "zh")
    found = Page(html)
    assert not {"script", "link", "img", "iframe", "object"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name in ("src", "href") or name.startswith("on")]
    assert "url(" not in html and "@import" not in html
    assert len(html.encode()) < 300_000
    assert found.tags["style"] == 1 and "@page" in html


HOSTILE = "<script>alert(1)</script>\"'&{{ 7*7 }}<svg onload=x>"


def test_no_text_of_the_record_becomes_markup(failed: Record) -> None:
    def spoil(value: object) -> object:
        if isinstance(value, str):
            return HOSTILE
        if isinstance(value, dict):
            return {key: spoil(item) for key, item in value.items()}
        if isinstance(value, list):
            return [spoil(item) for item in value]
        return value

    plain = plain_record(failed)
    keep = {"verdict", "purpose", "started_at", "ended_at"}
    for name in set(plain) - keep:
        plain[name] = spoil(plain[name])
    clean = page(failed)
    dirty = Page(render(plain, "en"))
    assert "script" not in dirty.tags and not [a for a in dirty.attributes if a[0].startswith("on")]
    assert dirty.tags["svg"] <= clean.tags["svg"]
    assert HOSTILE in dirty.text


@pytest.mark.parametrize("lang", LANGS)
def test_a_simulated_run_is_marked_and_a_real_one_is_not(passed: Record, lang: Lang) -> None:
    real = page(passed, lang)
    assert "SAMPLE" not in real.text
    marked = page(replace(passed, simulated=True, speed=240.0), lang)
    assert marked.text.count("模拟 SAMPLE") >= 2
    assert ("class", "watermark") in marked.attributes
    assert "240" in marked.text


def test_both_languages_say_everything_in_their_own(passed: Record) -> None:
    english = page(replace(passed, parts=()), "en").text
    assert not [char for char in english if 0x4E00 <= ord(char) <= 0x9FFF]
    chinese = page(passed).text
    for zh, en in (*MEASUREMENTS.values(), *LABELS.values()):
        assert zh and en
        if "{" not in en and zh != en and len(en) > 6:
            assert en not in chinese, en


def test_curves_are_drawn_with_their_limits(passed: Record) -> None:
    found = page(passed, "en")
    classes = Counter(value for name, value in found.attributes if name == "class")
    assert found.tags["figure"] == 8
    assert classes["forbidden"] == 1, "the response's mask"
    assert "Frequency response" in found.text and "Heatsink temperature" in found.text
    assert "1k" in found.text and "20k" in found.text and "1:00" in found.text


def test_a_record_read_back_from_json_gives_the_same_page(failed: Record) -> None:
    plain = plain_record(failed)
    again = json.loads(json.dumps(plain))
    for step in again["steps"]:
        for m in step["measurements"]:
            for name in ("channel", "bound"):
                if m[name] is None:
                    del m[name]
    assert render(again, "zh") == render(plain, "zh")


@pytest.mark.parametrize(
    ("broken", "says"),
    [([], "no JSON object"), ({"body": {}}, "not its envelope"), ({"verdict": "GOOD"}, "has no")],
)
def test_what_is_no_record_is_refused(broken: object, says: str) -> None:
    with pytest.raises(ReportError, match=says):
        plain_record(broken)  # type: ignore[arg-type]


def test_an_unknown_verdict_or_language_is_refused(passed: Record, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="must be PASS"):
        plain_record({**plain_record(passed), "verdict": "GOOD"})
    with pytest.raises(ReportError, match="language"):
        write_report(passed, tmp_path, "de")  # type: ignore[arg-type]


def test_times_stand_in_the_configured_zone_and_an_unknown_zone_is_utc(passed: Record, tmp_path: Path) -> None:
    (path,) = write_report(passed, tmp_path, "zh", "Asia/Shanghai")
    assert "2026-11-22 13:54:20" in path.read_text(encoding="utf-8")
    assert zone_of("Mars/Base")[1] == "UTC"


def test_the_process_writes_report_and_slip_and_says_where(failed: Record, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text(json.dumps(plain_record(failed)), encoding="utf-8")
    command = [sys.executable, "-W", "error", "-m", "station.report", "--record", str(record), "--out", str(tmp_path)]
    done = subprocess.run([*command, "--lang", "en"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "report.html"), str(tmp_path / "return-slip.zpl")]
    assert Page((tmp_path / "report.html").read_text(encoding="utf-8")).tags["main"] == 1
    record.write_text("{}", encoding="utf-8")
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1


def test_making_a_report_needs_no_numpy_and_no_matplotlib() -> None:
    code = (
        "import sys, station.report.write; "
        "sys.exit(' '.join(sorted({'numpy', 'matplotlib', 'pydantic', 'PIL'} & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
