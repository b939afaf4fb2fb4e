"""One SQLite connection in a thread of its own, and the transactions on it. Of the tables it asks
one thing: whether a run is open.

A piece of work that was asked for is done, also where the asker is cancelled meanwhile; what SQLite says becomes a
`StoreError` with what to do about it.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar, cast

from station.domain.errors import StoreError
from station.store import journal
from station.store.reserve import RESERVE_BYTES, Reserve
from station.store.schema import open_database

T = TypeVar("T")
OF_THE_RUN = ("step", "finish_run")
"""What alone may use the reserve; everything else comes again when there is room."""


class DiskFull(StoreError):
    """There is no room, or what there is belongs to the run under way."""


def is_full(error: sqlite3.Error) -> bool:
    """Whether it is the disk that was full."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


class StoreThread:
    """What `Store` stands on; `_open` is the first work done, everything else goes through `_call`."""

    def __init__(self, path: Path, executor: Executor | None = None) -> None:
        """`executor`: who does the work, one piece after the other; None: a thread of its own."""
        self._path = path
        self._thread = executor if executor is not None else ThreadPoolExecutor(1, thread_name_prefix="store")
        self._commits: Counter[str] = Counter()
        self._db: sqlite3.Connection
        self._reserve = Reserve(path)
        self._may_release = False
        self._closed = False

    async def close(self) -> None:
        """Finish what was asked for and let go of the file. Safe to call twice."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
            self._thread.shutdown()

    def let_go(self) -> None:
        """Let go of the file as a process does that dies: what was not committed is not there. Not beside a thread."""
        self._closed = True
        self._db.close()

    @property
    def commits(self) -> int:
        """Commits since this store was opened."""
        return self._commits.total()

    @property
    def commits_by_kind(self) -> Mapping[str, int]:
        """The same by what they were for: begin_run, step, finish_run, post, receipts, paper, session, command, orders,
        asked, quarantine, requeue."""
        return dict(self._commits)

    # --- the thread --------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._db = open_database(self._path)

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[None]:
        self._may_release = kind in OF_THE_RUN
        if self._reserve.spent and not self._may_release:
            self._leave_room()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._commits[kind] += 1

    async def _call(self, work: Callable[[], T], then: Callable[[], None] | None = None) -> T:
        """Do `work` in the store's thread. What was asked for is done even where the asker is cancelled meanwhile."""
        if self._closed:
            raise StoreError(f"{self._path}: the store is closed")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: BaseException | None) -> None:
            if then is not None:
                then()
            if answer.done():  # the asker was cancelled
                return
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(cast(T, result))

        def do() -> None:
            try:
                result, error = self._do(work), None
            except BaseException as caught:
                result, error = None, caught
            with suppress(RuntimeError):  # the loop is gone, and with it everyone who could wait
                loop.call_soon_threadsafe(settle, result, error)

        self._thread.submit(do)
        try:
            return await answer
        except sqlite3.Error as error:
            raise (DiskFull if is_full(error) else StoreError)(self._explain(error)) from error

    def _do(self, work: Callable[[], T]) -> T:
        """What the disk is too full for is rolled back; where it is the run's, the reserve is let go of and it is done
        again."""
        self._may_release = False
        try:
            return work()
        except sqlite3.OperationalError as error:
            full = is_full(error) or self._is_cramped(error)
            if not full or not self._may_release or not self._reserve.release():
                raise
            return work()

    def _is_cramped(self, error: sqlite3.Error) -> bool:
        """Whether SQLite could not write where hardly any room is left: not every file system says that it is full."""
        code = getattr(error, "sqlite_errorcode", 0)
        return code & 0xFF == sqlite3.SQLITE_IOERR and shutil.disk_usage(self._path.parent).free < RESERVE_BYTES

    def _leave_room(self) -> None:
        """The run under way lives on what was the reserve: nobody else takes any of it. Raises `StoreError`."""
        if journal.is_open(self._db) and not self._reserve.make_whole():
            raise DiskFull(self._words_of_full_disk())

    def _require_reserve(self) -> None:
        """Room to finish what is begun now, whatever happens to the disk. Raises `StoreError`."""
        try:
            whole = self._reserve.make_whole()
        except OSError as error:
            raise StoreError(f"{self._path}: no room can be kept beside it ({error}); check the disk") from error
        if not whole:
            raise DiskFull(self._words_of_full_disk())

    def _words_of_full_disk(self) -> str:
        free = shutil.disk_usage(self._path.parent).free / 1e6
        return (
            f"{self._path}: the disk is full ({free:.1f} MB free, {RESERVE_BYTES / 1e6:.1f} MB are kept for the run"
            " under way); make room, nothing is tested until then"
        )

    def _explain(self, error: sqlite3.Error) -> str:
        code = getattr(error, "sqlite_errorname", "")
        if is_full(error):
            return self._words_of_full_disk()
        if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return f"{self._path}: the store is damaged ({error}); keep a copy and put a back-up in its place"
        return f"{self._path}: {error} ({code}); check the disk and its permissions"
