"""The centre's database on PostgreSQL (psycopg 3): any number of workers on any number of machines.

Needs the extra `centre`; imported by `station.collector.database` only when a postgresql:// address was given.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg
from psycopg import sql as pg
from psycopg.conninfo import conninfo_to_dict

from station.collector.budget import AlarmBudget
from station.collector.centre import CentreAlarm, Incoming, Stored
from station.collector.dialect import POSTGRES, Transaction
from station.collector.schema import MIGRATIONS, migrate, read_version, refuse_newer
from station.collector.taking import RowRefused, take, take_all
from station.domain.clock import utc_text
from station.domain.errors import CentreError, SettingsError

log = logging.getLogger(__name__)
logging.getLogger("psycopg").addFilter(lambda record: not str(record.msg).startswith("error ignored"))
"""psycopg's word on what follows from an error that it raises too, at each death of the server; that one is said."""
T = TypeVar("T")
_DEFAULTS = {
    "application_name": "bench-collector", "connect_timeout": "10", "keepalives_idle": "30",
    "keepalives_interval": "10", "keepalives_count": "3", "tcp_user_timeout": "60000",
}  # fmt: skip
"""A server whose machine is gone is noticed within about a minute; one that only hangs is waited for."""
_MIGRATION_LOCK = 0x62656E6368
_TRIES = 5
_CLOSE_S = 1.0
_REFUSED = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)
_AGAIN = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)


def read_address(url: str) -> dict[str, Any]:
    """What psycopg is told. Raises `SettingsError` for what libpq cannot read, or an address that holds a password."""
    try:
        told = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise SettingsError(f"--database: {error}; write postgresql://user@host/name") from error
    if "password" in told:
        raise SettingsError(
            "--database: a password on a command line is seen by everybody on the machine; put it into ~/.pgpass, "
            "a file that PGPASSFILE names, or a service file (docs/collector.md)"
        )
    return {**_DEFAULTS, **told}


class PostgresCentre:
    """Connects in `ready`. A connection that was lost while nobody needed it is replaced once within a call."""

    def __init__(self, url: str) -> None:
        """`url` as libpq reads it. Raises `SettingsError` for one that it cannot read, or that holds a password."""
        self._told = read_address(url)
        self._name = url
        self._budget = AlarmBudget()
        self.alarm_counts = self._budget.counts
        self._lock = threading.Lock()
        self._db: psycopg.Connection | None = None

    def ready(self) -> None:
        with self._lock, self._said():
            if self._db is None or self._db.closed:
                self._db = self._connect()

    def take(self, messages: Sequence[Incoming], alarms: Sequence[CentreAlarm], now: str) -> list[Stored]:
        with self._lock:
            return take_all(
                lambda part, said, bare: self._commit(
                    lambda to: take(to, part, said, now, bare, self._budget.allow)
                ), messages, alarms,
            )  # fmt: skip

    def stations_online(self) -> int:
        sql = "SELECT count(*) FROM latest WHERE kind = 'presence' AND state = 'online'"
        with self._lock:
            return int(self._commit(lambda transaction: transaction.run(sql))[0][0])

    def look(self, read: Callable[[Transaction], T]) -> T:
        return self.change(read)

    def change(self, write: Callable[[Transaction], T]) -> T:
        with self._lock:
            return self._commit(write)

    def reclaim(self) -> None:
        """Rows that are gone become free room of their tables; the files keep their size."""
        with self._lock, self._said():
            for table in ("messages", "results", "measurements", "steps", "findings", "events", "replies", "alarms"):
                if self._db is not None:
                    self._db.execute(pg.SQL("VACUUM {}").format(pg.Identifier(table)))

    def close(self) -> None:
        """The server rolls back what was open. A call that hangs is left to the end of the process."""
        if self._db is not None and self._lock.acquire(timeout=_CLOSE_S):
            self._db.close()
            self._db = None
            self._lock.release()

    def _connect(self) -> psycopg.Connection:
        db = psycopg.connect(autocommit=True, **self._told)
        try:
            db.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            self._check_server(db)
            with db.transaction():
                version = read_version(_PostgresTransaction(db), POSTGRES)
            refuse_newer(version, self._name)
            if version < len(MIGRATIONS):
                with db.transaction():
                    db.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
                    migrate(_PostgresTransaction(db), POSTGRES, self._name, utc_text(datetime.now(UTC)))
        except BaseException:
            db.close()
            raise
        return db

    def _check_server(self, db: psycopg.Connection) -> None:
        encoding, fsync = _setting(db, "server_encoding"), _setting(db, "fsync")
        if encoding != "UTF8":
            raise SettingsError(
                f"--database {self._name}: its encoding is {encoding}, and messages are UTF-8; make one with "
                "createdb --encoding=UTF8 --template=template0"
            )
        if _setting(db, "synchronous_commit") in ("off", "local"):
            db.execute("SET synchronous_commit = on")
        if fsync != "on":
            log.warning("%s: fsync is %s: what is receipted is not on its disk; switch it on", self._name, fsync)

    def _commit(self, write: Callable[[Transaction], T]) -> T:
        with self._said():
            for attempt in range(1, _TRIES + 1):
                if self._db is None or self._db.closed:
                    self._db = self._connect()
                try:
                    with self._db.transaction():
                        return write(_PostgresTransaction(self._db))
                except _REFUSED as error:
                    raise RowRefused(str(error).partition("\n")[0]) from error
                except _AGAIN as error:
                    log.info("%s: %s; again", self._name, str(error).partition("\n")[0])
                except psycopg.OperationalError:
                    if not self._db.closed or attempt > 1:
                        raise
        raise CentreError(f"{self._name}: {_TRIES} times in the way of other transactions; who else writes there?")

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What the server says becomes a `CentreError`; the next `ready` begins with a new connection."""
        try:
            yield
        except psycopg.Error as error:
            if self._db is not None:
                self._db.close()
                self._db = None
            said = " ".join(str(error).split())
            raise CentreError(
                f"{self._name}: {said} ({type(error).__name__}); nothing is receipted until it can be written to"
            ) from error


class _PostgresTransaction:
    """`Transaction` on PostgreSQL. `insert_each` sends all rows before it reads the first answer, and in the order of
    their keys, so that workers side by side wait for each other and never in a circle."""

    def __init__(self, db: psycopg.Connection) -> None:
        self._db = db

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        cursor = self._db.execute(_translated(sql), values)
        return cursor.fetchall() if cursor.description else []

    def insert_each(self, sql: str, rows: Sequence[Sequence[Any]]) -> list[bool]:
        if not rows:
            return []
        written = [False] * len(rows)
        order = sorted(range(len(rows)), key=lambda index: (rows[index][0], rows[index][1] or ""))
        cursor = self._db.cursor()
        cursor.executemany(_translated(sql), [rows[index] for index in order], returning=True)
        for index in order:
            written[index] = cursor.rowcount == 1
            cursor.nextset()
        return written

    def insert_all(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        names = pg.SQL(", ").join(pg.Identifier(name) for name in columns)
        sql = pg.SQL("COPY {} ({}) FROM STDIN").format(pg.Identifier(table), names)
        if rows:
            with self._db.cursor().copy(sql) as copy:
                for row in rows:
                    copy.write_row(row)


def _translated(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def _setting(db: psycopg.Connection, name: str) -> str:
    row = db.execute("SELECT current_setting(%s)", (name,)).fetchone()
    assert row is not None
    return str(row[0])
