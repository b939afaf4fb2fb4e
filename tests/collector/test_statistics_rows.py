"""What `stats` reads: the same of a bench's store and of either database of the centre, and what it refuses."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from station.cli.stats import Choice, figures, plain
from station.collector.database import open_centre
from station.collector.statistics_rows import SqliteRows
from station.domain.errors import CentreError, SettingsError
from station.domain.record import Record
from station.domain.verdict import Verdict
from station.statistics.selection import Selection
from station.store.schema import open_database
from tests.collector.post import result, rows, run, said
from tests.report.conftest import make_pass
from tests.statistics.made_up import MadeUp, text_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
COLUMNS = (
    "run_no, run_id, record, purpose, plan, product, serial_number, work_order, simulated, started_at, ended_at",
    "verdict",
)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(MadeUp(3, benches=1, products=("example-a-100", "example-b-20")).records(72))


def keep(config: Path, records: list[Record], texts: list[str] | None = None) -> Path:
    """A bench whose store holds these runs."""
    config.mkdir(exist_ok=True)
    store = config / "station.sqlite"
    (config / "station.toml").write_text(
        f'[station]\nname = "bench-01"\ntimezone = "Asia/Shanghai"\n[store]\npath = "{store}"\n', encoding="utf-8"
    )
    with closing(open_database(store)) as db:
        for record, text in zip(records, texts or map(text_of, records), strict=True):
            db.execute(
                f"INSERT INTO runs ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * 12)})",
                (record.run_no, record.run_id, text, record.purpose, record.plan.id, record.dut.product,
                 record.dut.serial_number, record.work_order, record.simulated, record.started_at, record.ended_at,
                 record.verdict.value),
            )  # fmt: skip
    return config


def collect(database: str, records: list[Record]) -> str:
    """The centre's database with these results, and a message of another kind."""
    centre = open_centre(database)
    centre.ready()
    sent = [result(record.run_no, record, record.station) for record in records]
    centre.take([*sent, said("event", 9000, event="reset")], [], "2026-11-01T00:00:00Z")
    centre.close()
    return database


def told(choice: Choice) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(plain(figures(choice, NOW))))
    return {name: document[name] for name in document if name not in ("source", "zone")}


def test_a_store_and_either_database_of_the_centre_say_the_same(
    database: str, tmp_path: Path, records: list[Record]
) -> None:
    collect(database, records)
    config = keep(tmp_path / "config", records)
    at_bench, at_centre = told(Choice(config=config)), told(Choice(database=database))
    assert at_bench == at_centre
    counted = [one for one in records if one.purpose in ("incoming", "outgoing")]
    assert at_centre["counts"]["runs"] == len(counted) > 60
    assert at_centre["left_out"]["verify"] == sum(one.purpose == "verify" for one in records)
    assert at_centre["left_out"]["engineering"] == sum(one.purpose == "engineering" for one in records) > 0
    assert {one["name"] for one in at_centre["yields"]} == {"example-a-100", "example-b-20"}
    asked = {"product": "example-b-20"}
    one, other = told(Choice(config=config, **asked)), told(Choice(database=database, **asked))  # type: ignore[arg-type]
    assert one == other and 0 < one["counts"]["runs"] < len(counted)


def test_days_are_those_of_the_bench_and_at_a_centre_utc(tmp_path: Path, records: list[Record]) -> None:
    config, database = keep(tmp_path / "config", records), collect(str(tmp_path / "centre.sqlite"), records)
    tests = [one for one in records if one.purpose in ("incoming", "outgoing")]
    asked = {"since": "2026-01-06", "until": "2026-01-06"}
    here, there = told(Choice(config=config, **asked)), told(Choice(database=database, **asked))  # type: ignore[arg-type]
    shanghai = [one for one in tests if "2026-01-05T16:00" <= one.ended_at < "2026-01-06T16:00"]
    utc = [one for one in tests if one.ended_at.startswith("2026-01-06")]
    assert here["counts"]["runs"] == len(shanghai) > 0 and there["counts"]["runs"] == len(utc) > 0


def test_simulated_runs_are_left_out_and_never_mixed(database: str, records: list[Record]) -> None:
    collect(database, records[:40])
    run(database, f"UPDATE results SET simulated = {'true' if '://' in database else 1} WHERE run_no > 25")
    real, sample = told(Choice(database=database)), told(Choice(database=database, simulated=True))
    assert real["sample"] is None and sample["sample"] == "模拟 SAMPLE"
    tests = [one for one in records[:40] if one.purpose in ("incoming", "outgoing")]
    assert real["counts"]["runs"] == sum(one.run_no <= 25 for one in tests)
    assert sample["counts"]["runs"] == sum(one.run_no > 25 for one in tests) == len(tests) - real["counts"]["runs"]
    assert real["left_out"]["simulated"] >= sample["counts"]["runs"] and sample["words"][0].startswith("模拟 SAMPLE")


