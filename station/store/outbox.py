"""The outbox in SQL: rows wait until a receipt moves them, and are never deleted here. Runs in the store's thread.

States: `waiting` -> `delivered` on a receipt `stored` or `duplicate`, -> `quarantined` on `rejected`; back to
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
    """Waiting rows except `skip`: alarms, then events and replies, then results; the oldest first."""
    rows = db.execute(
        "SELECT seq, suffix, payload, run_id FROM outbox WHERE state = 'waiting'"
        " AND seq NOT IN (SELECT value FROM json_each(?)) ORDER BY priority, seq LIMIT ?",
        (json.dumps(sorted(skip)), limit),
    )
    return [OutboxRow(seq, f"{prefix}:{seq}", suffix, payload, run_id) for seq, suffix, payload, run_id in rows]


def settle(db: sqlite3.Connection, prefix: str, receipt: ReceiptEntry, now: str) -> Settled:
    """Do what one receipt says. A receipt with another hash, or of a message not ours, changes nothing."""
    head, _, number = receipt.msg_id.rpartition(":")
    row = None
    if head == prefix and number.isascii() and number.isdigit() and len(number) < 19:
        row = db.execute(
            "SELECT seq, sha256, state, suffix, run_id FROM outbox WHERE seq = ?", (int(number),)
        ).fetchone()
    if row is None:
        return Settled("unknown", 0, "", None)
    seq, digest, state, suffix, run_id = row
    if receipt.sha256 != digest:
        return Settled("mismatch", seq, suffix, run_id)
    if state == "delivered" or (state == "quarantined" and receipt.status == "rejected"):
        return Settled("known", seq, suffix, run_id)
    outcome: Outcome = "quarantined" if receipt.status == "rejected" else "delivered"
    db.execute(
        "UPDATE outbox SET state = ?, receipted_at = ?, reason = ? WHERE seq = ?", (outcome, now, receipt.reason, seq)
    )
    return Settled(outcome, seq, suffix, run_id)


def requeue(db: sqlite3.Connection, seqs: Sequence[int] | None) -> int:
    """Quarantined rows (all, or these) wait again, with their old bytes. Rows without bytes stay where they are."""
    chosen = "" if seqs is None else " AND seq IN (SELECT value FROM json_each(?))"
    return db.execute(
        "UPDATE outbox SET state = 'waiting' WHERE state = 'quarantined' AND length(payload) > 0" + chosen,
        () if seqs is None else (json.dumps(list(seqs)),),
    ).rowcount


def read_counts(db: sqlite3.Connection) -> OutboxCounts:
    """Rows by state, from the indexes alone: it may be asked every second."""
    total = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    waiting = db.execute("SELECT count(*) FROM outbox WHERE state = 'waiting'").fetchone()[0]
    quarantined = db.execute("SELECT count(*) FROM outbox WHERE state = 'quarantined'").fetchone()[0]
    return OutboxCounts(waiting, quarantined, (total[0] if total else 0) - waiting - quarantined)
