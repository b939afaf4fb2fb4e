"""One purge from beginning to end: captures, then the runs they belong to, a few at a time, then the traces of both.

Works beside a running daemon, on a connection of its own: each transaction is short and bounded in bytes, none waits
for the disk (`synchronous=NORMAL`: a purge that a power cut undoes is done again), and between them the daemon has its
turn. A death at any moment leaves each run whole or gone; captures go before the record that names them, so that no
sound is left that nobody knows of. Whether now is a good moment is for the caller to say.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from station.domain.clock import utc_text
from station.domain.errors import StoreError
from station.purging import sound
from station.store import journal, retention
from station.store.old_runs import Bound, Named, OldRun, find, is_referred_to_since, why_kept
from station.store.reserve import RESERVE_BYTES
from station.store.schema import open_database, reserve_log

T = TypeVar("T")

BATCH_ROWS, BATCH_BYTES = 8, 256 << 10
"""Runs or messages that go in one commit, and their bytes, but for one run: some milliseconds that others wait for."""
PAUSE_S = 0.02
CHECKPOINT_PAGES = 64
"""About one a commit: the log does not grow, and no checkpoint has much to do."""
EMPTY_TRIES, EMPTY_PAUSE_S = 50, 0.1
"""The log is emptied when nobody reads in it: so often it is tried."""
LATER = "a run began; the rest goes with the next purge"
CRAMPED = "a run is under way and the disk is nearly full: what room there is belongs to it; purge again after it"
READ = "the log beside the store could not be emptied, somebody reads in it; purge again to have it emptied"
INDEXES = "a run is under way; purge again after it, so that no index page keeps what is gone"
_NOT_IN_BETWEEN = {signal.SIGINT, signal.SIGTERM, signal.SIGTSTP}
"""Who stops the purge stops it between two commits, not with the store in its hands."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bench keeps its results and its sound."""

    store: Path
    captures: Path


@dataclass(slots=True)
class Tally:
    """What went, or would go. `kept`: what stays although the bound takes it in, and why. `left`: what was not
    done."""

    runs: int = 0
    messages: int = 0
    captures: int = 0
    bytes: int = 0
    run_nos: list[int] = field(default_factory=list)
    kept: dict[str, int] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    def add_runs(self, gone: Sequence[OldRun]) -> None:
        """Count runs with their messages."""
        self.runs += len(gone)
        self.messages += sum(run.messages for run in gone)
        self.bytes += sum(run.bytes for run in gone)
        self.run_nos += [run.run_no for run in gone]

    def add_sound(self, files: int, size: int) -> None:
        """Count captures."""
        self.captures += files
        self.bytes += size

    def add_loose(self, messages: int, size: int) -> None:
        """Count messages of no run."""
        self.messages += messages
        self.bytes += size


def before_of(days: int, now: datetime) -> str:
    """The stamp before which everything ended that is older than so many days."""
    return utc_text(now - timedelta(days=days))


