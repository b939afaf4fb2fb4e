"""Work orders that wait at the bench, in SQL; and what the journal knows of one. Runs in the store's thread.

A row comes with `assign` and goes with `withdraw`, or with the run that says something about the device: a PASS or a
FAIL, committed together with it. An aborted run, an ERROR, a trial of a step or a crash leave it waiting.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence

from station.domain.commands import DropOrder, KeepOrder, OrderChange
from station.domain.errors import MessageError
from station.domain.record import Record
from station.domain.verdict import Verdict
from station.domain.work_order import EarlierRun, WorkOrder
from station.store.journal import Codec

log = logging.getLogger(__name__)

MIGRATION = (
    """CREATE TABLE work_orders (
        place INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL UNIQUE, work_order TEXT NOT NULL,
        accepted INTEGER NOT NULL DEFAULT 0, assigned_at TEXT NOT NULL)""",
)
_FAILED = (
    "runs.verdict = 'FAIL'"
    " OR EXISTS (SELECT 1 FROM json_each(record, '$.steps') WHERE json_extract(value, '$.verdict') = 'FAIL')"
    " OR EXISTS (SELECT 1 FROM json_each(record, '$.steps') AS step, json_each(step.value, '$.measurements') AS made"
    " WHERE json_extract(made.value, '$.verdict') = 'FAIL')"
    " OR EXISTS (SELECT 1 FROM json_each(record, '$.trips') WHERE json_extract(value, '$.blames') = 'dut')"
)
"""`station.domain.earlier.has_failed` in SQL, without reading curves into objects."""
MOST_RUNS = 50
"""Runs of one work order that are looked at, the latest."""


def change(db: sqlite3.Connection, codec: Codec, changes: Sequence[OrderChange], now: str) -> None:
    """Keep or drop these, in order. What is assigned anew keeps its place and its acceptance."""
    for one in changes:
        match one:
            case KeepOrder(order):
                db.execute(
                    "INSERT INTO work_orders (number, work_order, assigned_at) VALUES (?, ?, ?)"
                    " ON CONFLICT (number) DO UPDATE SET work_order = excluded.work_order,"
                    " assigned_at = excluded.assigned_at",
                    (order.number, codec.order_to_json(order), now),
                )
            case DropOrder(number):
                db.execute("DELETE FROM work_orders WHERE number = ?", (number,))


def read_waiting(db: sqlite3.Connection, codec: Codec, number: str | None = None) -> list[tuple[WorkOrder, bool]]:
    """Every order that waits, or that of `number`, in the order in which they came, and whether it is accepted."""
    waiting = []
    sql = "SELECT number, work_order, accepted FROM work_orders WHERE ?1 IS NULL OR number = ?1 ORDER BY place"
    rows = db.execute(sql, (number,))
    for number, text, accepted in rows:
        try:
            waiting.append((codec.order_from_json(text), bool(accepted)))
        except MessageError as error:
            log.error("work order %s cannot be read and does not wait here; have it assigned again: %s", number, error)
    return waiting


def accept(db: sqlite3.Connection, number: str) -> bool:
    """Mark an order as claimed. False: it was already, or it does not wait here."""
    sql = "UPDATE work_orders SET accepted = 1 WHERE number = ? AND NOT accepted"
    return db.execute(sql, (number,)).rowcount == 1


def use_up(db: sqlite3.Connection, record: Record) -> None:
    """A run that says something about the device ends the waiting of its order."""
    if record.verdict in (Verdict.PASS, Verdict.FAIL) and record.purpose != "engineering":
        db.execute("DELETE FROM work_orders WHERE number = ?", (record.work_order,))


def read_runs(db: sqlite3.Connection, work_order: str, *, simulated: bool) -> tuple[EarlierRun, ...]:
    """Finished runs of a work order, oldest first, without causes, figures and curves. A real bench's own are real."""
    rows = db.execute(
        "SELECT run_id, purpose, verdict, ended_at, plan, work_order, serial_number, simulated,"
        f" json_extract(record, '$.station'), json_extract(record, '$.clock.quality'), {_FAILED} FROM runs"
        " WHERE work_order = ? AND record IS NOT NULL AND (? OR NOT simulated) ORDER BY run_no DESC LIMIT ?",
        (work_order, simulated, MOST_RUNS),
    ).fetchall()
    return tuple(
        EarlierRun(
            run_id, purpose, verdict, ended_at, station, plan, number, serial_number, clock_quality=quality,
            simulated=bool(sample), failed=bool(failed),
        )
        for run_id, purpose, verdict, ended_at, plan, number, serial_number, sample, station, quality, failed
        in reversed(rows)
    )  # fmt: skip
