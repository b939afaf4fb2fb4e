"""`verify` through the command line's door: charts of a store with golden checks, limits kept, a study of a file."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from functools import cache
from pathlib import Path

import pytest

from station.cli.main import main
from station.cli.verify_words import View, headline, state_of, words_of
from station.contract.records import RecordCodec
from station.domain.record import Instrument, JudgedMeasurement, Record, StepRecord
from station.domain.verdict import Verdict
from station.metrology.golden import Check, Frozen, charts_of, check_of, freeze
from station.store.store import Store
from tests.cli.test_results import draft_of
from tests.metrology.test_gauge import AIAG
from tests.report.conftest import make_pass

Say = Callable[..., int]
GOOD, DRIFTED, STEP = 18, 6, 0.001
"""Checks of the unit: so many as ever, then so many a good deal higher."""
SHORT = ("--subgroup", "2", "--first", "4")


def golden(run: int, thd: float, **change: object) -> Record:
    verdict = Verdict.PASS if thd < 0.03 else Verdict.FAIL
    one = JudgedMeasurement("thd_percent", thd, "%", verdict, "left", 0.0265, 0.03, uncertainty=0.0001)
    step = StepRecord("thd", "thd", {"zh": "THD", "en": "THD"}, verdict, 1, None, 1.0, (one,))
    audio = Instrument("audio", "portaudio", "m", "S1" if run <= GOOD else "S2", "2027-01-01")
    record = replace(
        make_pass(), run_id=f"019a0000-0000-7000-8000-{run:012d}", purpose="verify", work_order=None, parts=(),
        steps=(step,), verdict=verdict, instruments=(audio,), ended_at=f"2026-11-{run:02d}T05:54:20.456Z",
    )  # fmt: skip
    return replace(record, **change)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bench with a unit that drifts, a check of another unit, one that was simulated, and a repair."""
    folder = tmp_path_factory.mktemp("verify")
    tree, store, chance = folder / "config", folder / "station.sqlite", random.Random(2)
    tree.mkdir()
    (tree / "station.toml").write_text(
        f'[station]\nname = "bench-07"\ntimezone = "Asia/Shanghai"\nlanguage = "zh"\n[store]\npath = "{store}"\n',
        encoding="utf-8",
    )
    good = make_pass()
    other = replace(good.dut, serial_number="G/2")
    runs = [golden(90, 0.05, dut=other), replace(good, run_id=good.run_id), golden(91, 0.06, simulated=True)]
    runs += [golden(run, chance.gauss(0.0282, 0.0001)) for run in range(1, GOOD + 1)]
    runs += [golden(run, 0.0282 + STEP) for run in range(GOOD + 1, GOOD + DRIFTED + 1)]
    asyncio.run(keep(store, runs))
    return tree


async def keep(store: Path, runs: list[Record]) -> None:
    opened = await Store.open(store, RecordCodec(), "bench-07")
    for record in runs:
        number = await opened.begin_run(draft_of(record))
        await opened.finish_run(replace(record, run_no=number))
    await opened.close()


