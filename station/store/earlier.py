"""Earlier runs in SQL: those of this store, and those that a work order brought from elsewhere (`history[]`).

What was brought is committed with the run that it came for and stays with it: the centre need not tell it again for
the paper that is made later. Runs in the store's thread, or beside it on a connection of its own.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence

from station.domain.earlier import earlier_of
from station.domain.errors import MessageError
from station.domain.journal import RunDraft
from station.domain.work_order import EarlierRun
from station.store.journal import Codec

log = logging.getLogger(__name__)

MOST = 20
"""Runs of one device that are looked at, the latest."""


def keep_history(db: sqlite3.Connection, codec: Codec, draft: RunDraft) -> None:
    """Insert what the work order brought; part of the transaction that begins the run."""
    rows = [(draft.run_id, place, codec.earlier_to_json(run)) for place, run in enumerate(draft.history)]
    db.executemany("INSERT INTO earlier_runs VALUES (?, ?, ?)", rows)


def read_earlier(
    db: sqlite3.Connection, codec: Codec, work_order: str | None, serial_number: str
) -> tuple[EarlierRun, ...]:
    """Finished runs of the work order or the serial number, of this store and brought to it, in no certain order."""
    of_device = "(runs.serial_number = ?1 OR (?2 IS NOT NULL AND runs.work_order = ?2))"
    made = db.execute(
        f"SELECT record FROM runs WHERE {of_device} AND record IS NOT NULL AND purpose <> 'engineering'"
        " ORDER BY run_no DESC LIMIT ?3",
        (serial_number, work_order, MOST),
    ).fetchall()
    brought = db.execute(
        f"SELECT run FROM earlier_runs JOIN runs USING (run_id) WHERE {of_device} ORDER BY run_no DESC LIMIT ?3",
        (serial_number, work_order, MOST),
    ).fetchall()
    own = _readable(made, lambda text: earlier_of(codec.record_from_json(text)))
    return (*own, *_readable(brought, codec.earlier_from_json))


def _readable(rows: Sequence[tuple[str]], read: Callable[[str], EarlierRun]) -> Iterator[EarlierRun]:
    """What can be read: an old row that cannot keeps nobody from testing today."""
    for (text,) in rows:
        try:
            yield read(text)
        except MessageError as error:
            log.warning("an earlier run is left out: %s", error)
