"""What pydantic makes of the contract's classes at their first use, made beforehand.

A class costs up to 30 ms when it is first written or read, and the interpreter's lock with it, whichever thread it is
in: in the middle of a run that was the greatest part of what a scan was ever late on a bench of our own. Who scans
builds them before the first scan; who does not need not.
"""

from __future__ import annotations

from collections.abc import Iterator

import station.contract.commands  # noqa: F401  # its bodies too
from station.contract.bodies import Body
from station.contract.records import adapter
from station.domain.journal import RunDraft
from station.domain.record import Record, StepRecord
from station.domain.work_order import EarlierRun, WorkOrder


def build() -> None:
    """Some 80 ms, once a process."""
    for kind in (WorkOrder, EarlierRun, RunDraft, StepRecord, Record):
        adapter(kind)
    for body in _bodies(Body):
        body.model_rebuild()


def _bodies(of: type[Body]) -> Iterator[type[Body]]:
    for body in of.__subclasses__():
        yield body
        yield from _bodies(body)
