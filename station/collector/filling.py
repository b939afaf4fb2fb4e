"""Fills columns that a new version of the tables has, out of the messages that an older one kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from station.collector import rows
from station.collector.dialect import Transaction
from station.contract.bodies import Body, Reply
from station.contract.envelope import Envelope, open_envelope
from station.contract.messages import decode_body
from station.domain.errors import MessageError
from station.domain.record import Record

log = logging.getLogger(__name__)
_PAGE = 500
_RESULTS = """SELECT messages.msg_id, payload FROM messages JOIN results ON results.msg_id = messages.msg_id
    WHERE messages.msg_id > ? ORDER BY messages.msg_id LIMIT ?"""
_REPLIES = """SELECT msg_id, payload FROM messages WHERE msg_id > ? AND kind LIKE 'reply/%' ORDER BY msg_id LIMIT ?"""


def fill_columns_of_version_2(transaction: Transaction) -> None:
    """Measurements of the results that are there, and replies. What cannot be read any more stays a message."""
    count = 0
    for page in _read(transaction, _RESULTS):
        measured = [row for _, body in page if isinstance(body, Record) for row in rows.measurement_rows(body)]
        transaction.insert_all("measurements", rows.MEASUREMENT_COLUMNS, measured)
        count += len(page)
        log.info("migration to version 2: %d results", count)
    for page in _read(transaction, _REPLIES):
        replies = [rows.reply_row(envelope, body) for envelope, body in page if isinstance(body, Reply)]
        transaction.insert_each(rows.ADD_REPLY, replies)


def fill_columns_of_version_3(transaction: Transaction) -> None:
    """Steps and findings of the results that are there, and whether the record calls the run a rework."""
    count = 0
    for page in _read(transaction, _RESULTS):
        records = [body for _, body in page if isinstance(body, Record)]
        transaction.insert_all("steps", rows.STEP_COLUMNS, [row for one in records for row in rows.step_rows(one)])
        found = [row for one in records for row in rows.finding_rows(one)]
        transaction.insert_all("findings", rows.FINDING_COLUMNS, found)
        for one in records:
            transaction.run("UPDATE results SET rework = ? WHERE run_id = ?", (rows.is_rework(one), one.run_id))
        count += len(page)
        log.info("migration to version 3: %d results", count)


def _read(transaction: Transaction, sql: str) -> Iterator[list[tuple[Envelope, Record | Body]]]:
    last = ""
    while found := transaction.run(sql, (last, _PAGE)):
        last = found[-1][0]
        page = []
        for msg_id, payload in found:
            try:
                envelope = open_envelope(payload.encode())
                page.append((envelope, decode_body(envelope)))
            except MessageError as error:
                log.warning("migration: %s stays without columns: %s", msg_id, error)
        yield page
