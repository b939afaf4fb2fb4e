"""How a batch goes into the centre's database, in one transaction, the same on both.

Every message once by `msg_id`; the same id with another content is an alarm and never stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from station.collector import rows
from station.collector.centre import RETAINED, CentreAlarm, Incoming, Stored
from station.collector.dialect import Transaction
from station.contract.bodies import Alarm, Event, Reply
from station.domain.errors import CentreError
from station.domain.record import Record

Allow = Callable[[Sequence[CentreAlarm]], Sequence[CentreAlarm]]
Commit = Callable[[Sequence[Incoming], Sequence[CentreAlarm], bool], list[Stored]]
"""Commits `(messages, alarms, bare)` in a transaction of its own; `bare` leaves their columns out."""
_OTHER_CONTENT = "this msg_id is stored with another content"


class RowRefused(Exception):
    """A value of one of the messages is none that this database can hold; nothing was committed."""


def take_all(commit: Commit, messages: Sequence[Incoming], alarms: Sequence[CentreAlarm]) -> list[Stored]:
    """Commit a batch whatever is in it: what the database refuses is looked for by halves and stored without columns.

    The alarms go with the first part that is committed.
    """
    try:
        return commit(messages, alarms, False)
    except RowRefused as error:
        if len(messages) > 1:
            half = len(messages) // 2
            first = take_all(commit, messages[:half], alarms)
            return first + take_all(commit, messages[half:], ())
        return _take_bare(commit, messages, alarms, str(error))


def _take_bare(commit: Commit, messages: Sequence[Incoming], alarms: Sequence[CentreAlarm], why: str) -> list[Stored]:
    said = [
        CentreAlarm("columns_refused", f"kept among the messages only: {why}"[:1000], m.envelope.station,
                    m.envelope.msg_id) for m in messages
    ]  # fmt: skip
    try:
        return commit(messages, [*alarms, *said], True)
    except RowRefused as error:
        raise CentreError(f"the database refuses even what every message has: {error}; look at its tables") from error


def take(
    transaction: Transaction, messages: Sequence[Incoming], alarms: Sequence[CentreAlarm], now: str, bare: bool,
    allow: Allow,
) -> list[Stored]:  # fmt: skip
    """Write a batch into an open transaction, and the alarms that `allow` lets through; one answer for each message."""
    said = list(alarms)
    first: dict[str, int] = {}
    for place, message in enumerate(messages):
        if message.kind not in RETAINED:
            first.setdefault(message.envelope.msg_id, place)
    places = list(first.values())
    added = transaction.insert_each(rows.ADD_MESSAGE, [rows.message_row(messages[place], now) for place in places])
    fresh = {place for place, new in zip(places, added, strict=True) if new}
    stored = {messages[place].envelope.msg_id: messages[place].sha256 for place in fresh}
    stored |= _read_hashes(transaction, first.keys() - stored.keys())
    answers: dict[int, Stored] = {}
    if not bare:
        said += add_columns(transaction, [messages[place] for place in places if place in fresh])
        answers = _set_latest(transaction, messages, now)
    for place, message in enumerate(messages):
        if message.kind not in RETAINED:
            known = stored[message.envelope.msg_id]
            answers[place] = _answer(message, known, place in fresh)
            if answers[place].status == "rejected":
                said.append(_reused(message, known))
    transaction.insert_each(rows.ADD_ALARM, [rows.centre_alarm_row(alarm, now) for alarm in allow(said)])
    return [answers.get(place, Stored("stored")) for place in range(len(messages))]


def add_columns(transaction: Transaction, fresh: Sequence[Incoming]) -> list[CentreAlarm]:
    """The rows that a person can query, of messages that were added in this transaction; what is wrong with them."""
    events, replies, alarms = [], [], []
    results: list[tuple[Incoming, Record]] = []
    for message in fresh:
        body = message.body
        if isinstance(body, Record):
            results.append((message, body))
        elif isinstance(body, Event):
            events.append(rows.event_row(message.envelope, body))
        elif isinstance(body, Reply):
            replies.append(rows.reply_row(message.envelope, body))
        elif isinstance(body, Alarm):
            alarms.append(rows.alarm_row(message.envelope, body))
    for sql, listed in ((rows.ADD_EVENT, events), (rows.ADD_REPLY, replies), (rows.ADD_ALARM, alarms)):
        if listed:
            transaction.insert_each(sql, listed)
    return _add_results(transaction, results) if results else []


def _add_results(transaction: Transaction, results: Sequence[tuple[Incoming, Record]]) -> list[CentreAlarm]:
    added = transaction.insert_each(rows.ADD_RESULT, [rows.result_row(m.envelope, record) for m, record in results])
    records = [record for (_, record), new in zip(results, added, strict=True) if new]
    for table, columns, rows_of in (
        ("measurements", rows.MEASUREMENT_COLUMNS, rows.measurement_rows),
        ("steps", rows.STEP_COLUMNS, rows.step_rows),
        ("findings", rows.FINDING_COLUMNS, rows.finding_rows),
    ):
        transaction.insert_all(table, columns, [row for record in records for row in rows_of(record)])
    return [
        CentreAlarm(
            "run_recorded_twice",
            f"run {record.run_id} has a record already; {message.envelope.msg_id} is kept among the messages only",
            message.envelope.station, message.envelope.msg_id,
        )
        for (message, record), new in zip(results, added, strict=True) if not new
    ]  # fmt: skip


def _set_latest(transaction: Transaction, messages: Sequence[Incoming], now: str) -> dict[int, Stored]:
    places = [place for place, message in enumerate(messages) if message.kind in RETAINED]
    newer = transaction.insert_each(rows.SET_LATEST, [rows.latest_row(messages[place], now) for place in places])
    return {place: Stored("stored" if new else "duplicate") for place, new in zip(places, newer, strict=True)}


def _read_hashes(transaction: Transaction, msg_ids: set[str]) -> dict[str, str]:
    if not msg_ids:
        return {}
    places = ", ".join("?" * len(msg_ids))
    found = transaction.run(f"SELECT msg_id, sha256 FROM messages WHERE msg_id IN ({places})", sorted(msg_ids))
    return {row[0]: row[1] for row in found}


def _answer(message: Incoming, stored_sha256: str, new: bool) -> Stored:
    if new:
        return Stored("stored")
    return Stored("duplicate") if stored_sha256 == message.sha256 else Stored("rejected", _OTHER_CONTENT)


def _reused(message: Incoming, stored_sha256: str) -> CentreAlarm:
    msg_id = message.envelope.msg_id
    cause = f"{msg_id} came again with another content: stored {stored_sha256}, now {message.sha256}"
    return CentreAlarm("msg_id_reused", cause, message.envelope.station, msg_id)
