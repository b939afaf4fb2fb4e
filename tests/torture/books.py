"""The referee: holds what the stations committed against what the centre has. Starts nothing, changes nothing.

Three books a station: the ledger (what its process said after the store's call had returned), the journal (`runs`)
and the outbox. One of the centre: every message with its bytes, and its tables of results, events and alarms.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg

from station.contract.envelope import open_envelope
from station.contract.messages import decode_body
from station.contract.records import RecordCodec
from station.domain.record import Record

OF_THE_CENTRE = {"msg_id_reused", "message_rejected"}
"""Alarms that the centre may raise itself: somebody altered a message on its way."""
_SHOWN = 5


@dataclass(slots=True)
class Ledger:
    """What a station said that it had committed."""

    runs: dict[str, str] = field(default_factory=dict)
    alarms: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class StationBooks:
    """A station's store as it lies on the disk."""

    name: str
    epoch: str
    runs: Mapping[str, tuple[int, str | None]]
    """Run id -> its number and the text of its record."""
    outbox: Mapping[str, tuple[str, bytes, str, str]]
    """`msg_id` -> suffix, payload, sha256, state."""


@dataclass(frozen=True, slots=True)
class CentreBooks:
    """The centre's database."""

    messages: list[tuple[str, str, bytes]]
    """`msg_id`, sha256, payload."""
    results: list[tuple[str, str, int]]
    """Run id, `msg_id`, number of the run."""
    events: list[str]
    """`msg_id`."""
    alarms: list[tuple[str, str | None, str]]
    """Source, `msg_id`, code."""


@dataclass(slots=True)
class Account:
    """What the referee found. Everything but the counts has to be empty."""

    results: int = 0
    messages: int = 0
    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    """At the centre, and no station committed it; or a book that contradicts another of the same party."""

    @property
    def balanced(self) -> bool:
        """0 lost, 0 double, 0 altered, nothing strange."""
        return not (self.lost or self.double or self.altered or self.strange)

    def __str__(self) -> str:
        found = {"lost": self.lost, "double": self.double, "altered": self.altered, "strange": self.strange}
        lines = [
            f"{self.results} results, {self.messages} messages: "
            + ", ".join(f"{len(cases)} {what}" for what, cases in found.items())
        ]
        for what, cases in found.items():
            lines += [f"  {what}: {case}" for case in cases[:_SHOWN]]
            lines += [f"  … and {len(cases) - _SHOWN} more {what}"] if len(cases) > _SHOWN else []
        return "\n".join(lines)


def read_station(path: Path) -> StationBooks:
    """A store, read beside whoever has it open."""
    with closing(sqlite3.connect(path, timeout=10.0)) as db:
        db.execute("PRAGMA query_only = ON")
        epoch = str(db.execute("SELECT value FROM meta WHERE key = 'store_epoch'").fetchone()[0])
        runs = {run_id: (no, text) for run_id, no, text in db.execute("SELECT run_id, run_no, record FROM runs")}
        name = path.parents[1].name
        outbox = {
            f"{name}:{epoch}:{seq}": (suffix, bytes(payload), digest, state)
            for seq, suffix, payload, digest, state in db.execute(
                "SELECT seq, suffix, payload, sha256, state FROM outbox"
            )
        }
    return StationBooks(name, epoch, runs, outbox)


def read_centre(url: str) -> CentreBooks:
    """The centre's database: a path, or postgresql://…"""
    if url.startswith("postgresql:"):
        with psycopg.connect(url) as server:
            return _read_centre(server)
    with closing(sqlite3.connect(url, timeout=10.0)) as db:
        db.execute("PRAGMA query_only = ON")
        return _read_centre(db)


def _read_centre(db: Any) -> CentreBooks:
    def read(sql: str) -> list[tuple[Any, ...]]:
        return list(db.execute(sql).fetchall())

    return CentreBooks(
        [(msg_id, digest, _as_bytes(payload)) for msg_id, digest, payload in
         read("SELECT msg_id, sha256, payload FROM messages")],
        [(str(run_id), msg_id, run_no) for run_id, msg_id, run_no in
         read("SELECT run_id, msg_id, run_no FROM results")],
        [msg_id for (msg_id,) in read("SELECT msg_id FROM events")],
        [(source, msg_id, code) for source, msg_id, code in read("SELECT source, msg_id, code FROM alarms")],
    )  # fmt: skip


def _as_bytes(payload: str | bytes | memoryview) -> bytes:
    return payload.encode() if isinstance(payload, str) else bytes(payload)


def balance(stations: Iterable[StationBooks], ledgers: Mapping[str, Ledger], centre: CentreBooks) -> Account:
    """Every run, event and alarm of every station at the centre exactly once, byte by byte, and nothing else."""
    account = Account(messages=len(centre.messages))
    committed: dict[str, tuple[str, bytes, str, str]] = {}
    record_of: dict[str, str] = {}
    for station in stations:
        _check_station(station, ledgers.get(station.name, Ledger()), account)
        committed |= station.outbox
        record_of |= {run_id: text for run_id, (_, text) in station.runs.items() if text is not None}
    account.results = len(record_of)
    _check_messages(committed, centre, account)
    _check_records(record_of, centre, account)
    _check_tables(committed, centre, account)
    return account


