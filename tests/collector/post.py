"""Messages as a station sends them, and what lies in a database of the centre, for the tests of this room."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

import psycopg

from station.collector.centre import Incoming
from station.contract.envelope import Stamp, open_envelope, sha256_of
from station.contract.messages import BODIES, decode_body, encode_body, encode_result
from station.domain.outbox import Slot
from station.domain.record import Record
from tests.uplink.rig import CLOCK, STATION, TS, full_record

EPOCH = "9f31c2aa"
OTHER_EPOCH = "0badcafe"


def incoming(payload: bytes) -> Incoming:
    envelope = open_envelope(payload)
    return Incoming(envelope, decode_body(envelope), payload, sha256_of(payload))


def result(seq: int, record: Record | None = None, station: str = STATION, epoch: str = EPOCH) -> Incoming:
    record = replace(record or full_record(), station=station)
    return incoming(encode_result(record, Slot(f"{station}:{epoch}:{seq}", seq), Stamp(TS, CLOCK, 1)))


def said(
    name: str, number: str | int, *, station: str = STATION, epoch: str = EPOCH, ts: str = TS, quality: Any = "synced",
    **fields: Any,
) -> Incoming:  # fmt: skip
    """Any other message: `number` is `p7` for what has no row in an outbox."""
    stamp = Stamp(ts, replace(CLOCK, quality=quality), 1)
    return incoming(encode_body(BODIES[name](**fields), name, f"{station}:{epoch}:{number}", station, stamp))


def rows(database: str, sql: str) -> list[tuple[Any, ...]]:
    """What a person sees who asks the database."""
    if database.startswith("postgresql://"):
        with psycopg.connect(database) as server:
            return server.execute(sql.encode()).fetchall()
    db = sqlite3.connect(database)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def run(database: str, *statements: str) -> None:
    """What a person does who may."""
    if database.startswith("postgresql://"):
        with psycopg.connect(database) as server:
            for statement in statements:
                server.execute(statement.encode())
    else:
        db = sqlite3.connect(database)
        for statement in statements:
            db.execute(statement)
        db.commit()
        db.close()
