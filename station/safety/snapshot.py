"""What goes into a scan and what comes out of it: frozen values, no behaviour beyond looking something up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from drivers.ports import GuardStatus
from station.domain.interlock import Reading, Trip


class MainsWish(StrEnum):
    """What the guarded mains port wants. `ON` is set before `ON n` goes out, so K is never on unwatched."""

    OFF = "off"
    PREPARE = "prepare"
    ON = "on"


class HvWish(StrEnum):
    """What the guarded tester wants. `PREPARE`: it is being routed and mains is barred; `ON`: the voltage itself."""

    OFF = "off"
    PREPARE = "prepare"
    ON = "on"


class DriveWish(StrEnum):
    """What the drive interlock wants. `PREPARE`: fan on, silent. `LOW`: loads are out (damping), small levels only."""

    OFF = "off"
    PREPARE = "prepare"
    LOW = "low"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What steps want through the guarded ports. A trip forgets all of it."""

    mains: MainsWish = MainsWish.OFF
    mains_until: float | None = None
    """Monotonic second at which the plan's bound ends."""
    hv: HvWish = HvWish.OFF
    drive: DriveWish = DriveWish.OFF


@dataclass(frozen=True, slots=True)
class RelayImage:
    """Relays by role: what was commanded and what the board said then. A role being switched is not in `seen`."""

    commanded: Mapping[str, bool]
    seen: Mapping[str, bool]
    seen_at: float


@dataclass(frozen=True, slots=True)
class ScanInputs:
    """Everything that a scan looks at. Times are monotonic seconds.

    `due` is when this scan should have begun. `boot` is the guard's boot id of the present session.
    """

    now: float
    due: float
    readings: Mapping[str, Reading]
    guard: GuardStatus | None
    boot: str | None
    relays: RelayImage | None
    wishes: Wishes = field(default_factory=Wishes)
    dead_pollers: frozenset[str] = frozenset()
    service_latch: str | None = None
    resetting: bool = False
    """A person's RESET is under way: a guard that is SAFE again is not told STOP."""
    guard_trouble: str | None = None
    """What is wrong with the guard's line; for words only."""
    guard_unfit: str = ""
    """Why this guard may not energise, by what it said of itself (`guard_line.unfit`)."""


@dataclass(frozen=True, slots=True)
class ScanState:
    """What one scan hands the next. `trips`: first cause first; not empty is latched."""

    started_at: float
    trips: tuple[Trip, ...] = ()
    bad_since: Mapping[str, float] = field(default_factory=dict)
    """By interlock: when the first reading of the present violation was taken."""
    energised_since: float | None = None
    hv_since: float | None = None
    drive_since: float | None = None
    mains_established: bool = False
    hv_established: bool = False
    drive_established: bool = False
    live_since: float | None = None
    """Since when the contactor's feedback is closed: what mains brings (volts at the plug) is there from then on."""
    unwanted_since: float | None = None
    off_until: float = 0.0
    """No ON before this [23]."""
    heard: bool = False
    boot: str | None = None
    up_ms: int = 0
    fan: bool = True

    @property
    def tripped(self) -> bool:
        """Latched until a person resets."""
        return bool(self.trips)


@dataclass(frozen=True, slots=True)
class ScanOutputs:
    """What the kernel applies. `refusals`: by permit the reason why not; no entry is a grant until `permit_until`.

    `heartbeat` says whether the guard may be fed; `stop` that it must be told STOP; `fan` and `bleed` where these
    relays belong. Unchanged inputs give the same until `scan.next_deadline`.
    """

    refusals: Mapping[str, str]
    permit_until: float
    heartbeat: bool
    stop: bool
    fan: bool
    bleed: bool
    trips: tuple[Trip, ...]
    """Those that this scan added."""
    welded: bool = False
    """The contactor is known to be welded: a maintainer must come [8]."""