def _check_station(station: StationBooks, ledger: Ledger, account: Account) -> None:
    """Ledger, journal and outbox of one station agree."""
    for run_id, digest in ledger.runs.items():
        text = station.runs.get(run_id, (0, None))[1]
        if text is None:
            account.lost.append(f"{station.name}: run {run_id} was committed, and the journal has no record of it")
        elif sha256(text.encode()).hexdigest() != digest:
            account.altered.append(f"{station.name}: the record of run {run_id} is not the one that was committed")
    numbers = sorted(number for number, _ in station.runs.values())
    if numbers != list(range(1, len(numbers) + 1)):
        account.strange.append(f"{station.name}: the numbers of its runs have holes or repeats")
    open_runs = [run_id for run_id, (_, text) in station.runs.items() if text is None]
    account.lost += [f"{station.name}: run {run_id} was begun and has no record" for run_id in open_runs]
    results = Counter(_run_of(payload) for suffix, payload, _, _ in station.outbox.values() if suffix == "result")
    account.lost += [f"{station.name}: no result of run {run_id}" for run_id in station.runs if run_id not in results]
    account.double += [
        f"{station.name}: {many} results of run {run_id}" for run_id, many in results.items() if many > 1
    ]
    causes = {json.loads(payload)["body"]["cause"] for suffix, payload, _, _ in station.outbox.values()
              if suffix == "alarm"}  # fmt: skip
    account.lost += [f"{station.name}: the alarm {cause!r} is not in the outbox" for cause in ledger.alarms - causes]
    for msg_id, (_, payload, digest, state) in station.outbox.items():
        if sha256(payload).hexdigest() != digest:
            account.altered.append(f"{msg_id}: its bytes in the outbox are not those that were committed")
        if state != "delivered":
            account.strange.append(f"{msg_id}: {state} after the storm")


def _check_messages(committed: Mapping[str, Any], centre: CentreBooks, account: Account) -> None:
    """The centre's messages are the outboxes' rows, byte by byte."""
    times = Counter(msg_id for msg_id, _, _ in centre.messages)
    account.double += [f"{msg_id}: {many} times at the centre" for msg_id, many in times.items() if many > 1]
    account.lost += [
        f"{msg_id}: {row[0]}, {row[3]} at the station, not at the centre"
        for msg_id, row in committed.items() if msg_id not in times
    ]  # fmt: skip
    for msg_id, digest, payload in centre.messages:
        if msg_id not in committed:
            account.strange.append(f"{msg_id}: at the centre, and no station committed it")
        elif payload != committed[msg_id][1] or digest != committed[msg_id][2]:
            account.altered.append(f"{msg_id}: other bytes at the centre than in the outbox")


def _check_records(record_of: Mapping[str, str], centre: CentreBooks, account: Account) -> None:
    """Each record of a journal is in exactly one message of the centre, and says the same there."""
    codec, times = RecordCodec(), Counter[str]()
    for msg_id, _, payload in centre.messages:
        envelope = open_envelope(payload)
        body = decode_body(envelope)
        if not isinstance(body, Record):
            continue
        times[body.run_id] += 1
        text = record_of.get(body.run_id)
        if text is not None and codec.record_to_json(body) != text:
            account.altered.append(f"{msg_id}: says something else of run {body.run_id} than the journal")
    account.lost += [f"run {run_id}: no result at the centre" for run_id in record_of if run_id not in times]
    account.double += [f"run {run_id}: {many} results at the centre" for run_id, many in times.items() if many > 1]


def _check_tables(committed: Mapping[str, Any], centre: CentreBooks, account: Account) -> None:
    """The plain columns tell of the same messages."""
    wanted = {suffix: {msg_id for msg_id, row in committed.items() if row[0] == suffix}
              for suffix in ("result", "event", "alarm")}  # fmt: skip
    has = {
        "result": [msg_id for _, msg_id, _ in centre.results],
        "event": centre.events,
        "alarm": [msg_id or "" for source, msg_id, _ in centre.alarms if source == "station"],
    }
    for suffix, rows in has.items():
        times = Counter(rows)
        account.double += [f"{msg_id}: {many} rows of {suffix}s" for msg_id, many in times.items() if many > 1]
        account.lost += [f"{msg_id}: no row of {suffix}s" for msg_id in wanted[suffix] - set(times)]
        account.strange += [f"{msg_id}: a row of {suffix}s too many" for msg_id in set(times) - wanted[suffix]]
    account.strange += [
        f"{msg_id}: alarm {code} of the centre" for source, msg_id, code in centre.alarms
        if source == "centre" and code not in OF_THE_CENTRE
    ]  # fmt: skip


def _run_of(payload: bytes) -> str:
    return str(json.loads(payload)["body"]["run_id"])