def test_reading_changes_nothing_at_the_centre(database: str, records: list[Record]) -> None:
    collect(database, records[:5])
    before = rows(database, "SELECT count(*) FROM messages")
    told(Choice(database=database))
    assert rows(database, "SELECT count(*) FROM messages") == before
    if "://" not in database:
        assert [path.name for path in Path(database).parent.iterdir()] == ["centre.sqlite"], "no -wal, no -shm"


def test_tables_of_an_older_version_are_told_to_be_brought_forward(database: str) -> None:
    collect(database, [])
    run(database, "DELETE FROM schema_version WHERE version > 2", "INSERT INTO schema_version VALUES (2, 'then')"
        if not rows(database, "SELECT 1 FROM schema_version WHERE version = 2") else "SELECT 1")  # fmt: skip
    with pytest.raises(SettingsError, match=r"are of version 2, and \d is read here; start a collector"):
        figures(Choice(database=database), NOW)


def test_what_is_no_database_of_the_centre_is_named(tmp_path: Path, database: str) -> None:
    nothing = tmp_path / "nothing.sqlite"
    with pytest.raises(SettingsError, match="there is no such file"):
        figures(Choice(database=str(nothing)), NOW)
    assert not nothing.exists(), "and none is made"
    other = tmp_path / "letter.txt"
    other.write_text("no database at all, but long enough that it is looked into" * 20, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"letter.txt: file is not a database"):
        figures(Choice(database=f"sqlite:///{other}"), NOW)
    if "://" in database:
        with pytest.raises(SettingsError, match=r"is no database of `station collect`"):
            figures(Choice(database=database), NOW)


@pytest.mark.parametrize(
    ("url", "said_of"),
    [("mysql://centre", "sqlite:///PATH or postgresql"), ("postgresql://u:secret@h/d", "a password on a command line"),
     ("postgresql:///centre?host=/nowhere/at/all", "see whether it is there")],
)  # fmt: skip
def test_an_address_that_cannot_be_used_says_what_to_do(url: str, said_of: str) -> None:
    with pytest.raises(SettingsError, match=said_of) as refused:
        figures(Choice(database=url), NOW)
    assert "secret" not in str(refused.value)


def test_a_database_that_goes_away_is_a_centre_error(tmp_path: Path, records: list[Record]) -> None:
    with SqliteRows(Path(collect(str(tmp_path / "centre.sqlite"), records[:3])), "the centre") as held:
        held._db.execute("PRAGMA query_only = OFF")
        held._db.execute("DROP TABLE findings")
        with pytest.raises(CentreError, match="the centre: no such table: findings"):
            list(held.runs(Selection()))


def test_a_clock_that_was_set_turns_no_first_run_into_the_last(database: str, tmp_path: Path) -> None:
    """A FAIL, then a PASS by a clock that began anew in 1970: at the centre as at the bench, by their numbers."""
    good = make_pass()
    first = replace(good, run_no=1, run_id=good.run_id[:-1] + "1", verdict=Verdict.FAIL)
    then = replace(good, run_no=2, run_id=good.run_id[:-1] + "2", started_at="1970-01-01T00:00:00.000Z",
                   ended_at="1970-01-01T02:00:00.000Z")  # fmt: skip
    collect(database, [first, then])
    at_bench, at_centre = (
        told(Choice(config=keep(tmp_path / "config", [first, then]))), told(Choice(database=database))
    )  # fmt: skip
    assert at_bench == at_centre
    assert [(one["first_pass"]["hits"], one["final"]["hits"]) for one in at_centre["yields"]] == [(0, 1)]
    assert at_centre["counts"]["stamps_against_run_numbers"] == 1


def test_what_a_collector_of_an_older_version_wrote_is_told(database: str, records: list[Record]) -> None:
    """It goes on after another one has brought the tables forward, and knows no steps and no findings."""
    collect(database, records[:10])
    one = next(r for r in records[:10] if r.purpose == "outgoing").run_id
    run(database, f"UPDATE results SET rework = NULL WHERE run_id = '{one}'",
        f"DELETE FROM steps WHERE run_id = '{one}'")  # fmt: skip
    document = told(Choice(database=database))
    assert document["left_out"]["unfilled"] == 1
    assert any("1 counted run without steps and findings" in line for line in document["words"])


def test_a_bench_is_one_of_those_at_the_centre(database: str) -> None:
    two = list(MadeUp(5, benches=2).records(40))
    collect(database, two)
    whole, one = told(Choice(database=database)), told(Choice(database=database, station="bench-02"))
    mine = [r for r in two if r.station == "bench-02" and r.purpose in ("incoming", "outgoing")]
    assert one["counts"]["runs"] == len(mine) < whole["counts"]["runs"]
    assert [unit["station"] for unit in whole["golden"]] == ["bench-01"] and one["golden"] == []
