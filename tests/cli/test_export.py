"""`results export` through the command line's door: bytes as they were stored, files that are never overwritten."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from station.cli.main import main
from station.collector.database import open_centre
from station.contract.canonical import canonical
from station.contract.records import RecordCodec, to_plain
from station.domain.record import Record
from station.store import record_texts
from station.store.store import Store
from tests.cli.test_results import draft_of
from tests.collector.post import result
from tests.docs.pages import ROOT
from tests.report.conftest import make_error, make_pass
from tests.report.exports.records import make_rich
from tests.uplink.rig import STATION

Say = Callable[..., tuple[int, bytes, str]]


def run_of(record: Record, number: int, ended_at: str) -> Record:
    return replace(record, run_id=f"019a0000-0000-7000-8000-{number:012d}", run_no=number, ended_at=ended_at)


@cache
def runs() -> tuple[Record, ...]:
    """The second is simulated and ends in the last second of a day at the bench, the third in the first of the next."""
    return (
        run_of(make_pass(), 1, "2026-11-20T05:00:00.000Z"),
        run_of(make_error(), 2, "2026-11-21T15:59:59.000Z"),
        run_of(make_rich(), 3, "2026-11-21T16:00:00.000Z"),
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three finished runs and an open one; every test only reads it."""
    path = tmp_path_factory.mktemp("store") / "station.sqlite"
    asyncio.run(_fill(path))
    return path


async def _fill(path: Path) -> None:
    opened = await Store.open(path, RecordCodec(), "bench-07")
    for record in runs():
        assert await opened.begin_run(draft_of(record)) == record.run_no
        await opened.finish_run(record)
    await opened.begin_run(replace(draft_of(runs()[0]), run_id="019b0000-0000-7000-8000-000000000004"))
    await opened.close()


@pytest.fixture
def say(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Say:
    """Exit status, standard output and standard error of `station results export …`, in pages of two."""
    monkeypatch.setattr(record_texts, "PAGE", 2)
    config = tmp_path / "config"
    config.mkdir()
    _configure(config, store)
    monkeypatch.chdir(tmp_path)

    def through_the_door(*arguments: str) -> tuple[int, bytes, str]:
        monkeypatch.setattr("sys.argv", ["station", "results", "export", *arguments, "--config", str(config)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capfdbinary.readouterr()
        return int(ended.value.code or 0), told.out, told.err.decode()

    return through_the_door


def numbers(out: bytes) -> list[int]:
    return [record["run_no"] for record in json.loads(out)]


# ---- json ----------------------------------------------------------------------------------------------------------
def test_the_canonical_form_of_an_exported_record_is_that_of_the_record(say: Say) -> None:
    status, out, err = say()
    assert (status, err) == (0, "export: 3 runs as json\n")
    for told, record in zip(json.loads(out), runs(), strict=True):
        assert canonical(told) == canonical(to_plain(record, Record))
    lines = out.decode().split("\n")
    assert lines[0] == "[" and lines[-2:] == ["]", ""]
    assert [json.loads(line.removesuffix(","))["run_no"] for line in lines[1:-2]] == [1, 2, 3], "a line each"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("2",), [2]),
        (("3", "019a0000-0000-7000-8000-000000000001"), [1, 3]),
        (("--simulated", "no"), [1]),
        (("--simulated", "yes"), [2, 3]),
        (("--since", "2026-11-22"), [3]),
        (("--until", "2026-11-21"), [1, 2]),
        (("--since", "2026-11-21", "--until", "2026-11-21"), [2]),
        (("--serial", "=A100/+451"), [3]),
        (("--work-order", "nobody"), []),
    ],
)
def test_only_what_was_asked_for_is_exported_by_days_of_the_bench(
    say: Say, options: tuple[str, ...], found: list[int]
) -> None:
    status, out, err = say(*options)
    assert status == 0 and numbers(out) == found
    assert err == f"export: {len(found)} run{'s' * (len(found) != 1)} as json\n"


