"""Queries over finished runs, for `results list|show` and the page. Reading only; opens its own connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

from station.domain.chosen_runs import ChosenRuns
from station.domain.errors import MessageError, StoreError
from station.domain.record import Record
from station.domain.work_order import EarlierRun
from station.store.earlier import MOST, read_earlier
from station.store.journal import Codec
from station.store.orders import read_waiting
from station.store.record_texts import read_epoch, read_texts
from station.store.retention import PurgeEntry, read_entries


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of the list; `verdict` and `ended_at` are None while the run is open."""

    run_no: int
    run_id: str
    purpose: str
    plan: str
    product: str
    serial_number: str
    work_order: str | None
    simulated: bool
    started_at: str
    ended_at: str | None
    verdict: str | None


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A message that waits for a person. Without bytes it was refused here, and cannot be sent."""

    seq: int
    kind: str
    run_id: str | None
    created_at: str
    reason: str | None
    bytes: int


WAIT_S = 5.0
"""So long a query waits where the store is locked."""
_COLUMNS = "run_no, run_id, purpose, plan, product, serial_number, work_order, simulated, started_at, ended_at, verdict"
P = ParamSpec("P")
R = TypeVar("R")


def _reading(query: Callable[Concatenate[History, P], R]) -> Callable[Concatenate[History, P], R]:
    """What SQLite says becomes a `StoreError` that names the file and what to do."""

    @wraps(query)
    def read(history: History, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return query(history, *args, **kwargs)
        except sqlite3.Error as error:
            raise StoreError(
                f"{history.path}: the history cannot be read ({error}); where it is locked try again, else see whether"
                " this is the station's store and in order"
            ) from error

    return read


class History:
    """Reads beside a running daemon. Every query raises `StoreError` where the file cannot be read."""

    def __init__(self, path: Path, codec: Codec) -> None:
        """Raises `StoreError` where there is no store that can be read."""
        try:
            if not path.exists():
                raise StoreError(f"{path}: there is no store; run a test first or name the right path")
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}; read it as a user who may") from error
        self.path = path
        self._codec = codec
        self._open()

    @_reading
    def _open(self) -> None:
        self._db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_S)
        try:
            self._db.execute("SELECT run_no FROM runs LIMIT 1").fetchone()
        except sqlite3.Error:
            self._db.close()
            raise

    @_reading
    def runs(self, limit: int = 50, *, serial_number: str | None = None, work_order: str | None = None) -> list[RunRow]:
        """The latest runs first, of one serial number or work order where given."""
        rows: list[tuple[Any, ...]] = self._db.execute(
            f"SELECT {_COLUMNS} FROM runs WHERE (?1 IS NULL OR serial_number = ?1)"
            " AND (?2 IS NULL OR work_order = ?2) ORDER BY run_no DESC LIMIT ?3",
            (serial_number, work_order, limit),
        ).fetchall()
        return [replace(RunRow(*row), simulated=bool(row[7])) for row in rows]

    @_reading
    def used(self, serial_number: str, role: str, since: str, until: str) -> list[tuple[int, str]]:
        """Number of each finished run, and the role in it, of an instrument of this serial number; the first first.

        With `role` those in which that role told no serial number. `since` and `until` (not in it) are UTC texts.
        """
        rows: list[tuple[int, str]] = self._db.execute(
            "SELECT DISTINCT run_no, json_extract(one.value, '$.role') FROM runs,"
            " json_each(runs.record, '$.instruments') AS one"
            " WHERE record IS NOT NULL AND ended_at >= ?3 AND ended_at < ?4"
            " AND (?2 <> '' OR instr(record, ?1) > 0)"
            " AND CASE WHEN ?2 = '' THEN json_extract(one.value, '$.serial_number') = ?1"
            " ELSE json_extract(one.value, '$.role') = ?2 AND json_extract(one.value, '$.serial_number') IS NULL END"
            " ORDER BY run_no",
            (serial_number, role, since, until),
        ).fetchall()
        return rows

    @_reading
    def serial_numbers(self) -> set[str]:
        """Of every instrument that a finished run names."""
        rows = self._db.execute(
            "SELECT DISTINCT json_extract(one.value, '$.serial_number') FROM runs,"
            " json_each(runs.record, '$.instruments') AS one WHERE record IS NOT NULL"
        ).fetchall()
        return {row[0] for row in rows if row[0]}

    @_reading
    def record(self, run: str) -> Record:
        """The record of a run, by number, id or the beginning of an id. Raises `StoreError` where that is not one."""
        rows = self._db.execute(
            "SELECT run_no, record FROM runs WHERE run_no = ?1 OR run_id LIKE ?2 || '%' LIMIT 2",
            (
                int(run) if run.isascii() and run.isdigit() and len(run) < 10 else -1,
                run.replace("%", "").replace("_", ""),
            ),
        ).fetchall()
        if len(rows) != 1:
            what = "no run" if not rows else "more than one run"
            raise StoreError(f"{self.path}: {what} is called {run}; `station results list` shows them")
        if rows[0][1] is None:
            raise StoreError(f"run {rows[0][0]} is not finished; it has no record yet")
        try:
            return self._codec.record_from_json(rows[0][1])
        except (MessageError, TypeError) as error:
            raise StoreError(f"{self.path}: the record of run {rows[0][0]} cannot be read: {error}") from error

    @_reading
    def epoch(self) -> str:
        """The epoch of the store: (epoch, run number) names a run among all stores."""
        return read_epoch(self._db)

    @_reading
    def texts(self, chosen: ChosenRuns, after: int) -> list[tuple[int, str]]:
        """Number and stored record of the next finished runs after number `after`; none: there are no more."""
        return read_texts(self._db, chosen, after)

    @_reading
    def quarantined(self) -> list[QuarantinedRow]:
        """What the centre rejected, or what was never fit to be sent, the oldest first."""
        rows = self._db.execute(
            "SELECT seq, suffix, run_id, created_at, reason, length(payload) FROM outbox"
            " WHERE state = 'quarantined' ORDER BY seq"
        ).fetchall()
        return [QuarantinedRow(*row) for row in rows]

    @_reading
    def earlier(self, record: Record) -> tuple[EarlierRun, ...]:
        """Runs of the record's work order or serial number that are known here, itself left out."""
        found = read_earlier(self._db, self._codec, record.work_order, record.dut.serial_number)
        return tuple(run for run in found if run.run_id != record.run_id)

    @_reading
    def brought(self, serial_number: str, work_order: str | None) -> tuple[EarlierRun, ...]:
        """Runs of the device or the work order that were made elsewhere: what orders brought, also those that wait."""
        known = read_earlier(self._db, self._codec, work_order, serial_number)
        waiting = [] if work_order is None else read_waiting(self._db, self._codec, work_order)
        told = [run for order, _ in waiting for run in order.history]
        own = {run.run_id for run in self.runs(MOST, serial_number=serial_number)}
        return tuple({run.run_id: run for run in (*known, *told) if run.run_id not in own}.values())

    @_reading
    def purges(self) -> list[PurgeEntry]:
        """What was purged, the latest first; none in a store of an older software."""
        if self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'purges'").fetchone() is None:
            return []
        return read_entries(self._db)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def __enter__(self) -> History:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
