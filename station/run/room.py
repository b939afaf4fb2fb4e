"""What a run needs of the daemon: the kernel as the conductor sees it, and everything else in one frozen record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from drivers.ports import GuardStatus
from station.domain.clock import TestClock
from station.domain.interlock import Trip
from station.domain.journal import RunDraft
from station.domain.plan import Plan, Product, Purpose
from station.domain.work_order import Ticket
from station.metrology.in_force import NOTHING_ON_FILE, InForce
from station.run.run_ports import (
    Diagnose,
    Earlier,
    Journal,
    Messages,
    Recall,
    Report,
    Stamps,
    Watch,
    no_earlier,
    no_findings,
    report_to_nobody,
)
from station.run.session_events import TimeTold
from station.safety.bench import Bench
from station.steps.step import StepSpec


class Safety(Watch, Protocol):
    """The kernel as the conductor needs it beyond watching trips."""

    @property
    def status(self) -> GuardStatus | None:
        """The guard's last word."""

    @property
    def hot(self) -> bool:
        """Whether the load bank is not known to be cool."""

    @property
    def why_not_cool(self) -> str:
        """Why nobody can say how hot the load bank is; "" where its thermometer reads."""

    def why_start_refused(self) -> tuple[str, ...]:
        """What stands against beginning a run now."""

    def stop(self, cause: str = "STOP") -> None:
        """De-energise now and latch."""

    async def reset(self) -> tuple[str, ...]:
        """Clear the latch on a person's act; what forbids it comes back, nothing if it is clear now."""

    async def release_lid(self) -> None:
        """Unlock once the plug is proven dead. Raises `StationError` or `DriverError`."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a run needs and the daemon made: all of it for the station's whole life."""

    bench: Bench
    safety: Safety
    journal: Journal
    messages: Messages
    steps: Mapping[str, StepSpec]
    clock: TestClock
    stamps: Stamps
    resolve: Callable[[str, str], tuple[Plan, Product]]
    draft: Callable[[Ticket, Purpose, Plan, Product], RunDraft]
    prepare: Callable[[], Awaitable[None]]
    """Before a run: what was left open in the journal is closed, the sound process is alive."""
    words: Callable[[Trip], Mapping[str, str]]
    alarm: Callable[[Trip, str | None], Awaitable[None]]
    """Tell the centre of a trip, in a run or not. Raises `StationError`."""
    diagnose: Diagnose = no_findings
    earlier: Earlier = no_earlier
    report: Report = report_to_nobody
    recall: Recall | None = None
    """What the store knows of a work order; None: nobody asks."""
    wall: Callable[[float], TimeTold] | None = None
    """What the clock on the wall says at a monotonic second; None: nobody looks at it."""
    calibrations: InForce = NOTHING_ON_FILE
    """What the instruments' calibrations are worth at this moment."""
    broken: dict[str, str] = field(default_factory=dict)
    """By run id: why a run could not be kept to its end (a full disk), for the record that closes it later."""
