"""What is old goes from the centre's database: its columns are deleted, and of a message everything that it said.

The row among the messages stays with number, hash and stamps and an empty payload: a bench that sends it again hears
`duplicate` as ever and is not counted twice, and `gaps` sees no hole. Nothing of it speaks of a person or a device.
A few messages at a time, each few in a transaction of their own, beside workers that store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from station.collector.dialect import Transaction
from station.domain.people import names, people_in

PAGE = 100
OF_RUN = ("measurements", "steps", "findings")
TOLD = "messages.msg_id IN (SELECT msg_id FROM events WHERE reason"
"""Why something was refused, in words: a badge or a number may be among them."""
OF_MESSAGE = ("results", "events", "replies", "alarms")


@dataclass(frozen=True, slots=True)
class CentreBound:
    """What goes: what ended before the stamp `before`, all of one device, work order or badge, or both."""

    before: str | None = None
    serial_number: str | None = None
    work_order: str | None = None
    badge: str | None = None


@dataclass(slots=True)
class CentreTally:
    """What went, or would go: results, all messages with them, and the characters of those."""

    results: int = 0
    messages: int = 0
    bytes: int = 0


Change = Callable[[Callable[[Transaction], Any]], Any]
"""Does it in a transaction of its own, and gives what it gives."""
_Row = tuple[str, str | None, int]
"""`msg_id`, the run if it is a result, length."""


def purge_messages(change: Change, bound: CentreBound, *, dry_run: bool) -> CentreTally:
    """Find page by page, and delete what was found. Raises `CentreError`; what went by then is gone."""
    tally = CentreTally()
    for wheres, values in _conditions(bound):
        after = ""
        while page := change(_reading(wheres, (*values, after))):
            after = page[-1][0]
            told = wheres.startswith(TOLD)
            going = [row[:3] for row in page if _is_meant(bound, row[1], row[3], told=told)]
            if going and not dry_run:
                change(_deleting(going))
            tally.results += sum(run_id is not None for _, run_id, _ in going)
            tally.messages += len(going)
            tally.bytes += sum(length for _, _, length in going)
    if not dry_run:
        change(_deleting_rest(bound))
    return tally


def _conditions(bound: CentreBound) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Which messages, in passes: those that point at a result are looked for before it goes."""
    age, at = "", list[str]()
    if bound.before is not None:
        # a clock that was not set stamps anything: then it counts when the message came
        age = (
            " AND coalesce(results.ended_at, messages.ts) < ? AND (messages.received_at < ?"
            ' OR messages.payload NOT LIKE \'%"quality":"unsynced"%\')'
        )
        at = [bound.before] * 2
    if (of := _results_of(bound)) is None:
        yield "1 = 1" + age, tuple(at)
        return
    sql, values = of
    runs = f"SELECT run_id FROM results JOIN messages USING (msg_id) WHERE {sql}"
    for table in ("events", "alarms"):
        yield f"messages.msg_id IN (SELECT msg_id FROM {table} WHERE run_id IN ({runs})){age}", (*values, *at)
    marker = bound.serial_number or bound.work_order or bound.badge or ""
    yield f"{TOLD} LIKE ? ESCAPE '!'){age}", (f"%{_like(marker)[1:-1]}%", *at)
    if bound.work_order is not None:
        yield f"messages.msg_id IN (SELECT msg_id FROM events WHERE work_order = ?){age}", (bound.work_order, *at)
    yield (
        f"messages.msg_id IN (SELECT msg_id FROM results JOIN messages USING (msg_id) WHERE {sql}){age}",
        (*values, *at),
    )


def _results_of(bound: CentreBound) -> tuple[str, tuple[str, ...]] | None:
    if bound.serial_number is not None:
        imei = f'%"imei":{_like(bound.serial_number)}%'
        return "(results.serial_number = ? OR messages.payload LIKE ? ESCAPE '!')", (bound.serial_number, imei)
    if bound.work_order is not None:
        return "results.work_order = ?", (bound.work_order,)
    if bound.badge is not None:
        return "messages.payload LIKE ? ESCAPE '!'", (f"%{_like(bound.badge)}%",)
    return None


def _like(text: str) -> str:
    """A text as it stands in a message, for LIKE with `!` as its escape."""
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _is_meant(bound: CentreBound, run_id: str | None, payload: str, *, told: bool) -> bool:
    """What SQL finds by a text may be of a longer one, or of somebody else's."""
    if told:
        return names(json.loads(payload), bound.serial_number or bound.work_order or bound.badge or "")
    return bound.badge is None or run_id is None or bound.badge in people_in(json.loads(payload)["body"])


def _reading(wheres: str, values: tuple[str, ...]) -> Callable[[Transaction], list[tuple[Any, ...]]]:
    sql = (
        "SELECT messages.msg_id, results.run_id, length(messages.payload), messages.payload FROM messages"
        f" LEFT JOIN results ON results.msg_id = messages.msg_id WHERE {wheres} AND messages.payload <> ''"
        f" AND messages.msg_id > ? ORDER BY messages.msg_id LIMIT {PAGE}"
    )
    return lambda transaction: transaction.run(sql, values)


def _deleting(going: Sequence[_Row]) -> Callable[[Transaction], None]:
    def delete(transaction: Transaction) -> None:
        msg_ids = [msg_id for msg_id, _, _ in going]
        run_ids = [run_id for _, run_id, _ in going if run_id is not None]
        for table in OF_RUN if run_ids else ():
            transaction.run(f"DELETE FROM {table} WHERE run_id IN ({_places(run_ids)})", run_ids)
        for table in OF_MESSAGE:
            transaction.run(f"DELETE FROM {table} WHERE msg_id IN ({_places(msg_ids)})", msg_ids)
        transaction.run(f"UPDATE messages SET payload = '' WHERE msg_id IN ({_places(msg_ids)})", msg_ids)

    return delete


def _deleting_rest(bound: CentreBound) -> Callable[[Transaction], None]:
    """The centre's own alarms, and where benches stand that were not heard since: a work order is in that."""

    def delete(transaction: Transaction) -> None:
        if bound.work_order is not None:
            body = f'%"work_order":{_like(bound.work_order)}%'
            transaction.run("DELETE FROM latest WHERE kind = 'progress' AND body LIKE ? ESCAPE '!'", (body,))
        if bound.before is not None and bound == CentreBound(bound.before):
            transaction.run("DELETE FROM alarms WHERE source = 'centre' AND at < ?", (bound.before,))
            transaction.run("DELETE FROM latest WHERE kind = 'progress' AND received_at < ?", (bound.before,))

    return delete


def _places(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
