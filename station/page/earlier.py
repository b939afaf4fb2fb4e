"""What the store knows of the serial number on the bench: read beside the daemon, in a thread, and never written."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import Any, TypeVar

from station.domain.record import Record
from station.page.advice import both
from station.page.board import Board
from station.page.feed import Feed
from station.report.numbers import local_time
from station.report.record_view import cause_sentences, plain_record
from station.report.words import PURPOSES
from station.store.history import History, RunRow
from station.store.journal import Codec

log = logging.getLogger(__name__)

T = TypeVar("T")
LOOK_S = 0.5
MOST = 6


class Earlier:
    """Looks whenever another device is on the bench or a run has ended."""

    def __init__(self, store: Path, codec: Codec, zone: tzinfo, board: Board, feed: Feed) -> None:
        self._store, self._codec, self._zone, self._board, self._feed = store, codec, zone, board, feed

    async def run(self) -> None:
        """Until cancelled. A store that cannot be read leaves the page without a history, no more."""
        seen: tuple[str | None, str | None, str | None] = (None, None, None)
        while True:
            wanted = (self._board.serial_number, self._board.work_order, self._board.ended_run)
            if wanted != seen:
                seen = wanted
                await self._look(*wanted)
            await asyncio.sleep(LOOK_S)

    async def _look(self, serial_number: str | None, work_order: str | None, ended_run: str | None) -> None:
        if ended_run is not None:
            causes = await asyncio.to_thread(_or_none, f"causes of {ended_run}", lambda: self._causes(ended_run))
            self._board.explain(ended_run, causes or [])
        if serial_number is not None:
            rows = await asyncio.to_thread(
                _or_none, f"history of {serial_number}", lambda: self._rows(serial_number, work_order)
            )
            self._board.remember(serial_number, rows or [])
        self._feed.flush()

    def _causes(self, run_id: str) -> list[dict[str, str]]:
        with History(self._store, self._codec) as history:
            return _in_words(history.record(run_id))

    def _rows(self, serial_number: str, work_order: str | None) -> list[dict[str, Any]]:
        with History(self._store, self._codec) as history:
            made = [run for run in history.runs(MOST + 1, serial_number=serial_number) if run.verdict is not None]
            rows = [
                (run.ended_at or run.started_at, self._row(
                    run.verdict, run.purpose, run.plan, run.ended_at or run.started_at,
                    _first_cause(history, run) if run.verdict != "PASS" else None,
                ))
                for run in made[:MOST]
            ]  # fmt: skip
            rows += [
                (run.ended_at, self._row(
                    run.verdict, run.purpose, run.plan, run.ended_at,
                    {"zh": run.causes[0], "en": run.causes[0]} if run.causes else None, run.station,
                ))
                for run in _or_none("runs elsewhere", lambda: history.brought(serial_number, work_order)) or ()
            ]  # fmt: skip
        return [row for _, row in sorted(rows, key=lambda one: one[0], reverse=True)[:MOST]]

    def _row(
        self, verdict: str | None, purpose: str, plan: str | None, at: str, cause: dict[str, str] | None,
        station: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        return {
            "verdict": verdict, "plan": plan, "purpose": both(PURPOSES.get(purpose, (purpose, purpose))),
            "date": local_time(at, self._zone)[:16], "cause": cause, "station": station,
        }  # fmt: skip


def _first_cause(history: History, run: RunRow) -> dict[str, str] | None:
    causes = _or_none(f"cause of run {run.run_no}", lambda: _in_words(history.record(run.run_id)))
    return causes[0] if causes else None


def _or_none(what: str, read: Callable[[], T]) -> T | None:
    """What is read; whatever a store or a row in it comes up with costs this and no more."""
    try:
        return read()
    except Exception as error:
        log.warning("%s: %s", what, error or repr(error))
        return None


def _in_words(record: Record) -> list[dict[str, str]]:
    plain = plain_record(record)
    return [
        {"zh": chinese, "en": english}
        for chinese, english in zip(cause_sentences(plain, "zh"), cause_sentences(plain, "en"), strict=True)
    ]


Make = Callable[[Board, Feed], Earlier]
"""Made once board and feed are there."""
