"""The write-ahead log is grown once, and not again where it is there already."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from station.store.schema import _WAL_RESERVE_BYTES, open_database, reserve_log


def test_a_new_store_has_its_log_grown(tmp_path: Path) -> None:
    db = open_database(tmp_path / "station.sqlite")
    assert (tmp_path / "station.sqlite-wal").stat().st_size > _WAL_RESERVE_BYTES
    db.close()


def test_a_log_that_a_dead_process_left_is_not_written_anew(tmp_path: Path) -> None:
    left = open_database(tmp_path / "station.sqlite")
    log = tmp_path / "station.sqlite-wal"
    before = log.read_bytes()
    again = open_database(tmp_path / "station.sqlite")
    assert log.read_bytes() == before
    assert again.execute("SELECT count(*) FROM meta").fetchone()[0] > 0
    again.close()
    left.close()


def test_commits_after_it_overwrite_the_log(tmp_path: Path) -> None:
    db = open_database(tmp_path / "station.sqlite")
    before = (tmp_path / "station.sqlite-wal").stat().st_size
    db.execute("INSERT INTO commands VALUES ('c', '')")
    assert (tmp_path / "station.sqlite-wal").stat().st_size == before
    db.close()


def test_who_reads_keeps_nobody_from_writing_while_the_log_grows(tmp_path: Path) -> None:
    path = tmp_path / "station.sqlite"
    db = open_database(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("INSERT INTO commands VALUES ('c', '')")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM commands").fetchone()
    began_s = time.monotonic()
    reserve_log(db, path)
    assert time.monotonic() - began_s < 2.5, "a writer waits as long, and no longer than 5 s"
    reader.close()
    db.close()