# ---- csv, wsjf, atml -----------------------------------------------------------------------------------------------
def test_a_table_is_one_document_with_a_row_for_each_measurement(say: Say, tmp_path: Path) -> None:
    assert say("--format", "csv", "--out", "runs.csv")[:2] == (0, b"")
    text = (tmp_path / "runs.csv").read_bytes().decode()
    told = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(told) == sum(len(step.measurements) for record in runs() for step in record.steps)
    assert {(row["run_no"], len(row["store_epoch"])) for row in told} == {("1", 8), ("2", 8), ("3", 8)}
    status, out, _ = say("--work-order", "nobody", "--format", "csv")
    assert status == 0 and out.startswith(b"store_epoch,run_id") and out.count(b"\r\n") == 1


@pytest.mark.parametrize(("kind", "suffix"), [("wsjf", "json"), ("atml", "xml")])
def test_one_file_a_run_with_a_name_of_safe_characters(say: Say, tmp_path: Path, kind: str, suffix: str) -> None:
    status, out, err = say("--format", kind, "--out", "new/reports")
    assert (status, out) == (0, b"") and f"export: 3 runs as {kind} in new/reports\n" in err
    names = sorted(path.name for path in (tmp_path / "new" / "reports").iterdir())
    parts = [name.split("-", 3) for name in names]
    assert [(part[0], part[2], part[3]) for part in parts] == [
        (kind.upper(), "1", f"A100-000451.{suffix}"), (kind.upper(), "2", f"A100-000451.{suffix}"),
        (kind.upper(), "3", f"_A100__451.{suffix}"),
    ]  # fmt: skip
    status, out, _ = say("3", "--format", kind)
    assert status == 0 and (tmp_path / "new" / "reports" / names[2]).read_bytes() == out
    read = json.loads(out)["id"] if kind == "wsjf" else fromstring(out).get("uuid")
    assert read == runs()[2].run_id


def test_the_process_code_is_asked_for_and_a_default_is_said(say: Say) -> None:
    _, out, err = say("1", "--format", "wsjf")
    assert json.loads(out)["processCode"] == 10 and "process code 10: none was named" in err
    _, out, err = say("1", "--format", "wsjf", "--process-code", "500")
    assert json.loads(out)["processCode"] == 500 and "process code" not in err


@pytest.fixture
def changed(store: Path, tmp_path: Path, say: Say) -> Callable[[str], None]:
    """Sets the record of run 3, in a copy of the store, to what an SQL expression says."""

    def change(expression: str) -> None:
        with closing(sqlite3.connect(store)) as good, closing(sqlite3.connect(tmp_path / "station.sqlite")) as copy:
            good.backup(copy)
            copy.execute(f"UPDATE runs SET record = {expression} WHERE run_no = 3")
            copy.commit()
        _configure(tmp_path / "config", tmp_path / "station.sqlite")

    return change


def _configure(config: Path, store: Path) -> None:
    (config / "station.toml").write_text(
        f'[station]\nname = "bench-07"\ntimezone = "Asia/Shanghai"\n[store]\npath = "{store}"\n', encoding="utf-8"
    )


def everything_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


