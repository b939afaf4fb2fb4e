"""The outbox in SQL: rows wait until a receipt moves them, and are never deleted here. Runs in the store's thread.

States: `waiting` -> `delivered` on a receipt `stored` or `duplicate`, -> `quarantined` on `rejected` or where the
broker takes no message of that size; back to
`waiting` by a person (`requeue`) or by the centre (`resend`). Knows no message: what it reads of a receipt is
handed in, checked by others.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from station.domain.errors import MessageError
from station.domain.outbox import Draft, Slot

Outcome = Literal["delivered", "quarantined", "mismatch", "known", "unknown"]
_PRIORITY = {"alarm": 0, "event": 1, "reply": 1, "result": 2}
READ_BYTES_MAX = 1 << 20
"""Of payloads read at once, but for one message."""

MIGRATION = (
    "CREATE TABLE outbox_counts (state TEXT PRIMARY KEY, rows INTEGER NOT NULL) WITHOUT ROWID",
    """INSERT INTO outbox_counts SELECT 'waiting', count(*) FROM outbox WHERE state = 'waiting'
        UNION ALL SELECT 'quarantined', count(*) FROM outbox WHERE state = 'quarantined'""",
    """CREATE TRIGGER outbox_added AFTER INSERT ON outbox BEGIN
        UPDATE outbox_counts SET rows = rows + 1 WHERE state = NEW.state; END""",
    """CREATE TRIGGER outbox_moved AFTER UPDATE OF state ON outbox BEGIN
        UPDATE outbox_counts SET rows = rows - 1 WHERE state = OLD.state;
        UPDATE outbox_counts SET rows = rows + 1 WHERE state = NEW.state; END""",
    """CREATE TRIGGER outbox_removed AFTER DELETE ON outbox BEGIN
        UPDATE outbox_counts SET rows = rows - 1 WHERE state = OLD.state; END""",
)
"""Rows by state, kept by SQLite: counting 100,000 that wait took 12 ms, and `status` asks every second."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A row that is due: exactly these bytes go out, on the topic that ends in `suffix`."""

    seq: int
    msg_id: str
    suffix: str
    payload: bytes
    run_id: str | None


