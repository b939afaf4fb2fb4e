"""The write-ahead log is grown once, and not again where it is there already."""

from __future__ import annotations

from pathlib import Path

from station.store.schema import _WAL_RESERVE_BYTES, open_database


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
