"""What is written of a message: one row among the messages, and the rows that a person can query. Knows no database.

A text with a NUL, which JSON allows and PostgreSQL does not, is written with U+FFFD in its place; the message itself
keeps it (as an escape). Whatever else a database refuses is dealt with in `station.collector.taking`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from station.collector.centre import CentreAlarm, Incoming
from station.contract.bodies import Alarm, Event, Presence, Reply
from station.contract.canonical import to_json
from station.contract.envelope import Envelope
from station.domain.record import Record

Row = tuple[Any, ...]


def _insert(table: str, columns: str, then: str = "") -> str:
    places = ", ".join("?" for _ in columns.split(","))
    return f"INSERT INTO {table} ({columns}) VALUES ({places}) {then}".rstrip()


ADD_MESSAGE = _insert(
    "messages", "msg_id, station, kind, sha256, ts, received_at, payload, store_epoch, seq",
    "ON CONFLICT (msg_id) DO NOTHING",
)  # fmt: skip
ADD_RESULT = _insert(
    "results", "run_id, msg_id, station, store_epoch, run_no, purpose, verdict, work_order, operator, repair_engineer,"
    " product, maker, model, serial_number, plan, plan_revision, simulated, started_at, ended_at, duration_s,"
    " first_cause_step, first_cause_measurement, first_cause_channel, first_cause_text, rework",
    "ON CONFLICT DO NOTHING",
)  # fmt: skip
ADD_EVENT = _insert("events", "msg_id, station, ts, event, work_order, run_id, reason")
ADD_REPLY = _insert("replies", "msg_id, station, ts, cmd_id, status, reason")
ADD_ALARM = _insert("alarms", "source, station, msg_id, at, code, cause, run_id")
SET_LATEST = _insert(
    "latest", "station, kind, store_epoch, number, state, ts, clock, received_at, body",
    """ON CONFLICT (station, kind) DO UPDATE SET store_epoch = excluded.store_epoch, number = excluded.number,
        state = excluded.state, ts = excluded.ts, clock = excluded.clock, received_at = excluded.received_at,
        body = excluded.body
    WHERE (excluded.store_epoch = latest.store_epoch AND (excluded.number > latest.number
            OR (excluded.number = latest.number AND excluded.state = 'offline' AND latest.state = 'online')))
        OR (excluded.store_epoch <> latest.store_epoch AND coalesce(excluded.state, '') <> 'offline'
            AND (excluded.ts >= latest.ts OR excluded.clock <> 'synced' OR latest.clock <> 'synced'))""",
)  # fmt: skip
"""Never backwards: within one epoch the higher number wins, and of one session the death follows the birth. Epochs have
no order of their own: of another epoch a death says nothing, and the rest counts unless two synced clocks say that it
is the earlier one.
"""
MEASUREMENT_COLUMNS = (
    "run_id", "place", "step", "attempt", "measurement", "channel", "value", "unit", "low", "high", "bound", "verdict",
)  # fmt: skip
STEP_COLUMNS = ("run_id", "place", "step", "attempt", "verdict", "duration_s")
FINDING_COLUMNS = ("run_id", "place", "area", "weight")


def epoch_of(msg_id: str) -> str:
    """The store epoch in a `msg_id`."""
    return msg_id.split(":")[1]


def message_row(message: Incoming, now: str) -> Row:
    """For `ADD_MESSAGE`. The payload was read as UTF-8, and JSON holds no raw NUL: as text it is exact."""
    envelope = message.envelope
    number = envelope.msg_id.rpartition(":")[2]
    return (
        envelope.msg_id, envelope.station, envelope.schema_, message.sha256, envelope.ts, now,
        message.payload.decode(), epoch_of(envelope.msg_id), None if number.startswith("p") else int(number),
    )  # fmt: skip


def result_row(envelope: Envelope, record: Record) -> Row:
    """For `ADD_RESULT`."""
    cause = record.causes[0] if record.causes else None
    dut, plan = record.dut, record.plan
    return _clean((
        record.run_id, envelope.msg_id, envelope.station, epoch_of(envelope.msg_id), record.run_no, record.purpose,
        record.verdict.value, record.work_order, record.operator, record.repair_engineer, dut.product, dut.maker,
        dut.model, dut.serial_number, plan.id, plan.revision, record.simulated, record.started_at, record.ended_at,
        record.duration_s, *((cause.step, cause.measurement, cause.channel, cause.text) if cause else (None,) * 4),
        is_rework(record),
    ))  # fmt: skip


def measurement_rows(record: Record) -> Iterator[Row]:
    """For `MEASUREMENT_COLUMNS`: every measurement, in the record's order."""
    place = 0
    for step in record.steps:
        for one in step.measurements:
            row = (
                record.run_id, place, step.id, step.attempt, one.name, one.channel, one.value, one.unit, one.low,
                one.high, one.bound, one.verdict.value,
            )  # fmt: skip
            yield _clean(row) if "\0" in f"{record.run_id}{step.id}{one.name}{one.unit}" else row
            place += 1


def is_rework(record: Record) -> bool:
    """Whether the device came back within 30 days with the same fault, as the record has it of its reference."""
    return record.reference is not None and record.reference.rework


def step_rows(record: Record) -> Iterator[Row]:
    """For `STEP_COLUMNS`: every step, in the record's order."""
    for place, step in enumerate(record.steps):
        yield _clean((record.run_id, place, step.id, step.attempt, step.verdict.value, step.duration_s))


def finding_rows(record: Record) -> Iterator[Row]:
    """For `FINDING_COLUMNS`: what the rules of diagnosis infer, strongest first."""
    for place, finding in enumerate(record.findings):
        yield _clean((record.run_id, place, finding.area, finding.weight))


def event_row(envelope: Envelope, body: Event) -> Row:
    """For `ADD_EVENT`."""
    told = (envelope.msg_id, envelope.station, envelope.ts, body.event, body.work_order, body.run_id, body.reason)
    return _clean(told)


def reply_row(envelope: Envelope, body: Reply) -> Row:
    """For `ADD_REPLY`."""
    return _clean((envelope.msg_id, envelope.station, envelope.ts, body.cmd_id, body.status, body.reason))


def alarm_row(envelope: Envelope, body: Alarm) -> Row:
    """For `ADD_ALARM`, of a station."""
    return _clean(("station", envelope.station, envelope.msg_id, body.at, body.code, body.cause, body.run_id))


def centre_alarm_row(alarm: CentreAlarm, now: str) -> Row:
    """For `ADD_ALARM`, of the centre itself."""
    return _clean(("centre", alarm.station, alarm.msg_id, now, alarm.code, alarm.cause, None))


def latest_row(message: Incoming, now: str) -> Row:
    """For `SET_LATEST`. Presence is numbered by its session, the others as the station numbers what has no row."""
    envelope, body = message.envelope, message.body
    number, state = int(envelope.msg_id.rpartition(":")[2].removeprefix("p")), None
    epoch = epoch_of(envelope.msg_id)
    if isinstance(body, Presence):
        number, state, epoch = body.session, body.state, body.store_epoch
    return _clean((
        envelope.station, message.kind, epoch, number, state, envelope.ts, envelope.clock.quality, now,
        to_json(envelope.body).decode(),
    ))  # fmt: skip


def _clean(row: Row) -> Row:
    if any(type(value) is str and "\0" in value for value in row):
        return tuple(value.replace("\0", "\ufffd") if type(value) is str else value for value in row)
    return row
