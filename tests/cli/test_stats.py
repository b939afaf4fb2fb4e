"""`stats` through the command line's door: tables, JSON, page, and what it says where there is little or nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from station.cli.main import main
from station.domain.record import Record
from station.store.statistics_rows import run_of, without_curves
from tests.collector.test_statistics_rows import keep
from tests.report.conftest import make_pass
from tests.statistics.made_up import MadeUp, text_of

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    def through_the_door(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["station", "stats", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return through_the_door


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(MadeUp(11).records(100))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> str:
    """A configuration whose store holds a made-up history."""
    return str(keep(tmp_path_factory.mktemp("bench"), records))


def svgs(page: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(text) for text in re.findall(r"<svg.*?</svg>", page, re.S)]


def test_the_tables_tell_every_question_with_what_it_is_of(say: Say, bench: str) -> None:
    status, out, told = say("--config", bench)
    assert status == 0 and told == ""
    for title in (
        "yield by product", "yield by month", "likely area as found", "first cause of a FAIL", "capability of outgoing",
        "time of a step", "time of a run", "rework: back in another work order", "by repair engineer", "by operator",
        "golden unit A100-000001 at bench-01, 3 checks",
    ):  # fmt: skip
        assert title in out, title
    assert "Ppk, not Cpk" in out and "engineering (trials)" in out and "95 %" in out


def test_json_is_one_document_with_nothing_beside_it(
    say: Say, bench: str, tmp_path: Path, records: list[Record]
) -> None:
    page = tmp_path / "page.html"
    status, out, told = say("--config", bench, "--json", "--plot", str(page))
    document = json.loads(out)
    assert status == 0 and told == f"page: {page}\n" and page.exists()
    assert list(document) == [
        "sample", "source", "zone", "selection", "left_out", "words", "counts", "yields", "months", "areas", "causes",
        "capabilities", "durations", "walls", "rework", "engineers", "operators", "golden",
    ]  # fmt: skip
    assert document["counts"]["runs"] + document["left_out"]["engineering"] + 3 == len(records)
    (product,) = document["yields"]
    assert product["first_pass"]["of"] == product["final"]["of"] <= len(records)
    assert product["first_pass"]["low_percent"] < product["first_pass"]["percent"]


def test_the_page_stands_alone_and_names_axes_and_units(say: Say, bench: str, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    assert say("--config", bench, "--plot", str(file))[0] == 0
    page = file.read_text(encoding="utf-8")
    drawn = svgs(page)
    assert len(drawn) >= 10
    assert "<script" not in page and "http" not in page.replace("http://www.w3.org", "") and "src=" not in page
    texts = [text.text or "" for svg in drawn for text in svg.iter("text")]
    for wanted in ("% of judged units", "Ppk (no unit)", "s, logarithmic", "% of repairs that are 30 days old"):
        assert any(wanted in text for text in texts), wanted
    for svg in drawn:
        width = float(svg.attrib["viewBox"].split()[2])
        assert all(0.0 <= float(one.attrib["cx"]) <= width for one in svg.iter("circle"))
    assert "Nothing to show" not in page and "SAMPLE" not in page


def test_a_history_of_simulated_runs_alone_says_how_to_see_it(say: Say, tmp_path: Path, records: list[Record]) -> None:
    config = str(keep(tmp_path / "demo", [replace(one, simulated=True) for one in records[:20]]))
    page = tmp_path / "page.html"
    status, out, _ = say("--config", config, "--plot", str(page))
    assert status == 0 and "no run of a repair to count; --simulated shows the simulated ones" in out
    assert page.read_text(encoding="utf-8").count("Nothing to show") == 7, "every section says that it is empty"
    status, out, _ = say("--config", config, "--simulated", "--plot", str(page))
    assert status == 0 and out.count("模拟 SAMPLE") == 2 and "yield by product" in out
    assert '<p class="sample"><b>模拟 SAMPLE</b>' in page.read_text(encoding="utf-8")
    assert json.loads(say("--config", config, "--simulated", "--json")[1])["sample"] == "模拟 SAMPLE"


def test_texts_of_elsewhere_steer_neither_terminal_nor_page(say: Say, tmp_path: Path) -> None:
    good = make_pass()
    wild = replace(good, repair_engineer="[red]R\x1b[2J<b>", dut=replace(good.dut, product="<i>[bold]x"))
    page = tmp_path / "page.html"
    status, out, _ = say("--config", str(keep(tmp_path / "wild", [wild])), "--plot", str(page))
    assert status == 0 and "\x1b" not in out and "[red]R" in out and "<i>[bold]x" in out
    assert "<i>" not in page.read_text(encoding="utf-8") and "&lt;i&gt;[bold]x" in page.read_text(encoding="utf-8")


def test_a_record_that_cannot_be_read_is_counted_and_left_out(say: Say, tmp_path: Path, records: list[Record]) -> None:
    some = [one for one in records if one.purpose == "outgoing"][:3]
    texts = [text_of(some[0]), "{}", '{"steps": 7}']
    document = json.loads(say("--config", str(keep(tmp_path / "torn", some, texts)), "--json")[1])
    assert document["counts"]["runs"] == 1 and document["left_out"]["unreadable"] == 2
    assert any("2 unreadable runs left out" in line for line in document["words"])


def test_curves_are_cut_out_of_a_record_and_what_reads_like_their_end_is_not(records: list[Record]) -> None:
    one = next(one for one in records if one.purpose == "outgoing" and one.verdict == "FAIL")
    first, *rest = one.steps
    note = 'said "curves":[ and then ],"notes": and went on'
    noted = replace(one, steps=(replace(first, notes=(note,)), *rest), operator=note)
    text = text_of(noted).encode()
    assert len(without_curves(text)) < len(text) / 3
    document = json.loads(text)
    ordered = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert json.loads(without_curves(text))["steps"][0]["notes"] == [note]
    assert run_of(text) == run_of(ordered) == run_of(json.dumps(document, ensure_ascii=False).encode())
    assert run_of(text).operator == note and run_of(text).values[0].name == "earth_bond_ohm"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--config", "a", "--database", "b"), "one of the two"),
        (("--config", "{bench}", "--station", "x"), "with --database URL"),
        (("--config", "{bench}", "--since", "yesterday"), "--since yesterday: no day; write it as 2026-01-31"),
        (("--config", "{bench}", "--until", "9999-12-31"), "--until 9999-12-31: no day"),
        (
            ("--config", "{bench}", "--since", "2026-02-01", "--until", "2026-01-01"),
            "the last day lies before the first",
        ),
        (("--config", "/nowhere"), "name the station's configuration with --config DIR"),
        (("--config", "{bench}", "--plot", "/nowhere/page.html"), "there is no such folder"),
        (("--config", "{bench}", "--plot", "page.svg"), "name a file such as stats.html"),
    ],
)
def test_wrong_use_is_one_clear_line(say: Say, bench: str, arguments: tuple[str, ...], said: str) -> None:
    status, _, told = say(*(one.replace("{bench}", bench) for one in arguments))
    assert status == 2 and said in told and told.count("\n") == 1
