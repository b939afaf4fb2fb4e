"""The slips of finished runs in SQL: due with the run's own commit, pending until a printer printed them, kept after.

States: `kept` (due, but no printer was configured: nothing prints it by itself), `pending` -> `printed`, or `failed`
(it could not be drawn, again and again; nothing tries it until a person asks for it, then it is `pending`). A row is
marked as tried before its first byte goes out: who finds it pending and tried cannot know whether it came out, and
prints it as a second one. Runs in the store's thread.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable

from station.domain.errors import StoreError
from station.domain.paper import DuePaper, PaperKind, PendingPaper

MIGRATION = (
    """CREATE TABLE paper (
        id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
        reprint INTEGER NOT NULL, made_at TEXT NOT NULL, tried_at TEXT, printed_at TEXT)""",
    "CREATE INDEX paper_pending ON paper (id) WHERE state = 'pending'",
    "CREATE INDEX paper_run ON paper (run_id)",
)


def add(db: sqlite3.Connection, run_id: str, due: Iterable[DuePaper], now: str) -> int:
    """Write down what a run that ends is entitled to; returns how many of it wait for the printer."""
    rows = [(run_id, one.kind, "pending" if one.queued else "kept", now) for one in due]
    db.executemany("INSERT INTO paper (run_id, kind, state, reprint, made_at) VALUES (?, ?, ?, 0, ?)", rows)
    return sum(state == "pending" for _, _, state, _ in rows)


def add_reprint(db: sqlite3.Connection, run_id: str, kind: PaperKind, now: str, *, printed: bool) -> None:
    """Ask for a slip again, or write down that it was made elsewhere. Raises `StoreError` where none was ever due.

    What still waits to be printed for the first time is not asked for twice; what was given up waits again instead.
    """
    if not printed and put_back(db, run_id):
        return
    states = [state for (state,) in db.execute("SELECT state FROM paper WHERE run_id = ? AND kind = ?", (run_id, kind))]
    if not states:
        raise StoreError(
            f"run {run_id}: no {kind} was due when it ended (a label needs a PASS, purpose outgoing and a plan with "
            "`label = true`); nothing is printed"
        )
    if "pending" in states and not printed:
        raise StoreError(f"run {run_id}: its {kind} waits for the printer already; load labels and look at the printer")
    state, at = ("printed", now) if printed else ("pending", None)
    db.execute(
        "INSERT INTO paper (run_id, kind, state, reprint, made_at, printed_at) VALUES (?, ?, ?, 1, ?, ?)",
        (run_id, kind, state, now, at),
    )


def next_pending(db: sqlite3.Connection, skip: Collection[int]) -> PendingPaper | None:
    """The oldest slip that waits, except those in `skip`, with the record that it is made from."""
    row = db.execute(
        "SELECT id, run_id, kind, reprint, tried_at IS NOT NULL, work_order, record FROM paper JOIN runs USING (run_id)"
        " WHERE state = 'pending' AND record IS NOT NULL AND id NOT IN (SELECT value FROM json_each(?))"
        " ORDER BY id LIMIT 1",
        (json.dumps(sorted(skip)),),
    ).fetchone()
    if row is None:
        return None
    number, run_id, kind, reprint, tried, work_order, record = row
    return PendingPaper(number, run_id, kind, bool(reprint), bool(reprint or tried), work_order, record)


def mark_tried(db: sqlite3.Connection, number: int, at: str | None) -> None:
    """Bytes are about to go out (`at`), or none did (None)."""
    db.execute("UPDATE paper SET tried_at = ? WHERE id = ?", (at, number))


def mark_printed(db: sqlite3.Connection, number: int, now: str) -> None:
    """It is out."""
    db.execute("UPDATE paper SET state = 'printed', printed_at = ? WHERE id = ?", (now, number))


def mark_failed(db: sqlite3.Connection, number: int) -> None:
    """It is given up: it cannot be drawn."""
    db.execute("UPDATE paper SET state = 'failed' WHERE id = ?", (number,))


def put_back(db: sqlite3.Connection, run_id: str) -> bool:
    """Have what was given up of a run wait again, of whatever kind; whether there was anything."""
    return (
        db.execute("UPDATE paper SET state = 'pending' WHERE run_id = ? AND state = 'failed'", (run_id,)).rowcount > 0
    )


def count_pending(db: sqlite3.Connection) -> int:
    """How many wait."""
    return int(db.execute("SELECT count(*) FROM paper WHERE state = 'pending'").fetchone()[0])


def read_work_order(db: sqlite3.Connection, run_id: str) -> str | None:
    """The work order of a run; None for an unknown run, too."""
    row = db.execute("SELECT work_order FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    return None if row is None else row[0]
