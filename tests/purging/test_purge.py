"""A purge from beginning to end: sound and rows together, a death in the middle, the daemon's own."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from station.domain.calibration import Calibration, Revision
from station.purging import daily, work
from station.purging.daily import DailyPurge
from station.purging.named import runs_named_in
from station.purging.work import CRAMPED, INDEXES, LATER, Place, Purge
from station.store import retention
from station.store.old_runs import Bound
from tests.store.test_retention import AGE, NOW, OLD, YOUNG, receipt_all, run_of
from tests.uplink.rig import make_draft, open_store

ROOT = Path(__file__).parents[2]


def keep_sound(place: Place, run_id: str, *, at: str = OLD, size: int = 1000) -> Path:
    folder = place.captures / run_id
    folder.mkdir(parents=True)
    file = folder / "1-dropout-12.5.flac"
    file.write_bytes(b"s" * size)
    stamp = datetime.fromisoformat(at).timestamp()
    os.utime(file, (stamp, stamp))
    return file


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "station.sqlite", tmp_path / "captures")


def purge_of(place: Place, bound: Bound = AGE, may_go_on: Callable[[], bool] = lambda: True) -> Purge:
    return Purge(place, bound, may_go_on=may_go_on, now=lambda: NOW, pause_s=0.0)


async def test_the_sound_of_a_run_goes_with_it_and_that_of_no_known_run_by_its_age(place: Place) -> None:
    store = await open_store(place.store)
    old, young = await run_of(store), await run_of(store, YOUNG)
    await receipt_all(store)
    kept = [keep_sound(place, young.run_id), keep_sound(place, "of-another-card", at=YOUNG)]
    gone = [keep_sound(place, old.run_id), keep_sound(place, "of-an-older-card")]
    (place.captures / "notes").mkdir()
    somebodys = place.captures / "notes" / "read me.txt"
    somebodys.write_text("not ours")
    os.utime(somebodys, (0, 0))
    tally = purge_of(place).carry_out()
    assert (tally.runs, tally.captures, tally.bytes > 2000) == (1, 2, True)
    assert [file.exists() for file in (*kept, *gone, somebodys)] == [True, True, False, False, True]
    assert not (place.captures / old.run_id).exists()
    await store.close()


async def test_beside_a_run_rows_go_and_their_traces_with_the_next_purge(place: Place) -> None:
    store = await open_store(place.store)
    await run_of(store)
    await receipt_all(store)
    await store.begin_run(make_draft())
    assert purge_of(place).carry_out().left == [INDEXES]
    db = sqlite3.connect(place.store)
    assert retention.has_traces(db)
    db.close()
    await store.close()


async def test_on_a_disk_that_is_nearly_full_a_run_under_way_has_the_room(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(place.store)
    await run_of(store)
    await receipt_all(store)
    await store.begin_run(make_draft())
    monkeypatch.setattr(work.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 8, 1))
    tally = purge_of(place).carry_out()
    assert (tally.runs, tally.left) == (0, [CRAMPED])
    await store.close()


async def test_who_reads_the_log_keeps_it_from_being_emptied_and_is_not_waited_for_long(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "EMPTY_TRIES", 2)
    store = await open_store(place.store)
    await run_of(store)
    await receipt_all(store)
    reader = sqlite3.connect(place.store, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM runs").fetchone()
    assert purge_of(place).carry_out().left == [work.READ]
    reader.close()
    assert purge_of(place).carry_out().left == [], "done with the next purge, though nothing else went"
    await store.close()


def test_kill_nine_at_any_moment_leaves_every_run_whole_or_gone(place: Place) -> None:
    async def fill() -> None:
        store = await open_store(place.store)
        for _ in range(60):
            keep_sound(place, (await run_of(store)).run_id)
        await receipt_all(store)
        await store.close()

    asyncio.run(fill())
    chance, left = random.Random(8), 60
    for _ in range(4):
        command = [sys.executable, "-m", "tests.purging.kill_purge", str(place.store)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as purging:
            assert purging.stdout is not None
            for _ in range(chance.randrange(1, 3)):
                purging.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.004))
            purging.kill()
        with sqlite3.connect(place.store) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            runs = [run for (run,) in db.execute("SELECT run_id FROM runs")]
            messages = db.execute("SELECT run_id, count(*) FROM outbox GROUP BY run_id").fetchall()
            gone = db.execute("SELECT coalesce(sum(last - first + 1), 0) FROM purged_runs").fetchone()[0]
            counted = db.execute("SELECT coalesce(sum(runs), 0) FROM purges").fetchone()[0]
        assert sorted(messages) == [(run, 2) for run in sorted(runs)]
        assert len(runs) + gone == 60 and counted == gone
        assert {folder.name for folder in place.captures.iterdir()} <= set(runs), "no sound that nobody knows of"
        left = min(left, len(runs))
    assert 0 < left < 60, "it was killed in the middle"
    assert purge_of(place).carry_out().runs == left


# ---- the daemon's own ---------------------------------------------------------------------------------------
async def until_logged(caplog: pytest.LogCaptureFixture, word: str) -> str:
    for _ in range(500):
        if found := [record.getMessage() for record in caplog.records if word in record.getMessage()]:
            return found[0]
        await asyncio.sleep(0.01)
    raise AssertionError(f"nobody said {word}: {caplog.text}")


def daily_purge(place: Place, days: int | None, running: Callable[[], bool], quality: str = "synced") -> DailyPurge:
    return DailyPurge(
        place, days, {}, running, lambda: (NOW, quality), simulated=False, first_look_s=0.0, quiet_s=0.02
    )  # fmt: skip


async def test_the_daemon_purges_once_no_run_is_under_way_and_says_how_many_went(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(daily, "LOOK_S", 0.01)
    store = await open_store(place.store)
    await run_of(store)
    await receipt_all(store)
    running = True
    task = asyncio.create_task(daily_purge(place, 400, lambda: running).run())
    await asyncio.sleep(0.1)
    assert (await store.latest(5)) != [], "a run is under way"
    running = False
    assert "400 days: 1 runs, 2 messages, 0 captures" in await until_logged(caplog, "purged")
    assert (await store.latest(5)) == []
    task.cancel()
    await store.close()


async def test_the_daemon_purges_nothing_by_a_clock_that_is_not_set_nor_without_a_bound(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daily, "LOOK_S", 0.01)
    store = await open_store(place.store)
    await run_of(store)
    await receipt_all(store)
    tasks = [
        asyncio.create_task(daily_purge(place, days, lambda: False, quality).run())
        for days, quality in ((400, "unsynced"), (None, "synced"))
    ]
    assert "the clock is not set" in await until_logged(caplog, "nothing is purged")
    assert len(await store.latest(5)) == 1
    assert not any(task.done() for task in tasks), "a room that ends would end the daemon"
    for task in tasks:
        task.cancel()
    await store.close()


async def test_a_run_that_begins_meanwhile_has_the_rest_wait_for_the_next_quiet_moment(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(daily, "LOOK_S", 0.01)
    store = await open_store(place.store)
    for _ in range(30):
        await run_of(store)
    await receipt_all(store)
    asked = iter([False] * 4)
    task = asyncio.create_task(daily_purge(place, 400, lambda: next(asked, True)).run())
    assert LATER in await until_logged(caplog, "purged")
    assert (await store.latest(5)) != []
    task.cancel()
    await store.close()


def test_runs_that_a_calibration_names_are_known_by_number_and_by_id() -> None:
    run_id = "0193aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
    day = datetime(2026, 1, 1, tzinfo=UTC).date()
    revisions = (
        Revision(day, day, "me", "R-1", "C-1", note="readings of run 17 and Run no. 18"),
        Revision(day, day, "me", f"see {run_id}", "C-2; 99 runs"),
        Revision(day, day, "me", "runs 20-22, 25 and 30 to 31", "C-3"),
    )
    numbers = {"17", "18", "20", "21", "22", "25", "30", "31"}
    assert runs_named_in({"mains": Calibration("mains", "1", revisions)}) == {*numbers, run_id}
