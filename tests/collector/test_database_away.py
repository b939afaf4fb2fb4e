"""A database that is gone, full, read-only, replaced or hanging: nothing is receipted, it is said, all comes later."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg
import pytest

from station.collector.centre import Centre
from station.collector.database import open_centre
from station.collector.sqlite import SqliteCentre
from station.contract.keys import new_key
from station.domain.errors import CentreError, SettingsError
from station.uplink.window import WindowLimits
from tests.collector.post import result, rows, run
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Postgres
from tests.uplink.rig import Bench, Office, do_run, open_store, until

KEY = new_key()
NOW = "2026-11-22T04:00:00Z"
PATIENT = WindowLimits(receipt_timeout_s=0.3)


@pytest.fixture
async def bench(mosquitto: Mosquitto, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(await open_store(tmp_path / "station.sqlite"), mosquitto.url, KEY, PATIENT)
    yield bench
    await bench.close()


async def open_office(mosquitto: Mosquitto, centre: Centre) -> Office:
    office = Office(mosquitto.url, centre, KEY)
    await asyncio.wait_for(office.ready.wait(), 10.0)
    return office


async def check_all_arrive(bench: Bench, office: Office, database: str, runs: int) -> None:
    await bench.drained()
    assert rows(database, "SELECT count(*) FROM results") == [(runs,)]
    assert rows(database, "SELECT count(*) FROM messages") == [(3 * runs,)]
    assert office.collector.figures.database_up


async def test_a_server_that_is_killed_costs_nothing_but_time(
    bench: Bench, mosquitto: Mosquitto, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    database = postgres.create("killed")
    office = await open_office(mosquitto, open_centre(database))
    figures = office.collector.figures
    for _ in range(3):
        await do_run(bench.store)
    await bench.drained()
    postgres.kill()
    try:
        for _ in range(3):
            await do_run(bench.store)
        await until(lambda: figures.database_errors > 2, "the worker tries again, and fails")
        assert not figures.database_up and not figures.linked
        assert (await bench.store.counts()).waiting == 9
        said = [record for record in caplog.records if "nothing is receipted until" in record.message]
        assert said and len(said) < figures.database_errors, "it says so, and not at every try"
    finally:
        postgres.start()
    await check_all_arrive(bench, office, database, 6)
    await office.close()


async def test_a_connection_that_was_lost_in_between_is_replaced_without_a_word(
    bench: Bench, mosquitto: Mosquitto, postgres: Postgres
) -> None:
    database = postgres.create("idle")
    office = await open_office(mosquitto, open_centre(database))
    await do_run(bench.store)
    await bench.drained()
    with psycopg.connect(postgres.url, autocommit=True) as db:
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bench-collector'")
    await do_run(bench.store)
    await check_all_arrive(bench, office, database, 2)
    assert (office.collector.figures.database_errors, office.collector.figures.links) == (0, 1)
    await office.close()


async def test_a_connection_that_dies_in_the_middle_of_a_batch_is_replaced_without_a_word(
    postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    database = postgres.create("middle")
    centre = open_centre(database)
    centre.ready()
    waiting = "FROM pg_stat_activity WHERE datname = 'middle' AND wait_event_type = 'Lock'"
    with hanging(database) as free:
        taking = asyncio.create_task(asyncio.to_thread(centre.take, [result(1)], [], NOW))
        await until(lambda: rows(postgres.url, f"SELECT count(*) {waiting}") == [(1,)], "the batch waits")
        rows(postgres.url, f"SELECT pg_terminate_backend(pid) {waiting}")
        await asyncio.sleep(0.1)
        free()
    assert [answer.status for answer in await asyncio.wait_for(taking, 10.0)] == ["stored"]
    assert caplog.records == []
    centre.close()


async def test_a_database_that_hangs_holds_up_neither_the_link_nor_the_worker_s_end(
    bench: Bench, mosquitto: Mosquitto, database: str
) -> None:
    office = await open_office(mosquitto, open_centre(database))
    figures = office.collector.figures
    with hanging(database) as free:
        for _ in range(2):
            await do_run(bench.store)
        await until(lambda: figures.commit_age_s() > 1.0, "the commit hangs")
        began = time.monotonic()
        await asyncio.sleep(0.05)
        assert time.monotonic() - began < 0.5, "the loop is free"
        assert figures.linked and figures.receipts.total() == 0
        assert (await bench.store.counts()).waiting == 6
        free()
    await check_all_arrive(bench, office, database, 2)
    assert figures.links == 1, "the link stood all the time"
    await office.close()


class hanging:
    """Somebody else has a lock on the messages until told to let go."""

    def __init__(self, database: str) -> None:
        self._database = database

    def __enter__(self) -> Callable[[], None]:
        if self._database.startswith("postgresql://"):
            server = psycopg.connect(self._database)
            server.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
            self._let_go: Callable[[], None] = server.close
        else:
            import sqlite3

            file = sqlite3.connect(self._database)
            file.execute("BEGIN IMMEDIATE")
            self._let_go = file.close
        return self._let_go

    def __exit__(self, *_: object) -> None:
        self._let_go()


async def test_a_worker_ends_although_its_database_hangs(
    bench: Bench, mosquitto: Mosquitto, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.collector.collector._END_S", 0.2)
    database = postgres.create("hangs")
    office = await open_office(mosquitto, open_centre(database))
    with hanging(database) as free:
        await do_run(bench.store)
        await until(lambda: office.collector.figures.commit_age_s() > 0.1, "the commit hangs")
        office.collector.close()
        await asyncio.wait_for(office.task, 5.0)
        free()
    office.centre.close()
    assert (await bench.store.counts()).waiting == 3, "nothing was receipted"


async def test_a_read_only_server_is_left_alone_until_it_takes_writes_again(
    bench: Bench, mosquitto: Mosquitto, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    database = postgres.create("readonly")
    made = open_centre(database)
    made.ready()
    made.close()
    run(database, "ALTER DATABASE readonly SET default_transaction_read_only = on")
    office = await open_office(mosquitto, open_centre(database))
    await do_run(bench.store)
    await until(lambda: office.collector.figures.database_errors > 1, "it is refused")
    assert "read-only transaction" in caplog.text
    with psycopg.connect(postgres.url, autocommit=True) as db:
        db.execute("ALTER DATABASE readonly RESET default_transaction_read_only")
    await check_all_arrive(bench, office, database, 1)
    await office.close()


async def test_a_full_disk_receipts_nothing_and_loses_nothing(
    bench: Bench, mosquitto: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "centre.sqlite"
    centre = SqliteCentre(path)
    assert centre._db is not None
    pages = centre._db.execute("PRAGMA page_count").fetchone()[0]
    centre._db.execute(f"PRAGMA max_page_count = {pages}")
    office = await open_office(mosquitto, centre)
    for _ in range(12):
        await do_run(bench.store)
    await until(lambda: office.collector.figures.database_errors > 1, "the disk is full")
    assert "disk is full" in caplog.text and "make room" in caplog.text
    assert (await bench.store.counts()).waiting > 0 and bench.seen("alarm") == []
    centre._db.execute("PRAGMA max_page_count = 1000000")
    await check_all_arrive(bench, office, str(path), 12)
    await office.close()


def test_what_goes_into_a_file_that_is_no_longer_there_has_no_receipt(tmp_path: Path) -> None:
    path = tmp_path / "centre.sqlite"
    centre = SqliteCentre(path)
    assert centre.take([result(1)], [], NOW)[0].status == "stored"
    run(str(path), "PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(path, tmp_path / "copy")
    (tmp_path / "copy").replace(path)
    message = result(2)
    with pytest.raises(CentreError, match="another file is in its place"):
        centre.take([message], [], NOW)
    centre.ready()
    assert centre.take([message], [], NOW)[0].status in ("stored", "duplicate")
    centre.close()
    assert rows(str(path), "SELECT seq FROM messages ORDER BY seq") == [(1,), (2,)]


async def test_a_database_that_became_too_new_ends_the_worker(
    mosquitto: Mosquitto, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    database = postgres.create("newer")
    made = open_centre(database)
    made.ready()
    made.close()
    run(database, "INSERT INTO schema_version VALUES (99, 'tomorrow')")
    office = Office(mosquitto.url, open_centre(database), KEY)
    with pytest.raises(SettingsError, match="newer version"):
        await asyncio.wait_for(office.task, 10.0)
    office.centre.close()
