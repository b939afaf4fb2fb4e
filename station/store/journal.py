"""The journal of runs in SQL: begun before power, step by step, finished once. Runs in the store's thread."""

from __future__ import annotations

import sqlite3
from typing import Protocol

from station.domain.errors import StoreError
from station.domain.journal import RunDraft, UnfinishedRun
from station.domain.record import Record, StepRecord
from station.domain.work_order import EarlierRun, WorkOrder


class Codec(Protocol):
    """How records become text and come back; `station.contract.codec` has the one in use.

    Writing raises `MessageError` for NaN, infinities and wrong types; reading for text that is none of ours.
    """

    def draft_to_json(self, draft: RunDraft) -> str: ...
    def draft_from_json(self, text: str) -> RunDraft: ...
    def step_to_json(self, step: StepRecord) -> str: ...
    def step_from_json(self, text: str) -> StepRecord: ...
    def order_to_json(self, order: WorkOrder) -> str: ...
    def order_from_json(self, text: str) -> WorkOrder: ...
    def earlier_to_json(self, run: EarlierRun) -> str: ...
    def earlier_from_json(self, text: str) -> EarlierRun: ...
    def record_to_json(self, record: Record) -> str: ...
    def record_from_json(self, text: str) -> Record: ...


def begin_run(db: sqlite3.Connection, draft: RunDraft, text: str) -> int:
    """Insert the run and return its number, one higher than the last."""
    row = db.execute(
        "INSERT INTO runs (run_id, draft, purpose, plan, product, serial_number, work_order, simulated, started_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING run_no",
        (
            draft.run_id,
            text,
            draft.purpose,
            draft.plan.id,
            draft.dut.product,
            draft.dut.serial_number,
            draft.work_order,
            draft.simulated,
            draft.started_at,
        ),
    ).fetchone()
    return int(row[0])


def add_step(db: sqlite3.Connection, run_id: str, position: int, attempt: int, text: str) -> None:
    """Insert one attempt of the step at `position`. Raises `StoreError` where the run is not open or it exists."""
    sql = (
        "INSERT INTO steps SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM runs WHERE run_id = ?1 AND record IS NULL)"
    )
    try:
        if db.execute(sql, (run_id, position, attempt, text)).rowcount != 1:
            _require_open(db, run_id)
    except sqlite3.IntegrityError as error:
        raise StoreError(f"run {run_id}: step {position}, attempt {attempt} is in the journal already") from error


def finish_run(db: sqlite3.Connection, record: Record, text: str) -> None:
    """Put the record in place of draft and steps. Raises `StoreError` where the run is not open."""
    run_no = _require_open(db, record.run_id)
    if record.run_no != run_no:
        raise StoreError(f"run {record.run_id} has number {run_no} in the journal, its record says {record.run_no}")
    db.execute(
        "UPDATE runs SET record = ?, draft = NULL, verdict = ?, ended_at = ? WHERE run_no = ?",
        (text, record.verdict.value, record.ended_at, run_no),
    )
    db.execute("DELETE FROM steps WHERE run_id = ?", (record.run_id,))


def _require_open(db: sqlite3.Connection, run_id: str) -> int:
    row = db.execute("SELECT run_no, record IS NULL FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if row is None:
        raise StoreError(f"run {run_id} was never begun; begin_run comes before power")
    if not row[1]:
        raise StoreError(f"run {run_id} is finished; a run has exactly one record")
    return int(row[0])


def is_open(db: sqlite3.Connection) -> bool:
    """Whether a run was begun and not finished."""
    return db.execute("SELECT 1 FROM runs WHERE record IS NULL LIMIT 1").fetchone() is not None


def read_unfinished(db: sqlite3.Connection, codec: Codec) -> list[UnfinishedRun]:
    """Every run without a record, oldest first."""
    rows = db.execute("SELECT run_no, run_id, draft FROM runs WHERE record IS NULL ORDER BY run_no").fetchall()
    return [UnfinishedRun(no, codec.draft_from_json(draft), _read_steps(db, codec, run)) for no, run, draft in rows]


def _read_steps(db: sqlite3.Connection, codec: Codec, run_id: str) -> tuple[StepRecord, ...]:
    rows = db.execute("SELECT step FROM steps WHERE run_id = ? ORDER BY position, attempt", (run_id,))
    return tuple(codec.step_from_json(text) for (text,) in rows)


def read_latest(db: sqlite3.Connection, limit: int) -> list[dict[str, str | int]]:
    """The runs that ended last, the latest first."""
    names = ("run_no", "run_id", "plan", "serial_number", "ended_at", "verdict")
    rows = db.execute(
        f"SELECT {', '.join(names)} FROM runs WHERE verdict IS NOT NULL ORDER BY run_no DESC LIMIT ?", (limit,)
    )
    return [dict(zip(names, row, strict=True)) for row in rows]
