"""What was asked of the station from outside, in SQL: commands seen, messages to send again, trees to check.

`resending` holds ranges of numbers whose delivered rows are to wait again. They are brought back in pieces, as the
drain comes to them: a row holds its whole message, so that 100,000 rows at once would be half a gigabyte of log and
hold up the journal of a run. Runs in the store's thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from station.domain.commands import (
    Change,
    DropOrder,
    KeepOrder,
    KeepTree,
    Kept,
    ResendRange,
    ResendRun,
    Resent,
    TooMany,
)
from station.store import orders
from station.store.journal import Codec

MIGRATION = (
    "CREATE TABLE resending (place INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL)",
    """CREATE TABLE applying (
        place INTEGER PRIMARY KEY AUTOINCREMENT, cmd_id TEXT, sha256 TEXT NOT NULL, archive BLOB NOT NULL,
        asked_at TEXT NOT NULL)""",
)
MIGRATION_ASKER = ("ALTER TABLE applying ADD COLUMN asked_by TEXT",)
PIECE, PIECE_BYTES = 256, 2 << 20
"""Rows looked at in one commit, and of payloads brought back in it, but for one message."""
TREES_MAX = 4
"""Trees that may wait to be checked; each takes a second or two."""


@dataclass(frozen=True, slots=True)
class WaitingTree:
    """The archive of a configuration, not checked yet. `cmd_id` None: nobody far away waits for a reply, and
    `asked_by` says who at the bench sent it."""

    place: int
    cmd_id: str | None
    sha256: str
    archive: bytes
    asked_by: str | None = None


def remember(db: sqlite3.Connection, cmd_id: str, now: str) -> bool:
    """Keep a command's number for ever. False: it was seen before."""
    return db.execute("INSERT INTO commands VALUES (?, ?) ON CONFLICT DO NOTHING", (cmd_id, now)).rowcount == 1


def change(
    db: sqlite3.Connection, codec: Codec, changes: Sequence[Change], now: str, cmd_id: str | None = None
) -> Kept:
    """Make these changes, in order; what is only known then comes back. `cmd_id`: of the command that asks for them,
    None where it came by the bench's own socket."""
    kept: Kept = None
    for one in changes:
        match one:
            case ResendRange(first, last):
                kept = _resend(db, first, last)
            case ResendRun(run_id):
                kept = _resend_run(db, run_id)
            case KeepTree():
                kept = _keep_tree(db, one, cmd_id, now)
            case KeepOrder() | DropOrder():
                orders.change(db, codec, (one,), now)
    return kept


# ---- messages again ----------------------------------------------------------------------------------------
def _resend(db: sqlite3.Connection, first: int, last: int) -> Resent:
    """The range waits to be brought back. Counted without reading a message."""
    last = min(last, db.execute("SELECT coalesce(max(seq), 0) FROM outbox").fetchone()[0])
    rows = db.execute("SELECT count(*) FROM outbox WHERE seq BETWEEN ? AND ?", (first, last)).fetchone()[0]
    waiting, quarantined = (
        db.execute(
            f"SELECT count(*) FROM outbox INDEXED BY outbox_{state} WHERE state = '{state}' AND seq BETWEEN ? AND ?",
            (first, last),
        ).fetchone()[0]
        for state in ("waiting", "quarantined")
    )
    resent = Resent(rows - waiting - quarantined, waiting, quarantined)
    if resent.again:
        db.execute("DELETE FROM resending WHERE first >= ? AND last <= ?", (first, last))
        db.execute("INSERT INTO resending (first, last) VALUES (?, ?)", (first, last))
    return resent


def _resend_run(db: sqlite3.Connection, run_id: str) -> Resent:
    """The rows of one run are few: they wait again at once."""
    rows = db.execute("SELECT state, count(*) FROM outbox WHERE run_id = ? GROUP BY state", (run_id,))
    counts: dict[str, int] = dict(rows.fetchall())
    db.execute("UPDATE outbox SET state = 'waiting' WHERE state = 'delivered' AND run_id = ?", (run_id,))
    return Resent(counts.get("delivered", 0), counts.get("waiting", 0), counts.get("quarantined", 0))


def is_resending(db: sqlite3.Connection) -> bool:
    """Whether a range waits to be brought back."""
    return db.execute("SELECT 1 FROM resending LIMIT 1").fetchone() is not None


def bring_back(db: sqlite3.Connection) -> bool:
    """Bring back the next piece that holds anything. False: nothing is left. To be called within a transaction."""
    while (row := db.execute("SELECT place, first, last FROM resending ORDER BY place LIMIT 1").fetchone()) is not None:
        place, first, last = row
        upto = _end_of_piece(db, first, min(last, first + PIECE - 1))
        sql = "UPDATE outbox SET state = 'waiting' WHERE state = 'delivered' AND seq BETWEEN ? AND ?"
        found = db.execute(sql, (first, upto)).rowcount
        if upto == last:
            db.execute("DELETE FROM resending WHERE place = ?", (place,))
        else:
            db.execute("UPDATE resending SET first = ? WHERE place = ?", (upto + 1, place))
        if found:
            return is_resending(db)
    return False


def _end_of_piece(db: sqlite3.Connection, first: int, last: int) -> int:
    """Up to which row there are not too many bytes to bring back at once."""
    sql = "SELECT seq, length(payload) FROM outbox WHERE state = 'delivered' AND seq BETWEEN ? AND ? ORDER BY seq"
    size = 0
    for seq, length in db.execute(sql, (first, last)):
        size += length
        if size > PIECE_BYTES:
            return max(first, int(seq) - 1)
    return last


# ---- configurations ----------------------------------------------------------------------------------------
def _keep_tree(db: sqlite3.Connection, tree: KeepTree, cmd_id: str | None, now: str) -> Kept:
    if db.execute("SELECT count(*) FROM applying").fetchone()[0] >= TREES_MAX:
        return TooMany(f"apply: {TREES_MAX} configurations wait to be checked already; send it again in a minute")
    db.execute(
        "INSERT INTO applying (cmd_id, sha256, archive, asked_at, asked_by) VALUES (?, ?, ?, ?, ?)",
        (cmd_id, tree.sha256, tree.archive, now, tree.asked_by),
    )
    return None


def next_tree(db: sqlite3.Connection) -> WaitingTree | None:
    """The tree that has waited longest."""
    row = db.execute("SELECT place, cmd_id, sha256, archive, asked_by FROM applying ORDER BY place LIMIT 1").fetchone()
    return None if row is None else WaitingTree(*row)


def drop_tree(db: sqlite3.Connection, place: int) -> None:
    """It was checked."""
    db.execute("DELETE FROM applying WHERE place = ?", (place,))
