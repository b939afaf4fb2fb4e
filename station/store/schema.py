"""The tables of the store, their versions, and how the database is opened. Rows are described here and nowhere else.

`runs` is the journal and the history in one: `draft` while a run is open, `record` when it is finished.
`steps` holds the committed steps of open runs only; a finished record carries its own. `outbox` rows wait,
then stay as history ("delivered") or in quarantine; their payload is never changed.
"""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path

from station.domain.errors import StoreError
from station.store import asked, orders, outbox, paper, retention

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        """CREATE TABLE runs (
            run_no INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL UNIQUE, draft TEXT, record TEXT,
            purpose TEXT NOT NULL, plan TEXT NOT NULL, product TEXT NOT NULL, serial_number TEXT NOT NULL,
            work_order TEXT, simulated INTEGER NOT NULL, started_at TEXT NOT NULL, ended_at TEXT, verdict TEXT)""",
        "CREATE INDEX runs_serial_number ON runs (serial_number)",
        """CREATE TABLE steps (
            run_id TEXT NOT NULL, position INTEGER NOT NULL, attempt INTEGER NOT NULL, step TEXT NOT NULL,
            PRIMARY KEY (run_id, position, attempt)) WITHOUT ROWID""",
        """CREATE TABLE outbox (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, suffix TEXT NOT NULL, priority INTEGER NOT NULL,
            payload BLOB NOT NULL, sha256 TEXT NOT NULL, run_id TEXT, created_at TEXT NOT NULL,
            state TEXT NOT NULL, receipted_at TEXT, reason TEXT)""",
        "CREATE INDEX outbox_waiting ON outbox (priority, seq) WHERE state = 'waiting'",
        "CREATE INDEX outbox_quarantined ON outbox (seq) WHERE state = 'quarantined'",
        "CREATE INDEX outbox_run ON outbox (run_id) WHERE run_id IS NOT NULL",
        "CREATE TABLE commands (cmd_id TEXT PRIMARY KEY, seen_at TEXT NOT NULL) WITHOUT ROWID",
    ),
    (
        """CREATE TABLE earlier_runs (
            run_id TEXT NOT NULL, place INTEGER NOT NULL, run TEXT NOT NULL,
            PRIMARY KEY (run_id, place)) WITHOUT ROWID""",
        "CREATE INDEX runs_work_order ON runs (work_order) WHERE work_order IS NOT NULL",
    ),
    paper.MIGRATION,
    orders.MIGRATION,
    asked.MIGRATION,
    outbox.MIGRATION,
    asked.MIGRATION_ASKER,
    retention.MIGRATION,
)
"""One entry a version: the statements that lead to it from the one before. Entries are only ever appended."""

_WAL_RESERVE_BYTES = 1 << 20


def open_database(path: Path) -> sqlite3.Connection:
    """Open or create the store, bring it to the present version, and make commits durable (WAL, synchronous=FULL).

    Raises `StoreError` for a newer version than this software knows and for a file system without WAL;
    `sqlite3.Error` for everything that SQLite says itself.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None, timeout=5.0)
    try:
        mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise StoreError(f"{path}: the journal mode is {mode}, not WAL; put the store on a local file system")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA secure_delete = ON")  # what is deleted leaves no text in pages that are free
        _migrate(db, path)
        reserve_log(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path}: written by a newer version (schema {version}, this software knows {len(MIGRATIONS)}); "
            "install the newer software or take another path"
        )
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        db.execute("BEGIN IMMEDIATE")
        for statement in statements:
            db.execute(statement)
        if number == 1:
            db.execute("INSERT INTO meta VALUES ('store_epoch', ?), ('session', '0')", (secrets.token_hex(4),))
        db.execute(f"PRAGMA user_version = {number}")
        db.execute("COMMIT")


def reserve_log(db: sqlite3.Connection, path: Path) -> None:
    """Grow the write-ahead log once, so that later commits overwrite it: a sync without a change of the file's
    size takes about half the time (0.17 against 0.32 ms where it was measured)."""
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size > _WAL_RESERVE_BYTES:
        return  # left by a process that died, or another connection's
    db.execute("BEGIN")
    db.execute("CREATE TABLE log_reserve (x)")
    db.execute("INSERT INTO log_reserve VALUES (zeroblob(?))", (_WAL_RESERVE_BYTES,))
    db.execute("DROP TABLE log_reserve")
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(PASSIVE)")  # RESTART would hold up writers for as long as somebody reads
