"""How what is old goes from the store: whole, a few runs at a time, and never altered.

A record is signed for by its hash, so a run goes with all that hangs on it, or stays as it is. `purges` says how many
went, when and by which bound, and `purged_runs` which numbers, so that a gap in them explains itself; neither says
whose they were. All of it on a connection of its own, beside the daemon's. What may go is in `old_runs`; captures, and
what goes when, are in `station.purging`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from station.store.old_runs import Bound, Named, OldRun, is_referred_to_since, is_resent, why_kept

MIGRATION = (
    """CREATE TABLE purges (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, bound TEXT NOT NULL, runs INTEGER NOT NULL,
        messages INTEGER NOT NULL, captures INTEGER NOT NULL, bytes INTEGER NOT NULL,
        traceless INTEGER NOT NULL DEFAULT 0)""",
    "CREATE TABLE purged_runs (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, purge INTEGER NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class PurgeEntry:
    """One purge as it is remembered. `run_nos`: such as `1-20, 25`."""

    at: str
    bound: str
    runs: int
    messages: int
    captures: int
    bytes: int
    run_nos: str


def begin_entry(db: sqlite3.Connection, bound: Bound, at: str) -> int:
    """The entry of a purge that is to delete something, as part of its first commit."""
    sql = "INSERT INTO purges (at, bound, runs, messages, captures, bytes) VALUES (?, ?, 0, 0, 0, 0) RETURNING id"
    return int(db.execute(sql, (at, bound.words)).fetchone()[0])


def delete_runs(
    db: sqlite3.Connection, entry: int, runs: Sequence[OldRun], newest: int, named: Named = ()
) -> list[OldRun]:
    """Delete these, each whole, but for what must stay by now; within the caller's transaction. `newest`: as found."""
    gone = []
    for run in runs:
        there = db.execute("SELECT 1 FROM runs WHERE run_no = ?", (run.run_no,)).fetchone()
        if there is None or why_kept(db, run.run_no, run.run_id, named) is not None:
            continue
        if is_referred_to_since(db, run.run_id, newest):
            continue
        for table in ("outbox", "paper", "earlier_runs", "steps", "runs"):
            db.execute(f"DELETE FROM {table} WHERE run_id = ?", (run.run_id,))
        _note_number(db, entry, run.run_no)
        gone.append(run)
    messages, size = sum(run.messages for run in gone), sum(run.bytes for run in gone)
    _add_to(db, entry, runs=len(gone), messages=messages, bytes_=size)
    return gone


def delete_loose(db: sqlite3.Connection, entry: int, loose: Sequence[tuple[int, int]]) -> list[int]:
    """Delete these messages where they are still delivered; the bytes of each that went."""
    gone = [
        size for seq, size in loose
        if not is_resent(db, seq)
        and db.execute("DELETE FROM outbox WHERE seq = ? AND state = 'delivered'", (seq,)).rowcount
    ]  # fmt: skip
    _add_to(db, entry, messages=len(gone), bytes_=sum(gone))
    return gone


def delete_brought(db: sqlite3.Connection, bound: Bound) -> bool:
    """Delete what work orders brought of earlier runs of this device or order: no part of any record. Whether any."""
    found = 0
    for column, value in (("serial_number", bound.serial_number), ("work_order", bound.work_order)):
        if value is not None:
            sql = f"DELETE FROM earlier_runs WHERE json_extract(run, '$.{column}') = ?"
            found += db.execute(sql, (value,)).rowcount
    return found > 0


def note_captures(db: sqlite3.Connection, entry: int, files: int, size: int) -> None:
    """Sound that was deleted with what the entry speaks of."""
    _add_to(db, entry, captures=files, bytes_=size)


def _add_to(
    db: sqlite3.Connection, entry: int, *, runs: int = 0, messages: int = 0, captures: int = 0, bytes_: int = 0
) -> None:
    db.execute(
        "UPDATE purges SET runs = runs + ?, messages = messages + ?, captures = captures + ?, bytes = bytes + ?"
        " WHERE id = ?", (runs, messages, captures, bytes_, entry),
    )  # fmt: skip


def _note_number(db: sqlite3.Connection, entry: int, run_no: int) -> None:
    """Numbers come from the latest down: the range that begins right after this one grows."""
    sql = "UPDATE purged_runs SET first = ? WHERE first = ? AND purge = ?"
    if not db.execute(sql, (run_no, run_no + 1, entry)).rowcount:
        db.execute("INSERT INTO purged_runs VALUES (?, ?, ?)", (run_no, run_no, entry))


def read_entries(db: sqlite3.Connection) -> list[PurgeEntry]:
    """What was purged, the latest first."""
    ranges: dict[int, list[str]] = {}
    for first, last, purge in db.execute("SELECT first, last, purge FROM purged_runs ORDER BY first"):
        ranges.setdefault(purge, []).append(f"{first}-{last}" if last > first else str(first))
    rows = db.execute("SELECT id, at, bound, runs, messages, captures, bytes FROM purges ORDER BY id DESC")
    return [
        PurgeEntry(at, bound, runs, messages, captures, size, ", ".join(ranges.get(number, ())))
        for number, at, bound, runs, messages, captures, size in rows
    ]


def rewrite_indexes(db: sqlite3.Connection) -> None:
    """Write the indexes of serial numbers and work orders anew: a page that was split may keep what left it, also
    where deleted rows are overwritten. Not beside a run: it takes some 10 ms for each 10,000 runs."""
    for index in ("runs_serial_number", "runs_work_order"):
        db.execute(f"REINDEX {index}")


def has_traces(db: sqlite3.Connection) -> bool:
    """Whether something was deleted, now or by a purge that did not come to its end, and its traces were not yet."""
    return db.execute("SELECT 1 FROM purges WHERE NOT traceless LIMIT 1").fetchone() is not None


def note_traceless(db: sqlite3.Connection) -> None:
    """Neither index nor log holds anything of what was deleted."""
    db.execute("UPDATE purges SET traceless = 1 WHERE NOT traceless")