@dataclass(frozen=True, slots=True)
class ReceiptEntry:
    """What a verified receipt says."""

    msg_id: str
    sha256: str
    status: Literal["stored", "duplicate", "rejected"]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What a receipt did: `delivered` or `quarantined` now, `known` (settled before), `mismatch`, `unknown`."""

    outcome: Outcome
    seq: int
    suffix: str
    run_id: str | None


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """How many rows are in each state; `delivered` counts those that were purged since, too."""

    waiting: int
    quarantined: int
    delivered: int


def add_messages(
    db: sqlite3.Connection, prefix: str, messages: Sequence[Draft], now: str, *, keep_refused: bool = False
) -> tuple[str, ...]:
    """Give each message its slot and store its bytes. `prefix` is `{station}:{store_epoch}`.

    A message that the contract refuses raises `MessageError`; with `keep_refused` its row goes to quarantine
    without a payload, and the reasons are returned (the record in the journal must not depend on it).
    """
    refused = []
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    for seq, message in enumerate(messages, start=(row[0] if row else 0) + 1):
        payload, state, reason = b"", "waiting", None
        try:
            payload = message.encode(Slot(f"{prefix}:{seq}", seq))
        except MessageError as error:
            if not keep_refused:
                raise
            state, reason = "quarantined", str(error)
            refused.append(reason)
        digest = hashlib.sha256(payload).hexdigest()
        db.execute(
            "INSERT INTO outbox (seq, suffix, priority, payload, sha256, run_id, created_at, state, reason)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (seq, message.suffix, _PRIORITY[message.suffix], payload, digest, message.run_id, now, state, reason),
        )
    return tuple(refused)


def read_due(db: sqlite3.Connection, prefix: str, limit: int, skip: Collection[int]) -> list[OutboxRow]:
    """Waiting rows except `skip`: alarms, then events and replies, then results; the oldest first.

    Fewer than `limit` where their payloads have more than `READ_BYTES_MAX`, but at least one where there is one.
    """
    found, read = [], 0
    for seq, suffix, payload, run_id in db.execute(
        "SELECT seq, suffix, payload, run_id FROM outbox WHERE state = 'waiting'"
        " AND seq NOT IN (SELECT value FROM json_each(?)) ORDER BY priority, seq LIMIT ?",
        (json.dumps(sorted(skip)), limit),
    ):
        found.append(OutboxRow(seq, f"{prefix}:{seq}", suffix, payload, run_id))
        read += len(payload)
        if read > READ_BYTES_MAX:
            break
    return found


def settle(db: sqlite3.Connection, prefix: str, receipts: Sequence[ReceiptEntry], now: str) -> list[Settled]:
    """Do what receipts say, one after the other. One with another hash, or of a message not ours, changes nothing."""
    asked = [_number(prefix, receipt.msg_id) for receipt in receipts]
    known = {
        row[0]: row[1:]
        for row in db.execute(
            "SELECT seq, sha256, state, suffix, run_id FROM outbox WHERE seq IN (SELECT value FROM json_each(?))",
            (json.dumps([seq for seq in asked if seq is not None]),),
        )
    }
    settled, changes = [], []
    for seq, receipt in zip(asked, receipts, strict=True):
        row = None if seq is None else known.get(seq)
        result = _settle_one(seq, row, receipt)
        if row is not None and result.outcome in ("delivered", "quarantined"):
            known[seq] = (row[0], result.outcome, *row[2:])
            changes.append((result.outcome, now, receipt.reason, seq))
        settled.append(result)
    db.executemany("UPDATE outbox SET state = ?, receipted_at = ?, reason = ? WHERE seq = ?", changes)
    return settled


def _number(prefix: str, msg_id: str) -> int | None:
    """The row that a `msg_id` speaks of, if it is one of this store."""
    head, _, number = msg_id.rpartition(":")
    ours = head == prefix and number.isascii() and number.isdigit() and len(number) < 19
    return int(number) if ours else None


def _settle_one(seq: int | None, row: tuple[str, str, str, str | None] | None, receipt: ReceiptEntry) -> Settled:
    if seq is None or row is None:
        return Settled("unknown", 0, "", None)
    digest, state, suffix, run_id = row
    if receipt.sha256 != digest:
        return Settled("mismatch", seq, suffix, run_id)
    if state == "delivered" or (state == "quarantined" and receipt.status == "rejected"):
        return Settled("known", seq, suffix, run_id)
    return Settled("quarantined" if receipt.status == "rejected" else "delivered", seq, suffix, run_id)


def quarantine(db: sqlite3.Connection, seq: int, reason: str) -> None:
    """A row that cannot be sent waits for a person."""
    db.execute("UPDATE outbox SET state = 'quarantined', reason = ? WHERE seq = ? AND state = 'waiting'", (reason, seq))


def requeue(db: sqlite3.Connection, run_id: str | None) -> int:
    """Quarantined rows (all, or those of a run) wait again, with their old bytes. Rows without bytes stay."""
    return db.execute(
        "UPDATE outbox SET state = 'waiting' WHERE state = 'quarantined' AND length(payload) > 0"
        " AND (?1 IS NULL OR run_id = ?1)",
        (run_id,),
    ).rowcount


def read_counts(db: sqlite3.Connection) -> OutboxCounts:
    """Rows by state, without counting any: it may be asked every second."""
    total = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    rows = dict(db.execute("SELECT state, rows FROM outbox_counts").fetchall())
    waiting, quarantined = rows["waiting"], rows["quarantined"]
    return OutboxCounts(waiting, quarantined, (total[0] if total else 0) - waiting - quarantined)
