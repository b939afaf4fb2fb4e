"""A database that is gone, full, read-only, replaced or hanging: nothing is receipted, it is said, all comes later."""

from __future__ import annotations

import asyncio
import itertools
import logging
import shutil
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import psycopg
import pytest

from station.collector.centre import Centre, CentreAlarm, Incoming, Stored
from station.collector.collector import Collector
from station.collector.database import open_centre
from station.collector.postgres import PostgresCentre
from station.collector.sqlite import SqliteCentre
from station.contract.envelope import topic
from station.contract.keys import new_key
from station.domain.errors import CentreError, SettingsError
from station.mqtt.address import parse_address
from station.mqtt.keeper import Backoff
from station.mqtt.link import Link, LinkOptions
from station.uplink.window import WindowLimits
from tests.collector.post import result, rows, run, said
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Postgres
from tests.uplink.rig import STATION, Bench, Office, do_run, open_store, until

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


async def test_a_worker_ends_although_its_database_hangs_before_it_is_ready(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.collector.collector._END_S", 0.2)
    centre, asked, free = SqliteCentre(tmp_path / "centre.sqlite"), threading.Event(), threading.Event()
    monkeypatch.setattr(centre, "ready", lambda: asked.set() or free.wait())
    office = Office(mosquitto.url, centre, KEY)
    await until(asked.is_set, "it is asked whether it is ready")
    office.collector.close()
    try:
        await asyncio.wait_for(office.task, 5.0)
        assert not office.collector.figures.database_up
    finally:
        free.set()
        centre.close()


async def test_a_worker_ends_although_its_server_is_stopped(
    mosquitto: Mosquitto, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.collector.collector._END_S", 0.2)
    assert postgres.process is not None
    centre = PostgresCentre(postgres.url)
    postgres.process.send_signal(signal.SIGSTOP)
    try:
        office = Office(mosquitto.url, centre, KEY)
        await until(centre._lock.locked, "it connects")
        office.collector.close()
        await asyncio.wait_for(office.task, 5.0)
    finally:
        postgres.process.send_signal(signal.SIGCONT)
    await until(lambda: not centre._lock.locked(), "what was left behind comes to its end")
    centre.close()


@pytest.mark.parametrize(("commits", "expected"), [(True, [1.0] * 4), (False, [1.0, 2.0, 4.0, 8.0])])
async def test_after_a_commit_the_back_off_begins_anew(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: bool, expected: list[float]
) -> None:
    longest: list[float] = []
    backoff = Backoff(1.0, 64.0, lambda low, high: longest.append(high) or 0.0)  # type: ignore[func-returns-value]
    centre = SqliteCentre(tmp_path / "centre.sqlite")
    take, asked = centre.take, itertools.count()

    def take_every_other(messages: Sequence[Incoming], alarms: Sequence[CentreAlarm], now: str) -> list[Stored]:
        if commits and next(asked) % 2 == 0:
            return take(messages, alarms, now)
        raise CentreError("killed")

    monkeypatch.setattr(centre, "take", take_every_other)
    collector = Collector(mosquitto.url, centre, KEY, backoff=backoff)
    task = asyncio.create_task(collector.run())
    link = Link(LinkOptions(parse_address(mosquitto.url), "bench-07"))
    await link.open()
    for seq in range(1, 2000):
        if len(longest) > 3:
            break
        link.publish(topic(STATION, "up", "event"), said("event", seq, event="reset").payload)
        await asyncio.sleep(0.01)
    collector.close()
    await asyncio.gather(task, link.close())
    centre.close()
    assert longest[:4] == expected


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
