"""Which runs and messages of the store may go by a bound, and which stay whatever their age. Reads only.

What is not at the centre stays, and what others rest on: golden-unit checks, what a calibration names, what a run that
stays refers to. Age is believed only where a clock proves it.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from station.domain.people import is_among, names, people_in

T = TypeVar("T")

OPEN = "open: no record yet"
WAITING = "the centre has not receipted everything of it"
QUARANTINED = "something of it lies in quarantine (results requeue)"
RESENDING = "the centre asked for it again"
GOLDEN = "a golden-unit check"
PAPER = "its slip waits for the printer"
CALIBRATED = "a calibration on file names it"
REFERRED = "a run that stays refers to it"
ORDER = "a work order that waits at the bench (the centre withdraws it)"
UNPROVEN = "the clock was not set, and no later run proves its age"
Named = Collection[str]
"""Runs that a calibration names: ids, and numbers as texts."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Which runs may go: those that ended before the stamp `before`, those of one device, order or badge, or both.

    `serial_number` finds an IMEI as well. `days`: what `before` was computed from.
    """

    before: str | None = None
    days: int | None = None
    serial_number: str | None = None
    work_order: str | None = None
    badge: str | None = None

    @property
    def marker(self) -> str | None:
        """What everything that goes has in common, where it is not its age."""
        return self.serial_number or self.work_order or self.badge

    @property
    def words(self) -> str:
        """The bound as it may be kept: of a device, an order or a badge only that it was one."""
        kinds = (("a device", self.serial_number), ("a work order", self.work_order), ("a badge", self.badge))
        of = [kind for kind, value in kinds if value is not None]
        age = [] if self.before is None else [f"ended before {self.before}" + f" ({self.days} days)" * bool(self.days)]
        return ", ".join([*of, *age])


@dataclass(frozen=True, slots=True)
class OldRun:
    """A finished run that may go. `bytes`: of its messages and, as its result has them, of its record."""

    run_no: int
    run_id: str
    messages: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a bound finds. `runs`: the latest first, so that none goes before what refers to it. `loose`: messages of no
    run, by number with their bytes. `kept`: what stays all the same, and why. `newest`: of all runs, its number."""

    runs: tuple[OldRun, ...] = ()
    loose: tuple[tuple[int, int], ...] = ()
    kept: Mapping[str, int] = field(default_factory=dict)
    newest: int = 0


def find(db: sqlite3.Connection, bound: Bound, now: str, named: Named = ()) -> Found:
    """Everything that may go by `bound`, and what stays. Reads only; `now` is the moment's stamp."""
    candidates: list[tuple[int, str]]
    newest = db.execute("SELECT coalesce(max(run_no), 0) FROM runs").fetchone()[0]
    kept: Counter[str] = Counter()
    if bound.before is not None:
        candidates, unproven = _older(db, bound.before, now)
        kept[UNPROVEN] += unproven
        if bound.marker is not None:
            marked = set(_marked(db, bound))
            candidates = [one for one in candidates if one in marked]
    else:
        candidates = sorted(set(_marked(db, bound)))
    runs: list[OldRun] = []
    going: set[str] = set()
    references = _References(db)
    for run_no, run_id in reversed(candidates):
        why = why_kept(db, run_no, run_id, named) or references.why_kept(run_no, run_id, going)
        if why is not None:
            kept[why] += 1
            continue
        going.add(run_id)
        runs.append(_measured(db, run_no, run_id))
    if bound.marker is not None:
        kept[ORDER] += _orders(db, bound.marker)
    loose = tuple(_loose(db, bound, now))
    return Found(tuple(runs), loose, {why: count for why, count in kept.items() if count}, newest)


def _older(db: sqlite3.Connection, before: str, now: str) -> tuple[list[tuple[int, str]], int]:
    rows = db.execute(
        "SELECT run_no, run_id, ended_at, json_extract(record, '$.clock.quality') FROM runs"
        " WHERE record IS NOT NULL ORDER BY run_no"
    )
    return proven_old((((no, run_id), ended_at, quality) for no, run_id, ended_at, quality in rows), before, now)


def proven_old(rows: Iterable[tuple[T, str, str | None]], before: str, now: str) -> tuple[list[T], int]:
    """Of `(what, stamp, clock quality)` in the order of their numbers: what is proven to be older than `before`, and
    how many look like it and are not.

    Numbers rise with time, so what was stamped while the clock was not set is as old as the next one whose clock was.
    A stamp of the future proves nothing. Reads no further than the first that is proven to be young.
    """
    found: list[T] = []
    unproven: list[tuple[T, str]] = []
    for what, stamp, quality in rows:
        if quality == "unsynced" or stamp > now:
            unproven.append((what, stamp))
        elif stamp < before:
            found += [one for one, _ in unproven] + [what]
            unproven.clear()
        else:
            break
    return found, sum(stamp < before for _, stamp in unproven)


def _marked(db: sqlite3.Connection, bound: Bound) -> Iterator[tuple[int, str]]:
    """Runs of the device, order or badge, open ones too. What no index knows is looked for in the records."""
    if bound.work_order is not None:
        yield from db.execute("SELECT run_no, run_id FROM runs WHERE work_order = ?", (bound.work_order,))
        return
    if bound.serial_number is not None:
        yield from db.execute("SELECT run_no, run_id FROM runs WHERE serial_number = ?", (bound.serial_number,))
    marker = bound.marker or ""
    rows = db.execute(
        "SELECT run_no, run_id, coalesce(record, draft) FROM runs"
        " WHERE instr(lower(coalesce(record, draft)), lower(?)) > 0", (json.dumps(marker, ensure_ascii=False),),
    )  # fmt: skip
    for run_no, run_id, text in rows:
        record = json.loads(text)
        is_its = record["dut"].get("imei") == marker if bound.badge is None else is_among(marker, people_in(record))
        if is_its:
            yield run_no, run_id