@pytest.fixture
def say(config: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    def through_the_door(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["station", "verify", *arguments, "--config", str(config)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return through_the_door


def test_what_drifts_is_said_with_since_when_and_what_changed_and_exits_1(
    say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(*SHORT) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "OUT OF CONTROL: 1 of 1 charts: thd_percent" in said
    first = GOOD + 4  # of the store: three other runs came before
    assert "thd_percent (left) stands at 0.0292 % instead of 0.0282" in said
    assert f"most likely since run {first} (2026-11-19 13:54:20 Asia/Shanghai): a mean beyond 3 sigma (rule 1)" in said
    assert "% of the way to the plan's limit 0.03" in said
    assert "audio: 1 of the 1 charts that hang on it are out" in said
    assert f"changed with run {first}: audio, from S1," in said


def test_json_is_one_document_and_the_words_go_elsewhere(say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(*SHORT, "--json") == 1
    told = capsys.readouterr()
    held = json.loads(told.out)
    assert (held["serial_number"], held["simulated"], held["state"]) == ("A100-000451", False, "out_of_control")
    assert held["checks"] == GOOD + DRIFTED and held["latest"]["verdict"] == "PASS"
    (chart,) = held["charts"]
    assert chart["since_run"] == GOOD + 4 and len(chart["subgroups"]) == (GOOD + DRIFTED) // 2
    assert chart["mean_low"] < chart["centre"] < chart["mean_high"] and chart["range_low"] == 0.0
    assert {s["rule"] for s in chart["signals"] if s["open"]} >= {1} and held["words"][0].startswith("OUT OF CONTROL")
    assert "OUT OF CONTROL" in told.err


def test_until_the_limits_are_there_it_collects_and_a_unit_is_asked_for_by_its_number(
    say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say("--subgroup", "10") == 0
    assert "collecting: 24 of the 80 checks" in capsys.readouterr().out
    assert say("--run", "--family", "5") == 2
    assert "--family 5: a share of the looks" in capsys.readouterr().err
    assert say("--serial", "G/2") == 1
    assert "OUT OF LIMITS: the last check, run 1, is a FAIL" in capsys.readouterr().out


def test_limits_are_kept_and_read_by_until_they_are_frozen_anew(
    say: Say, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = config.parent / "golden" / "A100-000451.json"
    try:
        assert say(*SHORT, "--freeze") == 1
        assert f"limits kept in {kept}" in capsys.readouterr().out
        held = json.loads(kept.read_text(encoding="utf-8"))
        assert (held["from_run"], held["to_run"], held["subgroup"]) == (4, 11, 2)
        assert say() == 1 and "kept, of runs 4 to 11" in capsys.readouterr().out
        again = ("--subgroup", "2", "--first", "3", "--from", str(GOOD + 4))
        assert say(*again, "--freeze") == 0, "the drift is what there is from now on"
        capsys.readouterr()
        assert say() == 0 and "in control: 1 charts of 24 checks" in capsys.readouterr().out
        assert [path.name for path in kept.parent.iterdir() if "until" in path.name] == [
            f"A100-000451.until-run-{GOOD + 4}.json"
        ]
        kept.write_text('{"serial_number": "A100-000451", "subgroup": 99, "from_run": 1, "to_run": 2, "limits": {}}')
        assert say() == 2 and "--freeze" in capsys.readouterr().err
        assert say("--serial", "G/2", "--baseline", str(kept)) == 2
    finally:
        for path in kept.parent.iterdir():
            path.unlink()


def test_the_charts_are_a_page_or_a_drawing_that_fetches_nothing(say: Say, tmp_path: Path) -> None:
    page, drawing = tmp_path / "charts.html", tmp_path / "charts.svg"
    assert say(*SHORT, "--plot", str(page)) == 1 and say(*SHORT, "--plot", str(drawing)) == 1
    html, svg = page.read_text(encoding="utf-8"), drawing.read_text(encoding="utf-8")
    assert "THD (left), mean: OUT OF CONTROL" in html and ">R1<" in html and html.count("<svg") == 2
    assert svg.startswith("<svg xmlns=") and "THD (left), range" in svg
    assert not [word for word in ("<script", "src=", "href=", "@import", "url(") if word in html + svg]


def test_a_bench_without_a_check_says_how_to_make_one(say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    assert say("--serial", "nobody") == 2
    assert "no golden-unit check of nobody in the store; make one: station verify --run" in capsys.readouterr().err
    assert say("--from", "9999") == 2
    assert "the latest is run 27" in capsys.readouterr().err


def test_run_needs_the_daemon_and_says_so(say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say("--run", "--socket", str(tmp_path / "none.sock")) == 2
    assert "none.sock" in capsys.readouterr().err
    assert say("--run", "--serial", "new") == 2
    assert "name its product with --product" in capsys.readouterr().err


# ---- Gauge R&R of a file -------------------------------------------------------------------------------------
def csv_of(folder: Path, head: str = "Part,Operator,Trial,Reading", break_at: int = -1) -> Path:
    lines = [
        f"{part},{operator},{trial},{value}"
        for operator, rows in AIAG.items()
        for part, trials in enumerate(rows, start=1)
        for trial, value in enumerate(trials, start=1)
    ]
    if break_at >= 0:
        lines[break_at] = "3,A"
    file = folder / "study.csv"
    file.write_text("\n".join([head, *lines, ""]), encoding="utf-8")
    return file


def test_a_study_of_a_file_prints_the_published_figures(
    say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say("--gauge", str(csv_of(tmp_path)), "--tolerance", "8") == 0
    said = capsys.readouterr().out
    assert "0.199933" in said and "27.86" in said and "22.68" in said and "245.614" in said
    assert "fit for some uses" in said and "ndc 4.861" in said
    assert say("--gauge", str(csv_of(tmp_path)), "--tolerance", "4", "--json") == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["grade"] == "poor" and "NOT FIT" in told.err


def test_a_file_that_is_no_study_is_named_with_its_line(
    say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for head, broken, says in (
        ("a,b", -1, "study.csv:1: the header is a, b; it needs part, appraiser, value"),
        ("part,appraiser,trial,value", 7, "study.csv:9: '3,A' is no reading"),
        (
            "part,appraiser,value",
            -1,
            "study.csv:2: '1,A,1,0.29' is no reading (4 cells under 3 names; a decimal comma?",
        ),
    ):
        assert say("--gauge", str(csv_of(tmp_path, head, broken))) == 2
        assert says in capsys.readouterr().err
    few = tmp_path / "few.csv"
    for cell, says in (
        ("1_0", "'1_0' is no number"),
        ('"0,29"', "a decimal comma: write a point"),
        ("nan", "'nan' is"),
    ):
        few.write_text(f"part,appraiser,value\n1,A,{cell}\n", encoding="utf-8")
        assert say("--gauge", str(few)) == 2 and says in " ".join(capsys.readouterr().err.split())
    few.write_text("part,appraiser,value\n1,A,1.0\n1,B,1.1\n\n2,A,2.0\n2,B,2.0\n", encoding="utf-8")
    assert say("--gauge", str(few)) == 2
    assert "few.csv: part 1, appraiser A: 1 readings" in capsys.readouterr().err
    assert say("--gauge", str(tmp_path / "none.csv")) == 2
    assert "cannot be read" in capsys.readouterr().err


@cache
def steady() -> list[Check]:
    return [check_of(replace(golden(run, 0.0281 + run % 3 / 10_000), run_no=run)) for run in range(1, 25)]


def quiet(*last: Record, kept: Frozen | None = None, family: float | None = None) -> View:
    """24 checks of two channels that never differ, and what came after them."""
    checks = [*steady(), *map(check_of, last)]
    return View("G", False, checks, charts_of(checks, frozen=kept, family=family), kept, 3, 8, UTC, "UTC", family)


@pytest.mark.parametrize("verdict", [Verdict.ERROR, Verdict.ABORTED])
def test_a_last_check_that_judged_nothing_is_never_in_control(verdict: Verdict) -> None:
    assert state_of(quiet()) == "in_control" and headline(quiet()).startswith("in control: 1 charts of 24 checks, the")
    view = quiet(replace(golden(25, 0.0282), run_no=25, steps=(), verdict=verdict))
    assert state_of(view) == "not_known" and headline(view).startswith(
        f"NOT KNOWN: the last check, run 25, is {verdict}"
    )


def test_what_has_no_value_of_late_is_not_known_even_by_kept_limits() -> None:
    empty = [replace(golden(run, 0.0282), run_no=run, steps=()) for run in (25, 26, 27)]
    view = quiet(*empty)
    assert state_of(view) == "not_known" and headline(view) == "NOT KNOWN: no value of late of thd_percent"
    assert "has no value since run 24: the last 3 checks made none" in words_of(view)[0]
    kept = freeze(quiet().charts, "G", 8)
    view = quiet(kept=replace(kept, limits={**kept.limits, "snr_db": kept.limits["thd_percent/left"]}))
    assert state_of(view) == "not_known" and "snr_db" in headline(view) and "snr_db: limits are" in words_of(view)[0]


def test_a_mean_out_of_its_limits_is_out_of_control_unless_a_family_is_stated_and_then_it_is_marked() -> None:
    last = [replace(golden(run, 0.02845), run_no=run) for run in (25, 26, 27)]
    view = quiet(*last)
    assert state_of(view) == "out_of_control" and "on the chart of a bench in order chance does as" in words_of(view)[0]
    view = quiet(*last, family=1e-9)
    assert state_of(view) == "marked" and "in control" not in headline(view)
    assert headline(view) == "1 of 1 charts marked, and not out only by --family 1e-09: thd_percent"


def test_what_chance_would_hardly_make_is_named_first() -> None:
    keys = {("gain_db", None): 0.3, ("snr_db", None): 3.0}
    runs = [
        replace(
            steady()[0],
            run_no=run,
            values={key: 20.0 + run % 3 / 10 + (step if run > 24 else 0.0) for key, step in keys.items()},
            units=dict.fromkeys(keys, "dB"),
            limits=dict.fromkeys(keys, (None, None)),
        )
        for run in range(1, 28)
    ]
    view = View("G", False, runs, charts_of(runs), None, 3, 8, UTC, "UTC")
    assert headline(view) == "OUT OF CONTROL: 2 of 2 charts: snr_db, gain_db"
    assert [line.split()[0] for line in words_of(view)[:2]] == ["snr_db", "gain_db"]
    assert "among 2 charts of a bench in order chance does as much at no more than one look in" in words_of(view)[1]
