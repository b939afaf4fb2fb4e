"""Yesterday's back-up is put back: `gaps` says what is missing, `resend` brings it, and everything is there once."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from station.collector.database import open_centre
from station.collector.send import Order, send
from station.commands import Commands
from station.contract.commands import SEQ_MAX
from station.contract.keys import new_key
from tests.collector.post import rows
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Postgres, binaries
from tests.uplink.rig import OF_TODAY, STATION, Bench, Office, do_run, open_store, until

RECEIPTS, COMMANDS = new_key(), new_key()
EVERYTHING = "SELECT msg_id, sha256, payload FROM messages ORDER BY msg_id"


class SqliteBackup:
    """`sqlite3 FILE ".backup COPY"` while the collector writes; back with the workers stopped."""

    def __init__(self, folder: Path) -> None:
        self.database, self._copy = str(folder / "centre.sqlite"), folder / "yesterday.sqlite"

    def keep(self) -> None:
        with sqlite3.connect(self.database) as source, sqlite3.connect(self._copy) as copy:
            source.backup(copy)
        source.close()
        copy.close()

    def put_back(self) -> None:
        for end in ("", "-wal", "-shm"):
            Path(self.database + end).unlink(missing_ok=True)
        self._copy.rename(self.database)


class PostgresBackup:
    """`pg_dump`; back with `dropdb`, `createdb` and `pg_restore`, as docs/collector.md has it."""

    def __init__(self, folder: Path, server: Postgres) -> None:
        self._server, self._copy, self.database = server, str(folder / "yesterday.dump"), server.create("restored")

    def keep(self) -> None:
        self._do("pg_dump", "--format=custom", f"--file={self._copy}", self.database)

    def put_back(self) -> None:
        host = self.database.partition("host=")[2].partition("&")[0]
        self._do("dropdb", f"--host={host}", "--username=centre", "restored")
        self._do(
            "createdb", f"--host={host}", "--username=centre", "--encoding=UTF8", "--template=template0", "restored"
        )
        self._do("pg_restore", "--exit-on-error", f"--dbname={self.database}", self._copy)

    @staticmethod
    def _do(program: str, *arguments: str) -> None:
        done = subprocess.run([str(binaries() / program), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture(params=["sqlite", "postgres"])
def backup(request: pytest.FixtureRequest, tmp_path: Path) -> SqliteBackup | PostgresBackup:
    if request.param == "sqlite":
        return SqliteBackup(tmp_path)
    return PostgresBackup(tmp_path, request.getfixturevalue("postgres"))


async def test_a_restored_backup_and_resend_bring_everything_back_once(
    backup: SqliteBackup | PostgresBackup, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    store = await open_store(tmp_path / "station.sqlite")
    bench = Bench(store, mosquitto.url, RECEIPTS, carry=Commands(store).carry, command_key=COMMANDS, messages=OF_TODAY)
    office = await _open(mosquitto, backup.database)
    for _ in range(4):
        await do_run(store)
    await bench.drained()
    backup.keep()
    for _ in range(5):
        await do_run(store)
    await bench.drained()
    before = rows(backup.database, EVERYTHING)
    assert len(before) == 27
    await office.close()

    backup.put_back()
    office = await _open(mosquitto, backup.database)
    await do_run(store)
    await bench.drained()
    assert rows(backup.database, "SELECT station, from_seq, to_seq FROM gaps") == [(STATION, 13, 27)]
    [(first, last)] = rows(backup.database, "SELECT from_seq, to_seq FROM gaps")
    reply = await send(mosquitto.url, COMMANDS, Order(STATION, "resend", {"from_seq": first, "to_seq": last}))
    assert reply.status == "done"
    await _until_complete(backup.database, 10)
    assert set(before) <= set(rows(backup.database, EVERYTHING)), "to the byte"

    reply = await send(mosquitto.url, COMMANDS, Order(STATION, "resend", {"from_seq": 1, "to_seq": SEQ_MAX}))
    assert reply.status == "done"
    await bench.drained()
    assert rows(backup.database, "SELECT count(*), count(DISTINCT run_id) FROM results") == [(10, 10)]
    assert rows(backup.database, "SELECT count(*) FROM gaps") == [(0,)]
    assert rows(backup.database, "SELECT count(*) FROM alarms") == [(0,)]
    await bench.close()
    await office.close()


async def _open(mosquitto: Mosquitto, database: str) -> Office:
    office = Office(mosquitto.url, open_centre(database), RECEIPTS)
    await asyncio.wait_for(office.ready.wait(), 10.0)
    return office


async def _until_complete(database: str, runs: int) -> None:
    complete: Callable[[], bool] = lambda: rows(database, "SELECT count(*) FROM results") == [(runs,)]  # noqa: E731
    await until(complete, "all results are back")
