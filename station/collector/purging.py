"""What is old goes from the centre's database: its columns are deleted, and of a message everything that it said.

The row among the messages stays with number, hash and stamps and an empty payload: a bench that sends it again hears
`duplicate` as ever and is not counted twice, and `gaps` sees no hole. Nothing of it speaks of a person or a device.
A few messages at a time, each few in a transaction of their own, beside workers that store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from station.collector.dialect import Transaction
from station.domain.people import is_among, names, people_in

PAGE = 100
OF_RUN = ("measurements", "steps", "findings")
TOLD = (("events", "reason"), ("replies", "reason"), ("alarms", "cause"))
"""What says in words why something was refused or went wrong: a badge or a number may be among them."""
OF_MESSAGE = ("results", "events", "replies", "alarms")
_IS_RESULT = "messages.kind LIKE 'result/%'"


@dataclass(frozen=True, slots=True)
class CentreBound:
    """What goes: what ended before the stamp `before`, all of one device, work order or badge, or both."""

    before: str | None = None
    serial_number: str | None = None
    work_order: str | None = None
    badge: str | None = None

    @property
    def marker(self) -> str | None:
        """What everything that goes has in common, where it is not its age."""
        return self.serial_number or self.work_order or self.badge


@dataclass(slots=True)
class CentreTally:
    """What went, or would go: results, all messages with them, and the characters of those."""

    results: int = 0
    messages: int = 0
    bytes: int = 0


class Purged(Protocol):
    """The database that is purged: a part of `station.collector.centre.Centre`."""

    def look(self, read: Callable[[Transaction], Any]) -> Any:
        """Read, and keep nobody from storing meanwhile."""

    def change(self, write: Callable[[Transaction], Any]) -> Any:
        """Do it in a transaction of its own."""


_Row = tuple[str, str | None, int]
"""`msg_id`, the run if it is a result, length."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """Messages that SQL finds, and the word on each of them: what has a text may have it as somebody else's."""

    wheres: str
    values: tuple[str, ...]
    is_meant: Callable[[str], bool] = lambda payload: True
    is_of_runs: bool = False


def purge_messages(centre: Purged, bound: CentreBound, *, dry_run: bool) -> CentreTally:
    """Find page by page, and delete what was found. Raises `CentreError`; what went by then is gone."""
    tally = CentreTally()
    for one in _passes(bound):
        after = ""
        while page := centre.look(_reading(one, after)):
            after = page[-1][0]
            meant = [row for row in page if one.is_meant(row[3])]
            going: list[_Row] = [row[:3] for row in meant]
            if meant and one.is_of_runs:
                going += centre.look(_telling_of([json.loads(row[3])["body"]["run_id"] for row in meant]))
            if going and not dry_run:
                centre.change(_deleting(going))
            tally.results += sum(run_id is not None for _, run_id, _ in going)
            tally.messages += len(going)
            tally.bytes += sum(length for _, _, length in going)
    if not dry_run:
        centre.change(_deleting_rest(bound))
    return tally


def _passes(bound: CentreBound) -> Iterator[_Pass]:
    age, at = "", tuple[str, ...]()
    if bound.before is not None:
        # a clock that was not set stamps anything: then it counts when the message came
        age = (
            " AND coalesce(results.ended_at, messages.ts) < ? AND (messages.received_at < ?"
            ' OR messages.payload NOT LIKE \'%"quality":"unsynced"%\')'
        )
        at = (bound.before, bound.before)
    if (marker := bound.marker) is None:
        yield _Pass("1 = 1" + age, at)
        return
    sql, values = _results_of(bound)
    yield _Pass(sql + age, (*values, *at), lambda payload: _is_of(bound, json.loads(payload)["body"]), is_of_runs=True)
    for table, column in TOLD:
        yield _Pass(
            f"messages.msg_id IN (SELECT msg_id FROM {table} WHERE lower({column}) LIKE lower(?) ESCAPE '!'){age}",
            (f"%{_escaped(marker)}%", *at),
            lambda payload: names(json.loads(payload), marker, is_badge=bound.badge is not None),
        )
    if bound.work_order is not None:
        yield _Pass(f"messages.msg_id IN (SELECT msg_id FROM events WHERE work_order = ?){age}", (marker, *at))


def _results_of(bound: CentreBound) -> tuple[str, tuple[str, ...]]:
    """Results, also those that are kept among the messages only (a run that came twice, columns that were refused)."""
    bare = f"(results.msg_id IS NULL AND {_IS_RESULT} AND messages.payload LIKE ? ESCAPE '!')"
    if bound.serial_number is not None:
        number = bound.serial_number
        imei = f"({_IS_RESULT} AND messages.payload LIKE ? ESCAPE '!')"
        texts = (f"%{_quoted(number)}%", f'%"imei":{_quoted(number)}%')
        return f"(results.serial_number = ? OR {bare} OR {imei})", (number, *texts)
    if bound.work_order is not None:
        return f"(results.work_order = ? OR {bare})", (bound.work_order, f"%{_quoted(bound.work_order)}%")
    sql = f"({_IS_RESULT} AND lower(messages.payload) LIKE lower(?) ESCAPE '!')"
    return sql, (f"%{_quoted(bound.badge or '')}%",)


def _is_of(bound: CentreBound, body: dict[str, Any]) -> bool:
    """Whether a record is of the device, order or badge."""
    if bound.serial_number is not None:
        return bound.serial_number in (body["dut"]["serial_number"], body["dut"].get("imei"))
    if bound.work_order is not None:
        return bound.work_order == body.get("work_order")
    return is_among(bound.badge or "", people_in(body))


def _quoted(text: str) -> str:
    """A text as it stands in a message, for LIKE."""
    return _escaped(json.dumps(text, ensure_ascii=False))


def _escaped(text: str) -> str:
    """For LIKE with `!` as its escape."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _reading(one: _Pass, after: str) -> Callable[[Transaction], list[tuple[Any, ...]]]:
    sql = (
        "SELECT messages.msg_id, results.run_id, length(messages.payload), messages.payload FROM messages"
        f" LEFT JOIN results ON results.msg_id = messages.msg_id WHERE {one.wheres} AND messages.payload <> ''"
        f" AND messages.msg_id > ? ORDER BY messages.msg_id LIMIT {PAGE}"
    )
    return lambda transaction: transaction.run(sql, (*one.values, after))


def _telling_of(run_ids: Sequence[str]) -> Callable[[Transaction], list[tuple[Any, ...]]]:
    """Events and alarms of these runs: they go together with the result."""
    of_runs = f"WHERE run_id IN ({_places(run_ids)})"
    sql = (
        "SELECT msg_id, NULL, length(payload) FROM messages WHERE payload <> '' AND msg_id IN"
        f" (SELECT msg_id FROM events {of_runs} UNION SELECT msg_id FROM alarms {of_runs} AND msg_id IS NOT NULL)"
    )
    return lambda transaction: transaction.run(sql, (*run_ids, *run_ids))


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
            body = f'%"work_order":{_quoted(bound.work_order)}%'
            transaction.run("DELETE FROM latest WHERE kind = 'progress' AND body LIKE ? ESCAPE '!'", (body,))
        if bound.before is not None and bound == CentreBound(bound.before):
            transaction.run("DELETE FROM alarms WHERE source = 'centre' AND at < ?", (bound.before,))
            transaction.run("DELETE FROM latest WHERE kind = 'progress' AND received_at < ?", (bound.before,))

    return delete


def _places(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
