"""`purge` through the command line's door: bounds, beside a daemon, what stays, what is left of whom it was for."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station.cli import purge as verb
from station.cli.main import main
from station.store.lock import hold_store
from station.store.old_runs import GOLDEN, ORDER
from tests.store.test_retention import OLD, YOUNG, receipt_all, run_of
from tests.uplink.rig import make_draft, open_store


def configure(folder: Path, store: str = "", station: str = "simulated = true") -> Path:
    """A configuration of which this verb reads three tables."""
    text = (
        f'[station]\nname = "bench-07"\ntimezone = "UTC"\n{station}\n[store]\npath = "{folder / "s.sqlite"}"\n{store}\n'
    )
    (folder / "station.toml").write_text(text, encoding="utf-8")
    return folder


def say(config: Path, *arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["station", "purge", *arguments, "--config", str(config)])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """Three old runs (one of the golden unit), one young one; all receipted."""

    async def fill() -> None:
        store = await open_store(tmp_path / "s.sqlite")
        runs = [
            (OLD, "ZZSN1", "outgoing"),
            (OLD, "ZZSN1", "incoming"),
            (OLD, "GOLD", "verify"),
            (YOUNG, "S", "outgoing"),
        ]
        for at, serial_number, purpose in runs:
            await run_of(store, at, serial_number=serial_number, purpose=purpose, operator="ZZBADGE1")
        await receipt_all(store)
        await store.close()

    asyncio.run(fill())
    return configure(tmp_path)


def run_numbers(config: Path) -> list[int]:
    with sqlite3.connect(config / "s.sqlite") as db:
        return [number for (number,) in db.execute("SELECT run_no FROM runs ORDER BY run_no")]


def test_without_a_bound_nothing_is_too_old(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(bench) == 2
    assert "no store.retention_days, so nothing is too old" in capsys.readouterr().err
    assert run_numbers(bench) == [1, 2, 3, 4]


def test_a_dry_run_says_what_would_go_and_why_the_rest_stays(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(bench, "retention_days = 400")
    assert say(bench, "--dry-run") == 0
    told = capsys.readouterr().out
    assert "would go (ended before" in told and "2 runs (1-2), 4 messages" in told
    assert f"stays: 1 x {GOLDEN}" in told
    assert run_numbers(bench) == [1, 2, 3, 4]


def test_beside_a_running_daemon_what_is_old_goes_and_the_history_says_so(
    bench: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with hold_store(bench / "s.sqlite"):
        assert say(bench, "--days", "400", "--json") == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (told["runs"], told["run_nos"], told["left"], told["kept"]) == (2, "1-2", [], {GOLDEN: 1})
    assert run_numbers(bench) == [3, 4]
    assert say(bench, "--history") == 0
    assert "(400 days): runs 1-2 (2), 4 messages" in capsys.readouterr().out
    assert say(bench, "--history", "--json") == 0
    [entry] = json.loads(capsys.readouterr().out)
    assert (entry["runs"], entry["run_nos"]) == (2, "1-2")


def test_whoever_is_forgotten_is_looked_for_byte_by_byte(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(bench, "--serial", "ZZSN1") == 0
    assert "it is nowhere in them" in capsys.readouterr().out
    assert b"ZZSN1" not in b"".join(file.read_bytes() for file in bench.iterdir())
    assert say(bench, "--serial", "ZZSN1") == 0
    assert "nothing here names it" in capsys.readouterr().out


def test_an_imei_as_it_is_printed_is_told_as_it_is_on_record(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(bench, "--serial", "35-693803-564380-9") == 0
    assert "as --serial 356938035643809" in capsys.readouterr().err
    assert say(bench, "--serial", "356938035643809") == 0
    assert capsys.readouterr().err == ""


def test_what_stays_of_a_person_is_said_by_the_exit_status(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(bench, "--badge", "ZZBADGE1") == 1
    told = capsys.readouterr().out
    assert "3 runs (1-2, 4)" in told and f"stays: 1 x {GOLDEN}" in told and "of 2 rows that stay" in told
    assert run_numbers(bench) == [3]


async def test_an_order_that_waits_is_not_taken_from_the_bench(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from station.domain.commands import KeepOrder
    from station.domain.work_order import WorkOrder

    store = await open_store(tmp_path / "s.sqlite")
    await store.change([KeepOrder(WorkOrder("ZZWO"))])
    assert await asyncio.to_thread(say, configure(tmp_path), "--work-order", "ZZWO") == 1
    assert f"stays: 1 x {ORDER}" in capsys.readouterr().out
    assert len(await store.waiting_orders()) == 1
    await store.close()


def test_bytes_that_nothing_refers_to_are_found_and_compacted_away(
    bench: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(bench / "s.sqlite") as db:  # as an older software deleted
        db.execute("PRAGMA secure_delete = OFF")
        db.execute("CREATE TABLE gone (x)")
        db.execute("INSERT INTO gone VALUES ('ZZLEFT' || hex(zeroblob(9000)))")
        db.execute("DROP TABLE gone")
    assert say(bench, "--serial", "ZZLEFT") == 1
    assert "stop the station and add --compact" in capsys.readouterr().out
    with hold_store(bench / "s.sqlite"):
        assert say(bench, "--compact") == 1
        assert "stop it first" in capsys.readouterr().err
    assert say(bench, "--serial", "ZZLEFT", "--compact") == 0
    told = capsys.readouterr().out
    assert "compacted:" in told and "written for it" in told and "it is nowhere in them" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--days", "29"), "--days 29: must be a whole number from 30 to 36500"),
        (("--days", "36501"), "30 to 36500"),
        (("--serial", "a", "--badge", "b"), "--serial and --badge: one request at a time"),
        (("--serial", " "), "--serial: empty"),
        (("--history", "--database", "x.sqlite"), "of a bench"),
        (("--days", "x"), "valid integer"),
    ],
)
def test_wrong_use_is_one_clear_line_and_deletes_nothing(
    bench: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert say(bench, *arguments) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1
    assert run_numbers(bench) == [1, 2, 3, 4]


def test_a_retention_out_of_bounds_a_broken_calibration_and_a_clock_that_is_not_set_stop_it(
    bench: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(bench, "retention_days = 7")
    assert say(bench) == 2
    assert "store.retention_days 7: must be" in capsys.readouterr().err
    configure(bench, "retention_days = 400", station="simulated = false")
    monkeypatch.setattr(verb.ClockReader, "read_now", lambda self: (verb.datetime.now(verb.UTC), "unsynced"))
    assert say(bench) == 2
    assert "the clock is not set" in capsys.readouterr().err
    configure(bench, "retention_days = 400")
    (bench / "calibration").mkdir()
    (bench / "calibration" / "mains.toml").write_text("role = 1\n", encoding="utf-8")
    assert say(bench) == 2
    assert "which runs it names is not known" in capsys.readouterr().err
    assert run_numbers(bench) == [1, 2, 3, 4]


def test_a_store_that_is_not_there_is_wrong_use_and_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(configure(tmp_path), "--days", "400") == 2
    assert "there is no store" in capsys.readouterr().err
    assert not (tmp_path / "s.sqlite").exists()


async def test_a_run_under_way_is_not_touched_and_leaves_the_indexes_to_the_next_purge(
    bench: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = await open_store(bench / "s.sqlite")
    await store.begin_run(replace(make_draft(), operator="ZZBADGE1"))
    assert await asyncio.to_thread(say, bench, "--days", "400") == 1
    assert "not done: a run is under way; purge again after it" in capsys.readouterr().out
    assert run_numbers(bench) == [3, 4, 5]
    await store.close()
