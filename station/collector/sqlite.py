"""The centre's database as one SQLite file: WAL and synchronous=FULL, several workers on one machine side by side."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from station.collector.budget import AlarmBudget
from station.collector.centre import CentreAlarm, Incoming, Stored
from station.collector.dialect import SQLITE, Transaction
from station.collector.schema import migrate
from station.collector.taking import RowRefused, take, take_all
from station.domain.clock import utc_text
from station.domain.errors import CentreError

log = logging.getLogger(__name__)
T = TypeVar("T")
BUSY_S = 30.0
"""How long a worker waits for its turn while others commit."""
_CLOSE_S = 1.0
_REFUSED = (sqlite3.IntegrityError, sqlite3.DataError, OverflowError)
_NEXT = "make room, or stop the workers and put the file right; nothing is receipted until then"


class SqliteCentre:
    """Opened when made. A file that is put in the place of this one is noticed, and nothing receipted into the old."""

    def __init__(self, path: Path) -> None:
        """Raises `OSError`, `sqlite3.Error` and `SettingsError` for a file that cannot be opened, made or written."""
        self._path = path
        self._budget = AlarmBudget()
        self.alarm_counts = self._budget.counts
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._open()

    def ready(self) -> None:
        with self._lock:
            if self._db is not None and self._file != _file_at(self._path):
                self._db.close()
                self._db = None
            if self._db is None:
                with self._said():
                    self._open()

    def take(self, messages: Sequence[Incoming], alarms: Sequence[CentreAlarm], now: str) -> list[Stored]:
        with self._lock:
            return take_all(
                lambda part, said, bare: self._commit(
                    lambda to: take(to, part, said, now, bare, self._budget.allow)
                ), messages, alarms,
            )  # fmt: skip

    def stations_online(self) -> int:
        with self._lock, self._said():
            sql = "SELECT count(*) FROM latest WHERE kind = 'presence' AND state = 'online'"
            return int(self._connected().execute(sql).fetchone()[0])

    def look(self, read: Callable[[Transaction], T]) -> T:
        with self._lock, self._said():
            return read(_SqliteTransaction(self._connected()))

    def change(self, write: Callable[[Transaction], T]) -> T:
        with self._lock:
            return self._commit(write)

    def reclaim(self) -> None:
        """Indexes are written anew, because a page that was split may keep what left it, and the log is emptied."""
        with self._lock, self._said():
            db = self._connected()
            for index in ("results_serial_number", "results_work_order", "events_work_order"):
                db.execute(f"REINDEX {index}")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Whole in its one file again, if nobody else has it open: no -wal and no -shm stay beside it."""
        if self._db is None or not self._lock.acquire(timeout=_CLOSE_S):
            return
        try:
            self._db.execute("PRAGMA busy_timeout = 500")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:  # nothing is lost by it: the next one to open it reads the log
            log.warning("the centre's database was closed with its log beside it: %s", error)
        finally:
            self._db.close()
            self._db = None
            self._lock.release()

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, isolation_level=None, timeout=BUSY_S, check_same_thread=False)
        try:
            _use_log(db)
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA secure_delete = ON")  # what is purged leaves no text in pages that are free
            with _transaction(db) as transaction:
                migrate(transaction, SQLITE, str(self._path), utc_text(datetime.now(UTC)))
        except BaseException:
            db.close()
            raise
        self._db, self._file = db, _file_at(self._path)

    def _connected(self) -> sqlite3.Connection:
        if self._db is None:
            raise CentreError(f"{self._path}: not open")
        return self._db

    def _commit(self, write: Callable[[Transaction], T]) -> T:
        with self._said():
            try:
                with _transaction(self._connected()) as transaction:
                    answers = write(transaction)
            except _REFUSED as error:
                raise RowRefused(str(error)) from error
        if self._file != _file_at(self._path):
            raise CentreError(f"{self._path}: another file is in its place; what went into the old one has no receipt")
        return answers

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What SQLite and the system say becomes a `CentreError` with what to do about it."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            name = getattr(error, "sqlite_errorname", "") or getattr(error, "strerror", "")
            raise CentreError(f"{self._path}: {error} ({name}); {_NEXT}") from error


def _use_log(db: sqlite3.Connection) -> None:
    """To WAL. SQLite does not wait for a worker that changes to it or closes the last log just now; so we do."""
    ends_s = time.monotonic() + BUSY_S
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= ends_s:
                raise
            time.sleep(0.01)


class _SqliteTransaction:
    """`Transaction` on SQLite."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, values).fetchall()

    def insert_each(self, sql: str, rows: Sequence[Sequence[Any]]) -> list[bool]:
        return [self._db.execute(sql, row).rowcount == 1 for row in rows]

    def insert_all(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        places = ", ".join("?" * len(columns))
        self._db.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[Transaction]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield _SqliteTransaction(db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _file_at(path: Path) -> tuple[int, int]:
    try:
        there = os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        return (0, 0)
    return there.st_dev, there.st_ino