def _orders(db: sqlite3.Connection, marker: str) -> int:
    text = json.dumps(marker, ensure_ascii=False)
    return int(db.execute("SELECT count(*) FROM work_orders WHERE instr(work_order, ?) > 0", (text,)).fetchone()[0])


def why_kept(db: sqlite3.Connection, run_no: int, run_id: str, named: Named = ()) -> str | None:
    """Why a run stays for its own sake, None where it does not."""
    sql = "SELECT purpose, record IS NULL FROM runs WHERE run_no = ?"
    purpose, is_open = db.execute(sql, (run_no,)).fetchone()
    if is_open:
        return OPEN
    if purpose == "verify":
        return GOLDEN
    rows = db.execute("SELECT seq, suffix, state FROM outbox WHERE run_id = ?", (run_id,)).fetchall()
    states = {state for _, _, state in rows}
    if "quarantined" in states:
        return QUARANTINED
    if "waiting" in states or ("result", "delivered") not in {(suffix, state) for _, suffix, state in rows}:
        return WAITING
    if any(is_resent(db, seq) for seq, _, _ in rows):
        return RESENDING
    if db.execute("SELECT 1 FROM paper WHERE run_id = ? AND state = 'pending'", (run_id,)).fetchone():
        return PAPER
    if run_id in named or str(run_no) in named:
        return CALIBRATED
    return None


class _References:
    """Which runs refer to which: a run refers to one of its own device or work order. Each of these is read once."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._known: dict[tuple[str, str], dict[str, set[str]]] = {}

    def why_kept(self, run_no: int, run_id: str, going: Collection[str]) -> str | None:
        """Whether a run that does not go refers to this one."""
        sql = "SELECT serial_number, work_order FROM runs WHERE run_no = ?"
        of = zip(("serial_number", "work_order"), self._db.execute(sql, (run_no,)).fetchone(), strict=True)
        referring = {one for column, value in of if value for one in self._of(column, value).get(run_id, ())}
        return REFERRED if referring.difference(going) else None

    def _of(self, column: str, value: str) -> dict[str, set[str]]:
        if (column, value) not in self._known:
            found: dict[str, set[str]] = {}
            sql = f"SELECT run_id, {_REFERENCE} FROM runs WHERE {column} = ?"
            for referring, referred in self._db.execute(sql, (value,)):
                found.setdefault(referred, set()).add(referring)
            self._known[column, value] = found
        return self._known[column, value]


_REFERENCE = "json_extract(coalesce(record, draft), '$.reference.run_id')"


def is_referred_to_since(db: sqlite3.Connection, run_id: str, newest: int) -> bool:
    sql = f"SELECT 1 FROM runs WHERE run_no > ? AND {_REFERENCE} = ? LIMIT 1"
    return db.execute(sql, (newest, run_id)).fetchone() is not None


def is_resent(db: sqlite3.Connection, seq: int) -> bool:
    return db.execute("SELECT 1 FROM resending WHERE ? BETWEEN first AND last", (seq,)).fetchone() is not None


def _measured(db: sqlite3.Connection, run_no: int, run_id: str) -> OldRun:
    """With its size; the record's is taken from its result, whose length is known without reading it."""
    sql = "SELECT suffix, length(payload) FROM outbox WHERE run_id = ?"
    sizes: list[tuple[str, int]] = db.execute(sql, (run_id,)).fetchall()
    record = max((size for suffix, size in sizes if suffix == "result"), default=0)
    return OldRun(run_no, run_id, len(sizes), record + sum(size for _, size in sizes))


def _loose(db: sqlite3.Connection, bound: Bound, now: str) -> Iterator[tuple[int, int]]:
    """Receipted messages of no run that is here, by their age or by what they name."""
    if bound.marker is None:
        rows = db.execute(
            "SELECT seq, created_at, json_extract(CAST(payload AS TEXT), '$.clock.quality') FROM outbox"
            f" WHERE {_OF_NO_RUN} AND length(payload) > 0 ORDER BY seq"
        )
        old, _ = proven_old(((seq, at, quality) for seq, at, quality in rows), bound.before or "", now)
    else:
        found = db.execute(
            f"SELECT seq, CAST(payload AS TEXT), created_at FROM outbox WHERE suffix <> 'result' AND {_OF_NO_RUN}"
            " AND instr(lower(CAST(payload AS TEXT)), lower(?)) > 0", (bound.marker,),
        )  # fmt: skip
        old = [
            seq for seq, text, at in found
            if (bound.before is None or at < bound.before)
            and names(json.loads(text), bound.marker, is_badge=bound.badge is not None)
        ]  # fmt: skip
    for seq in old:
        state, size = db.execute("SELECT state, length(payload) FROM outbox WHERE seq = ?", (seq,)).fetchone()
        if state == "delivered" and not is_resent(db, seq):
            yield seq, size


_OF_NO_RUN = "NOT EXISTS (SELECT 1 FROM runs WHERE runs.run_id = outbox.run_id)"