# ---- wrong use -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--format", "xml"), "'xml' is not one of 'json', 'csv', 'wsjf', 'atml'"),
        (("99",), "no run is called 99; `station results list` shows them"),
        (("99", "--format", "csv"), "no run is called 99"),
        (("019a",), "more than one run is called 019a"),
        (("4",), "run 4 is not finished"),
        (("1", "--serial", "x"), "name runs, or say which with --serial"),
        (("--since", "yesterday"), "--since yesterday: no day; write it as 2026-01-31"),
        (("--until", "9999-12-31"), "--until 9999-12-31: no day"),
        (("--since", "2026-02-02", "--until", "2026-02-01"), "--since 2026-02-02 is after --until 2026-02-01"),
        (("--format", "wsjf"), "--format wsjf is one file a run: name one run, or a directory with --out DIR"),
        (("1", "3", "--format", "atml"), "--format atml is one file a run"),
        (("--process-code", "5"), "--process-code is a number of WATS: json has none; leave it out"),
        (("--out", "there"), "there: there already; nothing is overwritten: move it away or name another --out"),
        (("--out", "config"), "config: a directory; it is one document, so name a file"),
        (("--out", "nowhere/a.json"), "nowhere/a.json: No such file or directory; name a place that you may write to"),
        (("--format", "atml", "--out", "there"), "--out there: a file; these are one file a run"),
        (("--format", "atml", "--out", "/proc/none"), "--out /proc/none: No such file or directory"),
        (("--database", "nowhere.sqlite"), "--database nowhere.sqlite: unable to open database file"),
    ],
)
def test_wrong_use_is_one_line_two_and_nothing_on_standard_output(
    say: Say, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    (tmp_path / "there").write_bytes(b"mine")
    before = everything_in(tmp_path)
    status, out, err = say(*arguments)
    assert (status, out) == (2, b"") and says in err and err.count("\n") == 1
    assert (tmp_path / "there").read_bytes() == b"mine" and everything_in(tmp_path) == before


def test_a_file_of_a_run_that_is_there_is_left_as_it_is(say: Say, tmp_path: Path) -> None:
    assert say("2", "--format", "wsjf", "--out", "reports")[0] == 0
    (kept,) = (tmp_path / "reports").iterdir()
    kept.write_bytes(b"mine")
    status, _, err = say("--format", "wsjf", "--out", "reports")
    assert status == 2 and f"reports/{kept.name}: there already; nothing is overwritten" in err
    assert kept.read_bytes() == b"mine"


def test_a_record_that_cannot_be_read_is_named_and_leaves_no_half_file(
    say: Say, changed: Callable[[str], None], tmp_path: Path
) -> None:
    changed("'{'")
    status, _, err = say("--out", "all.json")
    assert status == 2 and err.count("\n") == 1 and "the record of run 3 cannot be read: " in err
    assert not (tmp_path / "all.json").exists()


def test_a_field_of_a_later_version_is_exported_too(say: Say, changed: Callable[[str], None]) -> None:
    changed("json_set(record, '$.weather', 'rain')")
    assert json.loads(say("3")[1])[0]["weather"] == "rain"
    assert say("3", "--format", "atml")[0] == 0


def test_a_full_disk_behind_standard_output_is_one_line(store: Path, tmp_path: Path) -> None:
    _configure(tmp_path, store)
    command = [sys.executable, "-m", "station", "results", "export", "--config", str(tmp_path)]
    with Path("/dev/full").open("wb") as full:
        told = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    assert told.returncode == 2 and told.stderr.count(b"\n") == 1
    assert b"standard output: No space left on device; what is there is not whole" in told.stderr


# ---- the centre ----------------------------------------------------------------------------------------------------
def test_the_centres_database_gives_the_same_records_by_their_ids(say: Say, tmp_path: Path) -> None:
    url = str(tmp_path / "centre.sqlite")
    centre = open_centre(url)
    centre.take([result(number, record) for number, record in enumerate(runs(), start=1)], [], runs()[0].ended_at)
    centre.close()
    status, out, _ = say("--database", url)
    sent = [canonical(to_plain(replace(record, station=STATION), Record)) for record in runs()]
    assert status == 0 and [canonical(told) for told in json.loads(out)] == sent
    assert numbers(say("019a0000-0000-7000-8000-000000000002", "--database", url)[1]) == [2]
    assert numbers(say("--until", "2026-11-20", "--database", url)[1]) == [1]
    status, _, err = say("3", "--database", url)
    assert status == 2 and "the id of no run begins with 3; numbers are a bench's own" in err
    assert say("--format", "atml", "--out", "a", "--database", url)[0] == 0
    assert len(list((tmp_path / "a").glob("ATML-9f31c2aa-*.xml"))) == 3


def test_a_page_of_records_is_held_and_no_more(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    read = record_texts.read_texts

    def counted(*asked: Any) -> list[tuple[int, str]]:
        page = read(*asked)
        held.append(len(page))
        return page

    monkeypatch.setattr("station.store.history.read_texts", counted)
    assert numbers(say()[1]) == [1, 2, 3]
    assert held == [2, 1, 0]
