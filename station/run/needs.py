"""What a plan needs before START beside its scans, and what the work order's earlier runs say about it. Pure.

The purpose of a typed work order (docs/work-orders.md has the rule in words):

    last run of it ABORTED or ERROR        that purpose again: it said nothing about the device
    last run an adjustment that did not pass      `adjust` again
    anything else, or nothing known        `outgoing`
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, cast

from station.domain.earlier import JUDGED, PURPOSES, ended, moment
from station.domain.journal import RunDraft
from station.domain.plan import NeedsPass, Purpose
from station.domain.record import Record, Reference
from station.domain.work_order import EarlierRun

Run = TypeVar("Run", RunDraft, Record)
HOUR_S = 3600.0
AHEAD_S = 60.0
"""A run that ended this much after now was stamped by a clock that cannot be right: it proves nothing."""
UNDECIDING: tuple[Purpose, ...] = ("verify", "engineering")
"""Purposes of runs that decide nothing about a device: they start with any instrument, and yet none of them passes."""
Lack = Literal["pass_missing", "pass_clock", "pass_old", "pass_taken_back"]


@dataclass(frozen=True, slots=True)
class NotProven:
    """Why no PASS can be shown; `run` is the one that comes nearest."""

    lack: Lack
    run: EarlierRun | None = None


def next_purpose(runs: Sequence[EarlierRun]) -> Purpose:
    """The purpose that a typed work order stands at, by its earlier runs."""
    own = sorted((run for run in runs if run.purpose in PURPOSES), key=ended)
    if not own:
        return "outgoing"
    last = own[-1]
    if last.verdict not in JUDGED or (last.purpose == "adjust" and last.verdict != "PASS"):
        return cast(Purpose, last.purpose)
    return "outgoing"


def find_pass(
    needs: NeedsPass, work_order: str, serial_number: str, runs: Sequence[EarlierRun], utc_s: float | None,
    *, simulated: bool = False,
) -> EarlierRun | NotProven:  # fmt: skip
    """The PASS of `needs.plan` for this work order and device, at most `within_h` old at `utc_s`.

    A run must say itself that it is of this plan, work order and serial number: what is not said proves nothing.
    A later run in which the device failed takes a PASS back, whatever became of that run and whatever it was for, and
    so does an adjustment. `utc_s` None: nobody knows the time. `simulated`: on a simulated bench its own PASSes count.
    """
    device = [r for r in runs if r.serial_number == serial_number and r.work_order == work_order]
    device = sorted((run for run in device if simulated or not run.simulated), key=ended)
    passes = [run for run in device if run.plan == needs.plan and _proves(run)]
    if not passes:
        return NotProven("pass_missing")
    run = passes[-1]
    if any(_takes_back(later) for later in device[device.index(run) + 1 :]):
        return NotProven("pass_taken_back", run)
    at = moment(run.ended_at)
    if utc_s is None or at is None or run.clock_quality == "unsynced" or at.timestamp() > utc_s + AHEAD_S:
        return NotProven("pass_clock", run)
    if utc_s - at.timestamp() > needs.within_h * HOUR_S:
        return NotProven("pass_old", run)
    return run


def _proves(run: EarlierRun) -> bool:
    return run.purpose == "outgoing" and run.verdict == "PASS" and not run.failed and not run.unsigned


def _takes_back(run: EarlierRun) -> bool:
    return run.failed or run.verdict == "FAIL" or run.purpose == "adjust"


def reference_to(run: EarlierRun) -> Reference:
    """The run as a record refers to it."""
    return Reference(run.run_id, cast(Purpose, run.purpose), run.verdict, run.station, run.ended_at)


def with_proof(run: Run, proof: Reference | None) -> Run:
    """`run` referring to the PASS that it stands on; what was found out about a return (rework) is kept."""
    if proof is None:
        return run
    before = run.reference
    if before is not None:
        proof = replace(proof, rework=before.rework, note=before.note)
    return replace(run, reference=proof)
