"""What a runner needs of others: journal, kernel, messages and stamps as it sees them, and the order to run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from station.contract.bodies import EventName
from station.domain.interlock import Trip
from station.domain.journal import RunDraft
from station.domain.outbox import Draft
from station.domain.plan import Plan, Product
from station.domain.record import Finding, Record, Reference, StepRecord, TripRecord
from station.domain.work_order import EarlierRun


class Journal(Protocol):
    """Where a run is committed. Raises `StoreError`: then nothing is energised any more."""

    async def begin_run(self, draft: RunDraft, messages: Sequence[Draft]) -> int: ...

    async def add_step(self, run_id: str, index: int, step: StepRecord) -> None: ...

    async def finish_run(self, record: Record, messages: Sequence[Draft]) -> object: ...


class Watch(Protocol):
    """The kernel as the runner sees it."""

    @property
    def trips(self) -> Sequence[Trip]:
        """Every trip since the latch was last clear, first cause first."""

    async def wait_tripped(self) -> None:
        """Return once the latch is set."""


class Messages(Protocol):
    """What goes to the centre with a run, committed together with it."""

    def started(self, draft: RunDraft) -> Sequence[Draft]: ...

    def ended(self, record: Record) -> Sequence[Draft]: ...


class Stamps(Protocol):
    """UTC stamps."""

    def now(self) -> str: ...


Diagnose = Callable[[Sequence[StepRecord], Sequence[TripRecord]], tuple[Finding, ...]]
"""What the rules of diagnosis infer from a run's steps and trips, strongest first. Pure."""


def no_findings(steps: Sequence[StepRecord], trips: Sequence[TripRecord]) -> tuple[Finding, ...]:
    """What a run that looks for no fault infers."""
    return ()


Earlier = Callable[[RunDraft], Awaitable[Sequence[EarlierRun]]]
"""The runs of the draft's device that were made before, on any bench."""


async def no_earlier(draft: RunDraft) -> Sequence[EarlierRun]:
    """Nothing is known of the device."""
    return ()


Report = Callable[[EventName, str | None, str | None, str | None], Awaitable[None]]
"""Commit an event for the centre: its name, work order, run id and reason. Raises `StationError`."""
Recall = Callable[[str], Awaitable[tuple[EarlierRun, ...]]]
"""What this bench's store knows of a work order. Raises `StationError`."""


async def report_to_nobody(event: EventName, work_order: str | None, run_id: str | None, reason: str | None) -> None:
    """Where there is no centre."""


@dataclass(frozen=True, slots=True)
class Order:
    """One run to make: the plan resolved for the product, the draft of its record, the diagnosis of its end.

    `earlier`: the device's runs before this one. `proof`: the PASS of another plan that this one stands on. `notes`:
    what is known of the order from its beginning, for the notes of the first step.
    """

    plan: Plan
    product: Product
    draft: RunDraft
    diagnose: Diagnose = no_findings
    earlier: Sequence[EarlierRun] = ()
    proof: Reference | None = None
    notes: tuple[str, ...] = ()
