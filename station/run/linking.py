"""Which earlier run a run refers to, and whether the device came back with the same fault. Pure.

known before power   as-found run of the work order, else the last run of the serial number
FAIL at the end      the run before, whatever it was: the next one asks "what has changed since?"
rework               a repair (outgoing, PASS, another work order) ended at most 30 days before the device came
                     back, and what was wrong then is wrong again
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

from station.domain.earlier import NO_CAUSE, NO_CLOCK, as_found, ended, moment, related
from station.domain.journal import RunDraft
from station.domain.plan import Purpose
from station.domain.record import Record, Reference
from station.domain.verdict import Verdict
from station.domain.work_order import EarlierRun

REWORK = timedelta(days=30)
_NAME = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
"""A measurement's name within the text of a cause."""


def refer(draft: RunDraft, earlier: Sequence[EarlierRun]) -> RunDraft:
    """The draft with its reference; unchanged where nothing is known of the device or nothing may be said of it."""
    reference = _reference(_chosen(_before(draft, earlier), draft.work_order))
    return draft if reference is None else replace(draft, reference=reference)


def conclude(record: Record, earlier: Sequence[EarlierRun]) -> Record:
    """The record with its reference as it stands at the end: after a FAIL the run before; a return marked as such."""
    before = _before(record, earlier)
    if not before:
        return record
    chosen = before[-1] if record.verdict is Verdict.FAIL else _chosen(before, record.work_order)
    reference = _reference(chosen)
    assert reference is not None
    rework, note = came_back(record, before)
    return replace(record, reference=replace(reference, rework=rework, note=note))


def came_back(record: Record, before: Sequence[EarlierRun]) -> tuple[bool, str | None]:
    """Whether this is a return within 30 days with the same fault, and why that cannot be said where it cannot."""
    repaired = _last_repair(record, before)
    if repaired is None:
        return False, None
    found = as_found(before, record.work_order)
    found = found if found is not None and ended(found) > ended(repaired) else None
    same = _same_fault(_Fault.of_record(record, found), _Fault.of_case(repaired, before))
    if same is False:
        return False, None
    began = ended(found) if found is not None else moment(record.started_at)
    gap = None if began is None else began - ended(repaired)
    if gap is not None and gap > REWORK and _trusted(record, repaired, found):
        return False, None
    if gap is None or gap < timedelta(0) or not _trusted(record, repaired, found):
        return False, NO_CLOCK
    return (False, NO_CAUSE) if same is None else (True, None)


def _before(run: RunDraft | Record, earlier: Sequence[EarlierRun]) -> list[EarlierRun]:
    if run.purpose in ("engineering", "verify"):
        return []
    return related(earlier, run.run_id, run.work_order, run.dut.serial_number, simulated=run.simulated)


def _chosen(before: Sequence[EarlierRun], work_order: str | None) -> EarlierRun | None:
    return as_found(before, work_order) or (before[-1] if before else None)


def _reference(run: EarlierRun | None) -> Reference | None:
    if run is None:
        return None
    return Reference(run.run_id, cast(Purpose, run.purpose), run.verdict, run.station, run.ended_at)


def _last_repair(record: Record, before: Sequence[EarlierRun]) -> EarlierRun | None:
    """The repair before this work order: its outgoing PASS."""
    done = [
        run
        for run in before
        if run.purpose == "outgoing" and run.verdict == "PASS"
        and (run.work_order is None or run.work_order != record.work_order)
    ]  # fmt: skip
    return done[-1] if done else None


def _trusted(record: Record, *runs: EarlierRun | None) -> bool:
    """Whether every stamp in question comes from a clock that was set."""
    qualities = [record.clock.quality, *(run.clock_quality for run in runs if run is not None)]
    return "unsynced" not in qualities


class _Fault:
    """What was wrong: fault areas, strongest first, and the measurements that failed."""

    def __init__(self, areas: Sequence[str], names: frozenset[str]) -> None:
        self.areas = areas
        self.names = names

    @classmethod
    def of_record(cls, record: Record, found: EarlierRun | None) -> _Fault:
        areas = [finding.area for finding in record.findings] or list(found.areas if found else ())
        names = {cause.measurement for cause in record.causes if cause.measurement is not None}
        return cls(areas, frozenset(names) | _names(found.causes if found else ()))

    @classmethod
    def of_case(cls, repaired: EarlierRun, before: Sequence[EarlierRun]) -> _Fault:
        """Everything that was said of the device in the work order of that repair."""
        case = [run for run in before if run.work_order == repaired.work_order and ended(run) <= ended(repaired)]
        areas = [area for run in case for area in run.areas]
        return cls(areas, frozenset[str]().union(*(_names(run.causes) for run in case)))


def _names(causes: Sequence[str]) -> frozenset[str]:
    return frozenset(name for text in causes for name in _NAME.findall(text))


def _same_fault(now: _Fault, then: _Fault) -> bool | None:
    """By area where both have findings, else by what failed; None where then or now nothing is on record."""
    if now.areas and then.areas:
        return now.areas[0] in then.areas
    if not now.names and not now.areas:
        return False  # nothing is wrong with it now
    if now.names and then.names:
        return bool(now.names & then.names)
    return None
