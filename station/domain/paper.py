"""The slips of a run as the journal keeps them: which one is due, and whether a printer shall print it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from station.domain.record import Record

PaperKind = Literal["label", "return", "retest"]
"""维修合格 on PASS, 返修单 on FAIL, 重测单 on ERROR and ABORTED."""


@dataclass(frozen=True, slots=True)
class DuePaper:
    """A slip that a finished run is entitled to; `queued` False: it is, but nothing prints it by itself."""

    kind: PaperKind
    queued: bool


PaperDue = Callable[[Record], Sequence[DuePaper]]


def no_paper(record: Record) -> Sequence[DuePaper]:
    """What is due where there is no paper."""
    return ()


@dataclass(frozen=True, slots=True)
class PendingPaper:
    """A slip that waits for the printer. `second`: this one was asked for again, or an earlier try may have come out;
    the paper says so either way, the event only of what a person asked for (`reprint`)."""

    id: int
    run_id: str
    kind: PaperKind
    reprint: bool
    second: bool
    work_order: str | None
    record: str
    """The record as JSON."""