class Purge:
    """`may_go_on` is asked before each commit; where it says no, the rest is left to the next purge."""

    def __init__(
        self, place: Place, bound: Bound, named: Named = (), *, may_go_on: Callable[[], bool] = lambda: True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC), pause_s: float = PAUSE_S,
    ) -> None:  # fmt: skip
        self._place, self._bound, self._named = place, bound, named
        self._may_go_on, self._now, self._pause_s = may_go_on, now, pause_s
        self._entry: int | None = None
        self._tally = Tally()

    def reckon(self) -> Tally:
        """What would go. Changes nothing. Raises `StoreError`."""
        tally = Tally()
        held = sound.sound_by_run(self._place.captures)
        with _said(self._place.store), closing(_reading(self._place.store)) as db:
            found = find(db, self._bound, utc_text(self._now()), self._named)
            going = [run.run_id for run in found.runs] + self._orphans(db, held)
        tally.add_runs(found.runs)
        tally.add_loose(len(found.loose), sum(size for _, size in found.loose))
        for files in (held.get(run_id, ()) for run_id in going):
            tally.add_sound(len(files), sound.size_of(files))
        tally.kept.update(found.kept)
        return tally

    def carry_out(self) -> Tally:
        """Purge. What could not be done now is told in `left`. Raises `StoreError`; what went by then is gone."""
        with _said(self._place.store), closing(open_database(self._place.store)) as db:
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            found = find(db, self._bound, utc_text(self._now()), self._named)
            self._tally.kept.update(found.kept)
            held = sound.sound_by_run(self._place.captures)
            if self._delete_runs(db, found.runs, found.newest, held):
                self._delete_rest(db, found.loose, held)
            if not self._tally.left and retention.has_traces(db):
                self._leave_no_trace(db)
        return self._tally

    # ---- what goes -----------------------------------------------------------------------------------------
    def _delete_runs(
        self, db: sqlite3.Connection, runs: Sequence[OldRun], newest: int, held: dict[str, tuple[Path, ...]]
    ) -> bool:
        for batch in _batches(runs, lambda run: run.bytes):
            if not self._is_time(db):
                return False
            going = [
                run for run in batch
                if why_kept(db, run.run_no, run.run_id, self._named) is None
                and not is_referred_to_since(db, run.run_id, newest)
            ]  # fmt: skip
            sounds = sound.delete(self._place.captures, [run.run_id for run in going], held)
            with _transaction(db):
                entry = self._entry_in(db)
                gone = retention.delete_runs(db, entry, going, newest, self._named)
                retention.note_captures(db, entry, *sounds)
            self._tally.add_runs(gone)
            self._tally.add_sound(*sounds)
            time.sleep(self._pause_s)
        return True

    def _delete_rest(
        self, db: sqlite3.Connection, loose: Sequence[tuple[int, int]], held: dict[str, tuple[Path, ...]]
    ) -> None:
        for batch in _batches(loose, lambda row: row[1]):
            if not self._is_time(db):
                return
            with _transaction(db):
                gone = retention.delete_loose(db, self._entry_in(db), batch)
            self._tally.add_loose(len(gone), sum(gone))
            time.sleep(self._pause_s)
        if orphans := self._orphans(db, held):
            sounds = sound.delete(self._place.captures, orphans, held)
            with _transaction(db):
                retention.note_captures(db, self._entry_in(db), *sounds)
            self._tally.add_sound(*sounds)
        if self._bound.marker is not None:
            with _transaction(db):
                if retention.delete_brought(db, self._bound):
                    self._entry_in(db)  # its traces are looked for, as those of a run

    def _entry_in(self, db: sqlite3.Connection) -> int:
        if self._entry is None:
            self._entry = retention.begin_entry(db, self._bound, utc_text(self._now()))
        return self._entry

    def _orphans(self, db: sqlite3.Connection, held: dict[str, tuple[Path, ...]]) -> list[str]:
        if self._bound.before is None or self._bound.marker is not None:
            return []

        def is_known(run_id: str) -> bool:
            return db.execute("SELECT 1 FROM runs WHERE run_id = ?", (run_id,)).fetchone() is not None

        return sound.orphans_of(held, self._bound.before, is_known)

    def _is_time(self, db: sqlite3.Connection) -> bool:
        """Whether the next commit may be made: it must cost a run under way neither its turn nor its room."""
        free = shutil.disk_usage(self._place.store.parent).free
        if journal.is_open(db) and free < 2 * RESERVE_BYTES:
            self._tally.left.append(CRAMPED)
        elif not self._may_go_on():
            self._tally.left.append(LATER)
        return not self._tally.left

    # ---- what is left of it --------------------------------------------------------------------------------
    def _leave_no_trace(self, db: sqlite3.Connection) -> None:
        """Of what was deleted nothing stays in the pages of indexes, nor in the log; also where an earlier purge died
        before it came to this."""
        with _transaction(db):
            if journal.is_open(db):
                self._tally.left.append(INDEXES)
            else:
                retention.rewrite_indexes(db)
        db.execute("PRAGMA wal_checkpoint(PASSIVE)")  # waits for nobody, and leaves little to do while others wait
        db.execute("PRAGMA busy_timeout = 0")
        for _ in range(EMPTY_TRIES):
            with suppress(sqlite3.OperationalError):
                if db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0:
                    break
            if not self._may_go_on():
                self._tally.left.append(LATER)
                return
            time.sleep(EMPTY_PAUSE_S)
        else:
            self._tally.left.append(READ)
        db.execute("PRAGMA busy_timeout = 5000")
        if not {READ, INDEXES}.intersection(self._tally.left):
            with _transaction(db):
                retention.note_traceless(db)
        with suppress(sqlite3.OperationalError):  # only makes commits faster; a full disk has no room for it
            reserve_log(db, self._place.store)


def _batches(rows: Sequence[T], size_of: Callable[[T], int]) -> Iterator[list[T]]:
    batch: list[T] = []
    for row in rows:
        if batch and (len(batch) == BATCH_ROWS or sum(map(size_of, batch)) + size_of(row) > BATCH_BYTES):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _NOT_IN_BETWEEN)
    try:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """What SQLite and the disk say becomes a `StoreError` with what to do about it."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        name = getattr(error, "sqlite_errorname", "") or type(error).__name__
        raise StoreError(
            f"{path}: {error} ({name}); what went by then is gone, the rest is whole; see whether the disk is full, "
            "then purge again"
        ) from error
