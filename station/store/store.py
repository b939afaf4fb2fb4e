"""The store: an async front over one SQLite connection in a thread of its own. Knows no message.

What it promises: when a call returns, what it wrote is on the disk (WAL, synchronous=FULL); journal and outbox
of one call are one commit. A run costs one commit a step and two more, and `commits` counts them.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from station.domain.clock import utc_text
from station.domain.commands import Change, Kept
from station.domain.journal import RunDraft, UnfinishedRun
from station.domain.outbox import Draft
from station.domain.paper import PaperDue, PaperKind, PendingPaper, no_paper
from station.domain.record import Record, StepRecord
from station.domain.work_order import EarlierRun, WorkOrder
from station.store import asked, earlier, journal, machine, orders, outbox, paper
from station.store.asked import WaitingTree
from station.store.journal import Codec
from station.store.machine import Owner
from station.store.outbox import OutboxCounts, OutboxRow, ReceiptEntry, Settled
from station.store.thread import DiskFull, StoreThread, is_full

T = TypeVar("T")


def mint_run_id() -> str:
    """A new UUIDv7 (RFC 9562, 5.7): milliseconds since 1970, then random bits."""
    value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return str(uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62))


def _utc_now() -> str:
    return utc_text(datetime.now(UTC))


class Store(StoreThread):
    """Open with `await Store.open(…)`; every method may raise `StoreError`, after which nothing was written."""

    def __init__(
        self, path: Path, codec: Codec, station: str, now: Callable[[], str], executor: Executor | None = None
    ) -> None:
        super().__init__(path, executor)
        self._codec = codec
        self._now = now
        self._prefix = ""
        self._resending = False
        self.station = station
        self.store_epoch = ""
        self.on_posted: Callable[[], None] = lambda: None
        """Called in the event loop whenever rows were added to the outbox or put back into it."""
        self.paper_due: PaperDue = no_paper
        """The slips that a run is entitled to, written down in the commit that finishes it."""
        self.on_paper: Callable[[], None] = lambda: None
        """Called in the event loop whenever slips may have been added to those that wait for the printer."""

    @classmethod
    async def open(
        cls,
        path: Path,
        codec: Codec,
        station: str,
        now: Callable[[], str] = _utc_now,
        executor: Executor | None = None,
    ) -> Store:
        """Open or create the store of this station. `now` gives the UTC stamps of its rows.

        `executor`: who does its work, one piece after the other; None: a thread of its own.
        """
        store = cls(path, codec, station, now, executor)
        try:
            await store._call(store._open)
        except BaseException:
            store._thread.shutdown()
            raise
        return store

    # --- the journal -------------------------------------------------------------------------------------------

    async def begin_run(self, draft: RunDraft, messages: Sequence[Draft] = ()) -> int:
        """Commit the run before power and return its number. Raises `MessageError` for a message not allowed, and
        `StoreError` where the disk has no room to finish it."""

        def work() -> int:
            self._require_reserve()
            text = self._codec.draft_to_json(replace(draft, history=()))
            with self._transaction("begin_run"):
                run_no = journal.begin_run(self._db, draft, text)
                earlier.keep_history(self._db, self._codec, draft)
                self._add(messages)
                return run_no

        return await self._posting(work)

    async def add_step(self, run_id: str, index: int, step: StepRecord) -> None:
        """Commit one attempt of the step at `index` of the plan. Raises `MessageError` for NaN in it."""

        def work() -> None:
            text = self._codec.step_to_json(step)
            with self._transaction("step"):
                journal.add_step(self._db, run_id, index, step.attempt, text)

        await self._call(work)

    async def finish_run(self, record: Record, messages: Sequence[Draft] = ()) -> tuple[str, ...]:
        """Commit the record together with its messages.

        Returns why messages were refused (too large, …): the record is kept all the same, their rows are in
        quarantine. Raises `MessageError` where the record itself cannot be written (NaN); the run is then still open.
        """

        def work() -> tuple[str, ...]:
            text = self._codec.record_to_json(record)
            with self._transaction("finish_run"):
                journal.finish_run(self._db, record, text)
                orders.use_up(self._db, record)
                paper.add(self._db, record.run_id, self.paper_due(record), self._now())
                return self._add(messages, keep_refused=True)

        return await self._call(work, self._told)

    async def unfinished(self) -> list[UnfinishedRun]:
        """Runs that were begun and never finished, oldest first; see `station.domain.journal.close_as_aborted`."""
        return await self._call(lambda: journal.read_unfinished(self._db, self._codec))

    async def earlier_runs(self, draft: RunDraft) -> tuple[EarlierRun, ...]:
        """Runs of the draft's work order or serial number before it: this store's, and what work orders brought."""
        known = await self._call(
            lambda: earlier.read_earlier(self._db, self._codec, draft.work_order, draft.dut.serial_number)
        )
        return (*known, *draft.history)

    async def owner_before(self, here: str | None) -> Owner | None:
        """The other machine that this store belongs to; None where it is `here`'s, or has become so just now."""
        return None if here is None else await self._call(lambda: self._claim(here))

    async def latest(self, limit: int) -> list[dict[str, str | int]]:
        """The runs that ended last, the latest first: number, id, plan, serial number, end and verdict."""
        return await self._call(lambda: journal.read_latest(self._db, limit))

    # --- the outbox --------------------------------------------------------------------------------------------

    async def has_runs(self) -> bool:
        """Whether any run was ever begun with this store, purged ones too: K is on within a run alone."""
        sql = "SELECT 1 FROM sqlite_sequence WHERE name = 'runs'"
        return await self._call(lambda: self._db.execute(sql).fetchone() is not None)

    async def post(self, messages: Sequence[Draft]) -> None:
        """Commit messages that belong to no run. Raises `MessageError`; then none of them is posted."""

        def work() -> None:
            with self._transaction("post"):
                self._add(messages)

        await self._posting(work)

    async def due(self, limit: int, skip: Collection[int] = ()) -> list[OutboxRow]:
        """At most `limit` waiting rows, except those in `skip`: alarms and events first, the oldest first."""

        def work() -> list[OutboxRow]:
            if self._resending:
                self._bring_back()
            return outbox.read_due(self._db, self._prefix, limit, skip)

        return await self._call(work)

    async def receipts(self, entries: Sequence[ReceiptEntry]) -> list[Settled]:
        """Settle a batch of verified receipts in one commit; one answer for each, in order."""

        def work() -> list[Settled]:
            with self._transaction("receipts"):
                return outbox.settle(self._db, self._prefix, entries, self._now())

        return await self._call(work)

    async def quarantine(self, seq: int, reason: str) -> None:
        """Put a row that cannot be sent to those that wait for a person."""

        def work() -> None:
            with self._transaction("quarantine"):
                outbox.quarantine(self._db, seq, reason)

        await self._call(work)

    async def requeue(self, run_id: str | None = None) -> int:
        """Send quarantined rows again (all, or those of a run); returns how many."""
        return await self._changing("requeue", lambda: outbox.requeue(self._db, run_id))

    async def counts(self) -> OutboxCounts:
        """Rows of the outbox by state."""
        return await self._call(lambda: outbox.read_counts(self._db))

    # --- paper -------------------------------------------------------------------------------------------------

    async def next_paper(self, skip: Collection[int] = ()) -> PendingPaper | None:
        """The oldest slip that waits for the printer, except those in `skip`."""
        return await self._call(lambda: paper.next_pending(self._db, skip))

    async def pending_paper(self) -> int:
        """How many slips wait for the printer."""
        return await self._call(lambda: paper.count_pending(self._db))

    async def try_paper(self, number: int, *, tried: bool) -> None:
        """Commit that a slip's bytes are about to go out, or that none did."""
        await self._change_paper(lambda: paper.mark_tried(self._db, number, self._now() if tried else None))

    async def paper_printed(self, number: int, messages: Sequence[Draft] = ()) -> None:
        """Commit that a slip is out, with what the centre is told of it."""
        await self._change_paper(lambda: paper.mark_printed(self._db, number, self._now()), messages)

    async def paper_failed(self, number: int) -> None:
        """Commit that a slip is given up because it cannot be drawn; `reprint` has it wait again."""
        await self._change_paper(lambda: paper.mark_failed(self._db, number))

    async def work_order_of(self, run_id: str) -> str | None:
        """The work order that a run was made for."""
        return await self._call(lambda: paper.read_work_order(self._db, run_id))

    async def reprint(self, run_id: str, kind: PaperKind, messages: Sequence[Draft] = (), *, printed: bool) -> None:
        """Ask for a slip again, or (`printed`) write down that it was made elsewhere. `StoreError`: none was due."""
        await self._change_paper(
            lambda: paper.add_reprint(self._db, run_id, kind, self._now(), printed=printed), messages
        )

    # --- sessions and commands ---------------------------------------------------------------------------------

    async def next_session(self) -> int:
        """The number of the next CONNECT, one higher than the last of this store."""
        sql = "UPDATE meta SET value = value + 1 WHERE key = 'session' RETURNING value"
        return await self._changing("session", lambda: int(self._db.execute(sql).fetchone()[0]))

    async def knows_command(self, cmd_id: str) -> bool:
        """Whether a command was taken before, also before a restart."""
        sql = "SELECT 1 FROM commands WHERE cmd_id = ?"
        return await self._call(lambda: self._db.execute(sql, (cmd_id,)).fetchone() is not None)

    async def take_command(
        self, cmd_id: str, tell: Callable[[Kept], Sequence[Draft]], changes: Sequence[Change] = ()
    ) -> bool:
        """Remember a command for ever, with what it changed and what is told of that. False: it was seen before."""

        def work() -> bool:
            with self._transaction("command"):
                fresh = asked.remember(self._db, cmd_id, self._now())
                if fresh:
                    self._add(tell(self._change(changes, cmd_id)))
                return fresh

        return await self._posting(work)

    async def change(self, changes: Sequence[Change]) -> Kept:
        """Keep what somebody at the bench asked for."""

        def work() -> Kept:
            with self._transaction("asked"):
                return self._change(changes)

        return await self._posting(work)

    async def next_tree(self) -> WaitingTree | None:
        """The configuration that has waited longest to be checked."""
        return await self._call(lambda: asked.next_tree(self._db))

    async def tree_checked(self, place: int, messages: Sequence[Draft]) -> None:
        """Commit what came of a configuration that waited, and that it waits no more."""

        def work() -> None:
            with self._transaction("command"):
                asked.drop_tree(self._db, place)
                self._add(messages)

        await self._posting(work)

    # --- work orders -------------------------------------------------------------------------------------------

    async def waiting_orders(self) -> list[tuple[WorkOrder, bool]]:
        """Work orders that wait at the bench, as they came, and whether each has been accepted."""
        return await self._call(lambda: orders.read_waiting(self._db, self._codec))

    async def accept_order(self, number: str, messages: Sequence[Draft]) -> bool:
        """Commit that a technician has claimed an order, with what the centre is told. False: it was known already."""

        def work() -> bool:
            with self._transaction("orders"):
                fresh = orders.accept(self._db, number)
                if fresh:
                    self._add(messages)
                return fresh

        return await self._posting(work)

    async def runs_of_order(self, work_order: str, *, simulated: bool) -> tuple[EarlierRun, ...]:
        """What the journal knows of a work order; `simulated`: this is a simulated bench, whose own runs count."""
        return await self._call(lambda: orders.read_runs(self._db, work_order, simulated=simulated))

    # --- small things ------------------------------------------------------------------------------------------

    def _open(self) -> None:
        super()._open()
        self.store_epoch = self._db.execute("SELECT value FROM meta WHERE key = 'store_epoch'").fetchone()[0]
        self._prefix = f"{self.station}:{self.store_epoch}"
        self._resending = asked.is_resending(self._db)

    def _change(self, changes: Sequence[Change], cmd_id: str | None = None) -> Kept:
        kept = asked.change(self._db, self._codec, changes, self._now(), cmd_id)
        self._resending = asked.is_resending(self._db)
        return kept

    def _bring_back(self) -> None:
        """What the disk is too full for comes later; what waits already does not wait for it."""
        try:
            with self._transaction("requeue"):
                self._resending = asked.bring_back(self._db)
        except DiskFull:
            return
        except sqlite3.OperationalError as error:
            if not is_full(error):
                raise

    def _add(self, messages: Sequence[Draft], *, keep_refused: bool = False) -> tuple[str, ...]:
        return outbox.add_messages(self._db, self._prefix, messages, self._now(), keep_refused=keep_refused)

    async def _changing(self, kind: str, change: Callable[[], int]) -> int:
        def work() -> int:
            with self._transaction(kind):
                return change()

        return await self._posting(work)

    async def _change_paper(self, change: Callable[[], None], messages: Sequence[Draft] = ()) -> None:
        def work() -> None:
            with self._transaction("paper"):
                change()
                self._add(messages)

        await self._call(work, self._told)

    def _told(self) -> None:
        self.on_posted()
        self.on_paper()

    async def _posting(self, work: Callable[[], T]) -> T:
        return await self._call(work, lambda: self.on_posted())

    def _claim(self, here: str) -> Owner | None:
        owner = machine.read_owner(self._db)
        if owner is None:
            with self._transaction("machine"):
                machine.claim(self._db, Owner(here, self.station))
        return None if owner is None or owner.machine == here else owner
