"""The centre's database on SQLite: every message once by `msg_id`, and results, events and alarms as plain columns.

`Centre` is the seam: PostgreSQL comes in beside it. Column names of `results` are those of contracts/record.md.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from station.contract.bodies import Alarm, Body, Event
from station.contract.envelope import Envelope, open_envelope
from station.contract.messages import decode_body
from station.contract.receipts import Status
from station.domain.errors import SettingsError
from station.domain.record import Record

log = logging.getLogger(__name__)
_TABLES = (
    """CREATE TABLE IF NOT EXISTS messages (
        msg_id TEXT PRIMARY KEY, station TEXT NOT NULL, kind TEXT NOT NULL, sha256 TEXT NOT NULL, ts TEXT NOT NULL,
        received_at TEXT NOT NULL, payload TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS results (
        run_id TEXT PRIMARY KEY, msg_id TEXT NOT NULL UNIQUE REFERENCES messages, station TEXT NOT NULL,
        store_epoch TEXT NOT NULL, run_no INTEGER NOT NULL, purpose TEXT NOT NULL, verdict TEXT NOT NULL,
        work_order TEXT, operator TEXT, repair_engineer TEXT, product TEXT NOT NULL, maker TEXT NOT NULL,
        model TEXT NOT NULL, serial_number TEXT NOT NULL, plan TEXT NOT NULL, plan_revision TEXT NOT NULL,
        simulated INTEGER NOT NULL, started_at TEXT NOT NULL, ended_at TEXT NOT NULL, duration_s REAL NOT NULL,
        first_cause_step TEXT, first_cause_measurement TEXT, first_cause_channel TEXT, first_cause_text TEXT)""",
    "CREATE INDEX IF NOT EXISTS results_serial_number ON results (serial_number)",
    "CREATE INDEX IF NOT EXISTS results_work_order ON results (work_order)",
    """CREATE TABLE IF NOT EXISTS events (
        msg_id TEXT PRIMARY KEY REFERENCES messages, station TEXT NOT NULL, ts TEXT NOT NULL, event TEXT NOT NULL,
        work_order TEXT, run_id TEXT, reason TEXT)""",
    """CREATE TABLE IF NOT EXISTS alarms (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL CHECK (source IN ('station', 'centre')), station TEXT,
        msg_id TEXT, at TEXT NOT NULL, code TEXT NOT NULL, cause TEXT NOT NULL, run_id TEXT)""",
)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A received message that was found well-formed."""

    envelope: Envelope
    body: Record | Body
    payload: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class CentreAlarm:
    """Something that the centre itself must look into."""

    code: str
    cause: str
    station: str | None = None
    msg_id: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What to put into the receipt."""

    status: Status
    reason: str | None = None


class Centre(Protocol):
    """A database of the centre. When `take` returns, everything is committed."""

    def take(self, messages: Sequence[Incoming], alarms: Sequence[CentreAlarm], now: str) -> list[Stored]:
        """Commit a batch; one answer for each message, in order. Raises where nothing was committed."""

    def close(self) -> None:
        """Let go of it."""


def open_centre(url: str) -> Centre:
    """The database that `--database` names: a path, or sqlite:///PATH. Raises `SettingsError`."""
    path = url.removeprefix("sqlite:///")
    if "://" in path:
        raise SettingsError(f"--database {url}: only SQLite is supported so far; give the path of a file")
    try:
        return SqliteCentre(Path(path))
    except (OSError, sqlite3.Error) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        remedy = "name a file of the centre in a directory that you may write to"
        raise SettingsError(f"--database {url}: {reason}; {remedy}") from error


class SqliteCentre:
    """SQLite, WAL, synchronous=FULL: a receipt is only sent for what is on the disk."""

    def __init__(self, path: Path) -> None:
        """Raises `OSError` and `sqlite3.Error` for a file that cannot be opened, made or written to."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=10.0)
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            for statement in _TABLES:
                self._db.execute(statement)
        except sqlite3.Error:
            self._db.close()
            raise

    def take(self, messages: Sequence[Incoming], alarms: Sequence[CentreAlarm], now: str) -> list[Stored]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            answers = [self._take_one(message, now) for message in messages]
            for alarm in alarms:
                self._add_alarm(alarm, now)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return answers

    def close(self) -> None:
        """Whole in its one file again, if nobody else has it open: no -wal and no -shm stay beside it."""
        try:
            self._db.execute("PRAGMA busy_timeout = 500")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:  # nothing is lost by it: the next one to open it reads the log
            log.warning("the centre's database was closed with its log beside it: %s", error)
        finally:
            self._db.close()

    def _take_one(self, message: Incoming, now: str) -> Stored:
        envelope = message.envelope
        fresh = self._db.execute(
            "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (msg_id) DO NOTHING",
            (
                envelope.msg_id,
                envelope.station,
                envelope.schema_,
                message.sha256,
                envelope.ts,
                now,
                message.payload.decode(),
            ),
        ).rowcount
        if fresh:
            self._add_columns(message, now)
            return Stored("stored")
        known = self._db.execute("SELECT sha256 FROM messages WHERE msg_id = ?", (envelope.msg_id,)).fetchone()[0]
        if known == message.sha256:
            return Stored("duplicate")
        cause = f"{envelope.msg_id} came again with another content: stored {known}, now {message.sha256}"
        self._add_alarm(CentreAlarm("msg_id_reused", cause, envelope.station, envelope.msg_id), now)
        return Stored("rejected", "this msg_id is stored with another content")

    def _add_columns(self, message: Incoming, now: str) -> None:
        envelope, body = message.envelope, message.body
        if isinstance(body, Record):
            self._add_result(envelope, body, now)
        elif isinstance(body, Event):
            row = (
                envelope.msg_id,
                envelope.station,
                envelope.ts,
                body.event,
                body.work_order,
                body.run_id,
                body.reason,
            )
            self._db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        elif isinstance(body, Alarm):
            self._db.execute(
                "INSERT INTO alarms (source, station, msg_id, at, code, cause, run_id)"
                " VALUES ('station', ?, ?, ?, ?, ?, ?)",
                (envelope.station, envelope.msg_id, body.at, body.code, body.cause, body.run_id),
            )

    def _add_result(self, envelope: Envelope, record: Record, now: str) -> None:
        cause = record.causes[0] if record.causes else None
        row = (
            record.run_id,
            envelope.msg_id,
            envelope.station,
            envelope.msg_id.split(":")[1],
            record.run_no,
            record.purpose,
            record.verdict.value,
            record.work_order,
            record.operator,
            record.repair_engineer,
            record.dut.product,
            record.dut.maker,
            record.dut.model,
            record.dut.serial_number,
            record.plan.id,
            record.plan.revision,
            record.simulated,
            record.started_at,
            record.ended_at,
            record.duration_s,
            *((cause.step, cause.measurement, cause.channel, cause.text) if cause else (None,) * 4),
        )
        places = ", ".join("?" * len(row))
        added = self._db.execute(f"INSERT INTO results VALUES ({places}) ON CONFLICT DO NOTHING", row).rowcount
        if not added:
            said = f"run {record.run_id} has a record already; {envelope.msg_id} is kept among the messages only"
            self._add_alarm(CentreAlarm("run_recorded_twice", said, envelope.station, envelope.msg_id), now)

    def _add_alarm(self, alarm: CentreAlarm, now: str) -> None:
        self._db.execute(
            "INSERT INTO alarms (source, station, msg_id, at, code, cause) VALUES ('centre', ?, ?, ?, ?, ?)",
            (alarm.station, alarm.msg_id, now, alarm.code, alarm.cause),
        )


def read_record(path: Path, run_id: str) -> Record | None:
    """The record of a run as the centre holds it, or None. For the demo and for tests; changes nothing.

    Opened for writing all the same: a connection that may not write leaves -wal and -shm behind when it closes.
    """
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=10.0)
    try:
        db.execute("PRAGMA query_only = ON")
        sql = "SELECT payload FROM messages JOIN results USING (msg_id) WHERE run_id = ?"
        row = db.execute(sql, (run_id,)).fetchone()
    finally:
        db.close()
    body = decode_body(open_envelope(row[0].encode())) if row else None
    return body if isinstance(body, Record) else None
