"""`results list|show|report|verify`, through the command line's door, over a store with runs in it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from station.cli.keys import CERTIFICATE_KEYS, ensure_keys
from station.cli.main import main
from station.contract.records import RecordCodec
from station.domain.earlier import earlier_of
from station.domain.journal import RunDraft
from station.domain.record import Record
from station.report.pdf import BROWSERS
from station.store.store import Store
from tests.report.conftest import make_incoming, make_pass

Say = Callable[..., int]
SN = "A100-000451"


def draft_of(record: Record) -> RunDraft:
    """What was known before that run."""
    history = (earlier_of(make_incoming()),) if record.purpose == "outgoing" else ()
    return RunDraft(
        record.run_id, record.purpose, record.work_order, record.operator, None, record.repair_engineer, record.dut,
        record.plan, (), record.station, record.software, record.config_sha256, record.simulated, record.speed,
        record.started_at, record.clock, history=history,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tree:
    """A configuration whose store holds three runs: a trial, a failed one of another order, and the good one."""

    config: Path
    passed: Record
    other: Record


@pytest.fixture
async def tree(tmp_path: Path) -> Tree:
    config = tmp_path / "config"
    config.mkdir()
    store = tmp_path / "station.sqlite"
    (config / "station.toml").write_text(
        f'[station]\nname = "bench-07"\ntimezone = "Asia/Shanghai"\nlanguage = "zh"\n[store]\npath = "{store}"\n',
        encoding="utf-8",
    )
    ensure_keys(config / "credentials", tmp_path / "keys")
    good = make_pass()
    trial = replace(good, run_id="019a0000-0000-7000-8000-000000000001", purpose="engineering", work_order=None)
    other = replace(good, run_id="019a0000-0000-7000-8000-000000000002", work_order="WO-9",
                    dut=replace(good.dut, serial_number="B-2"), purpose="incoming")  # fmt: skip
    opened = await Store.open(store, RecordCodec(), "bench-07")
    for record in (trial, other, good):
        number = await opened.begin_run(draft_of(record))
        await opened.finish_run(replace(record, run_no=number))
    await opened.begin_run(replace(draft_of(trial), run_id="019a0000-0000-7000-8000-000000000004"))
    await opened.close()
    return Tree(config, replace(good, run_no=3), replace(other, run_no=2))


@pytest.fixture
def say(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Say:
    """`say("list", "--json")`: `station results list --json --config …`; the exit status."""

    def through_the_door(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["station", "results", *arguments, "--config", str(tree.config)])
        monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return through_the_door


# ---- list and show -------------------------------------------------------------------------------------------
def test_the_latest_runs_come_first_in_the_zone_of_the_bench(say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    assert say("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["4", "3", "2", "1"]
    assert "open" in lines[1] and "2026-11-22 13:54:20" in lines[2] and "PASS" in lines[2]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [((), [4, 3, 2, 1]), (("--serial", SN), [4, 3, 1]), (("--work-order", "WO-9"), [2]), (("--limit", "1"), [4]),
     (("--serial", "nobody"), [])],
)  # fmt: skip
def test_json_is_one_document_of_what_was_asked_for(
    say: Say, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], numbers: list[int]
) -> None:
    assert say("list", "--json", *options) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["run_no"] for row in told] == numbers
    assert all(isinstance(row["simulated"], bool) for row in told)


def test_a_run_is_shown_by_number_by_id_and_by_the_beginning_of_its_id(
    say: Say, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("3", tree.passed.run_id, tree.passed.run_id[:8]):
        assert say("show", name, "--json") == 0
        assert json.loads(capsys.readouterr().out)["run_id"] == tree.passed.run_id
    assert say("show", "3") == 0
    told = capsys.readouterr().out
    assert "PASS" in told and SN in told and "0.02818 ± 0.00031" in told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "99"), "no run is called 99; `station results list` shows them"),
        (("show", "019a"), "more than one run"),
        (("show", "4"), "run 4 is not finished"),
        (("report", "1", "--kind", "certificate"), "run 1 is engineering: a certificate is for outgoing runs alone"),
        (("report", "3", "--kind", "fault"), "run 3 is outgoing: a fault report is for incoming runs"),
        (("report", "3", "--kind", "letter"), "letter"),
        (("verify", "/nowhere.html"), "/nowhere.html: No such file or directory; name the certificate's HTML file"),
    ],
)
def test_wrong_use_is_one_line_and_two(
    say: Say, capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    if arguments[0] == "report":
        arguments += ("--out", str(tmp_path / "out"))
    assert say(*arguments) == 2
    told = capsys.readouterr()
    assert says in told.err and told.err.count("\n") == 1 and told.out == ""
    assert not (tmp_path / "out").exists()


def test_without_a_store_or_a_tree_it_says_where_to_look(
    tree: Tree, say: Say, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "station.sqlite").unlink()
    assert say("list") == 2
    assert "run a test first or name the right path; the configuration's store.path" in capsys.readouterr().err
    (tree.config / "station.toml").unlink()
    assert say("list") == 2
    assert "name the station's configuration with --config DIR" in capsys.readouterr().err


def _garbage(store: Path) -> None:
    store.write_bytes(b"not a database, " * 500)


def _empty(store: Path) -> None:
    store.write_bytes(b"")


def _folder(store: Path) -> None:
    store.unlink()
    store.mkdir()


@pytest.mark.parametrize("spoil", [_garbage, _empty, _folder])
@pytest.mark.parametrize("arguments", [("list",), ("show", "3"), ("report", "3")])
def test_a_store_that_is_none_is_one_line_that_names_it(
    say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], None], arguments: list[str]
) -> None:
    spoil(tmp_path / "station.sqlite")
    assert say(*arguments) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and f"{tmp_path / 'station.sqlite'}: the history cannot be read" in told


@pytest.mark.parametrize("arguments", [("list",), ("show", "3"), ("report", "3")])
def test_a_store_that_somebody_has_locked_says_so(
    say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:  # fmt: skip
    monkeypatch.setattr("station.store.history.WAIT_S", 0.05)
    with closing(sqlite3.connect(tmp_path / "station.sqlite", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        assert say(*arguments) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "(database is locked); where it is locked try again" in told


@pytest.mark.parametrize("verb", ["show", "report"])
def test_a_record_that_is_broken_is_named(
    say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "station.sqlite", isolation_level=None)) as other:
        other.execute("UPDATE runs SET record = '{' WHERE run_no = 3")
    assert say(verb, "3") == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "the record of run 3 cannot be read: " in told


async def test_it_reads_beside_a_store_that_is_open_to_write(
    say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = await Store.open(tmp_path / "station.sqlite", RecordCodec(), "bench-07")
    assert say("list", "--json") == 0
    await store.close()
    assert len(json.loads(capsys.readouterr().out)) == 4


# ---- paper ---------------------------------------------------------------------------------------------------
def test_a_certificate_is_made_signed_and_verified_and_a_changed_one_is_not(
    say: Say, tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "paper"
    assert say("report", "3", "--kind", "certificate", "--lang", "en", "--out", str(out), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    file = out / "certificate.html"
    assert told == {"run_id": tree.passed.run_id, "files": [str(file)]}
    page = file.read_text(encoding="utf-8")
    assert "Bias" in page and "bench-03" in page, "as found on another bench, as the work order brought it"
    assert "2027-05-22" in page, "in the zone of the bench"
    assert say("verify", str(file)) == 0
    assert capsys.readouterr().out.startswith("valid: Example A-100, serial number A100-000451")
    assert say("verify", str(file), "--json") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "valid"
    file.write_text(page.replace(">2027-05-22<", ">2029-05-22<"), encoding="utf-8")
    assert say("verify", str(file)) == 1
    assert capsys.readouterr().out.startswith("ALTERED: guarantee_until;")


def test_another_stations_certificate_needs_its_keys(
    say: Say, tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ensure_keys(tmp_path / "elsewhere", tmp_path / "other-keys")
    assert say("report", "3", "--kind", "certificate", "--out", str(tmp_path)) == 0
    file, keys = str(tmp_path / "certificate.html"), str(tmp_path / "elsewhere" / CERTIFICATE_KEYS)
    capsys.readouterr()
    assert say("verify", file, "--key", keys) == 1
    assert capsys.readouterr().out.startswith("UNKNOWN KEY: signed with")
    assert say("verify", file, "--key", str(tree.config / "credentials" / CERTIFICATE_KEYS)) == 0


def test_without_a_key_the_certificate_says_that_it_is_not_signed(
    say: Say, tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = tmp_path / "public.json"
    shutil.move(tree.config / "credentials" / CERTIFICATE_KEYS, keys)
    shutil.rmtree(tree.config / "credentials")
    assert say("report", "3", "--kind", "certificate", "--out", str(tmp_path)) == 0
    assert "未签名" in (tmp_path / "certificate.html").read_text(encoding="utf-8"), "in the language of the bench"
    capsys.readouterr()
    assert say("verify", str(tmp_path / "certificate.html"), "--key", str(keys)) == 1
    assert capsys.readouterr().out.startswith("NOT SIGNED")


def test_a_pdf_is_no_page_to_verify(say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    assert say("verify", str(tmp_path / "a.pdf")) == 2
    assert "name the HTML beside it" in capsys.readouterr().err


def test_report_and_fault_report_go_where_they_are_wanted(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert say("report", "2", "--kind", "fault") == 0
    assert capsys.readouterr().out == "run-2/fault-report.html\n"
    assert say("report", "3", "--out", "here") == 0
    assert "data-compared" in (tmp_path / "here" / "report.html").read_text(encoding="utf-8")


def test_where_there_is_no_browser_the_page_is_made_and_the_pdf_is_not(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not any(map(shutil.which, BROWSERS))
    assert say("report", "3", "--pdf", "--out", str(tmp_path)) == 0
    told = capsys.readouterr()
    assert told.out == f"{tmp_path / 'report.html'}\n" and "no PDF: there is no Chromium" in told.err
