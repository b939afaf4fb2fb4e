"""Prints what waits, the oldest first, and tries again for ever: a slip is late, but never lost. Paper ends no test:
whatever goes wrong here is told, and tried again. Only what cannot be drawn is given up, until a person asks for it.

    printer can print? -> drawn -> *tried* committed -> bytes to the printer -> *printed* and the event committed

Whoever dies between the two commits cannot know whether the label came out: the next one says that it may be the
second (补打 and the date). So there is always one, sometimes two, and never two that look alike. Whether a slip is due
is `rules`', what is on it `report`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from drivers.errors import DriverError
from drivers.ports import LabelPrinter
from station.domain.errors import StationError
from station.domain.events import Event, Publish
from station.domain.outbox import Draft
from station.domain.paper import PaperKind, PendingPaper
from station.paper.reasons import Words, in_words
from station.paper.rendering import Render, RenderError

log = logging.getLogger(__name__)

PAUSES_S = (2.0, 4.0, 8.0, 15.0)
"""Between two tries; the last one again and again. Labels that are loaded are printed within it."""
RENDER_TRIES = 10
"""After so many a slip that cannot be drawn is given up: it would warn for ever, whatever the printer does."""
STOP_S = 8.0
"""So long may the label in hand take when the station is stopped: an orderly stop makes no second print."""


class PaperStore(Protocol):
    """The store as it is needed here. Raises `StoreError`."""

    async def next_paper(self, skip: Collection[int] = ()) -> PendingPaper | None: ...
    async def pending_paper(self) -> int: ...
    async def try_paper(self, number: int, *, tried: bool) -> None: ...
    async def paper_printed(self, number: int, messages: Sequence[Draft] = ()) -> None: ...
    async def paper_failed(self, number: int) -> None: ...
    async def work_order_of(self, run_id: str) -> str | None: ...
    async def reprint(self, run_id: str, kind: PaperKind, messages: Sequence[Draft] = (), *, printed: bool) -> None: ...


class PaperMessages(Protocol):
    """The messages of the contract."""

    def event(
        self, event: Any, *, work_order: str | None = None, run_id: str | None = None, reason: str | None = None
    ) -> Draft: ...


@dataclass(frozen=True, slots=True)
class Told:
    """Whom printing tells: `publish` every watcher, `warn` the panel, `now` gives UTC stamps."""

    publish: Publish
    warn: Callable[[bool], None]
    now: Callable[[], str]


class Printing:
    """One a station; `printer` None: there is none, and nothing is queued for it."""

    def __init__(
        self, store: PaperStore, printer: LabelPrinter | None, render: Render, messages: PaperMessages, told: Told,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:  # fmt: skip
        self._store, self._printer, self._render, self._messages, self._told = store, printer, render, messages, told
        self._pauses_s = pauses_s
        self._wake = asyncio.Event()
        self._out: dict[int, Sequence[Draft]] = {}
        self._undrawn: dict[int, int] = {}
        self._said: str | None = None
        self._view: dict[str, Any] = {"pending": 0, "reason": None}

    @property
    def view(self) -> Mapping[str, Any]:
        """How many slips wait, and why, in both languages; None while nothing is wrong."""
        return self._view

    def wake(self) -> None:
        """Something may wait now; never waits itself."""
        self._wake.set()

    async def run(self) -> None:
        """Print for ever."""
        if self._printer is None:
            log.info("no [printer] in station.toml: nothing is queued for one; `station results label` writes files")
            await asyncio.Event().wait()
        tries = 0
        while True:
            trouble = await self.turn()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pauses_s[min(tries, len(self._pauses_s) - 1)] if trouble else None):
                    await self._wake.wait()
            tries = tries + 1 if trouble else 0

    async def turn(self) -> Exception | None:
        """Print all that waits, until there is nothing or something is wrong; what is wrong."""
        try:
            trouble = await self._print_all()
        except (DriverError, StationError, OSError) as error:
            trouble = error
            self._wake.clear()  # our own commits are no news
        except Exception as error:
            if str(error) != self._said:
                log.exception("a fault of the program in printing; it is tried again")
            trouble = error
            self._wake.clear()
        await self._tell(trouble)
        return trouble

    async def reprint(self, run_id: str, *, to_file: bool) -> None:
        """Queue the label of a run again, or write down that it was written to a file. Raises `StationError`."""
        if to_file:
            work_order = await self._store.work_order_of(run_id)
            event = self._messages.event("label_reprinted", work_order=work_order, run_id=run_id, reason="to a file")
            await self._store.reprint(run_id, "label", [event], printed=True)
        elif self._printer is None:
            raise StationError("there is no [printer] in station.toml; write the label to a file: --out FILE")
        else:
            await self._store.reprint(run_id, "label", printed=False)

    async def _print_all(self) -> Exception | None:
        for number, messages in list(self._out.items()):
            await self._store.paper_printed(number, messages)
            del self._out[number]
        undrawn: dict[int, RenderError] = {}
        while True:
            self._wake.clear()
            paper = await self._store.next_paper(undrawn)
            if paper is None:
                return next(iter(undrawn.values()), None)
            try:
                await self._print(paper)
            except RenderError as error:
                if not await self._give_up(paper, error):
                    undrawn[paper.id] = error  # it holds up nothing behind it

    async def _give_up(self, paper: PendingPaper, error: RenderError) -> bool:
        tries = self._undrawn[paper.id] = self._undrawn.get(paper.id, 0) + 1
        if tries < RENDER_TRIES:
            return False
        await self._store.paper_failed(paper.id)
        del self._undrawn[paper.id]
        log.error(
            "%s; given up after %d tries. Mend it, then `station results label %s` has it printed",
            error, tries, paper.run_id,
        )  # fmt: skip
        return True

    async def _draw(self, paper: PendingPaper, printer: LabelPrinter) -> bytes:
        try:
            return await self._render(paper, printer.language, printer.dpi, self._told.now() if paper.second else None)
        except (StationError, OSError):
            raise
        except Exception as error:
            raise RenderError(f"{paper.kind} of run {paper.run_id}: not drawn: {error!r}") from error

    async def _print(self, paper: PendingPaper) -> None:
        printer = self._printer
        assert printer is not None
        await printer.check()
        job = await self._draw(paper, printer)
        self._undrawn.pop(paper.id, None)
        out = asyncio.ensure_future(self._send(printer, paper, job))
        try:
            await asyncio.shield(out)
        except asyncio.CancelledError:
            done, _ = await asyncio.wait({out}, timeout=STOP_S)
            if not done:
                out.cancel()
            await asyncio.gather(out, return_exceptions=True)
            raise
        log.info("%s of run %s is printed", paper.kind, paper.run_id)

    async def _send(self, printer: LabelPrinter, paper: PendingPaper, job: bytes) -> None:
        await self._store.try_paper(paper.id, tried=True)
        await printer.print_job(job)
        self._out[paper.id] = self._events(paper)
        await self._store.paper_printed(paper.id, self._out[paper.id])
        del self._out[paper.id]

    def _events(self, paper: PendingPaper) -> Sequence[Draft]:
        if paper.kind != "label":
            return ()
        name = "label_reprinted" if paper.reprint else "label_printed"
        return (self._messages.event(name, work_order=paper.work_order, run_id=paper.run_id),)

    async def _tell(self, trouble: Exception | None) -> None:
        said = str(trouble) if trouble is not None else None
        if said != self._said and trouble is not None:
            log.warning("paper waits: %s", trouble)
        self._said = said
        try:
            pending = await self._store.pending_paper()
        except StationError as error:
            pending, trouble = self._view["pending"], error
        reason: Words | None = in_words(trouble) if trouble is not None and pending else None
        view = {"pending": pending, "reason": reason}
        if view != self._view:
            if bool(reason) != bool(self._view["reason"]):
                self._told.warn(bool(reason))
            self._view = view
            self._told.publish(Event("paper", view))
