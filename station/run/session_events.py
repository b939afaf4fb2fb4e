"""What can happen to a session (events) and what it wants done (actions). Values only.

Only `ButtonPressed`, which the panel alone makes, can lead to `StartRun` or `ResetTrip`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from station.domain.plan import Purpose
from station.domain.prompt import Answer, Prompt
from station.domain.verdict import Verdict
from station.domain.work_order import EarlierRun, Ticket, WorkOrder
from station.panel.buttons import ButtonPressed, ButtonStuck

Source = Literal["panel", "scanner", "socket", "centre", "station"]


class Kind(StrEnum):
    """Columns of the table: one for each kind of event, the five buttons apart."""

    START = "START"
    STOP = "STOP"
    RESET = "RESET"
    OK = "OK"
    NG = "NG"
    STUCK = "stuck button"
    SCAN = "scan"
    ASSIGN = "assign"
    WITHDRAW = "withdraw"
    PUT_IN_FRONT = "put in front"
    ABORT = "abort"
    RUN_BEGAN = "run began"
    VOLTAGE_ON = "voltage on"
    VOLTAGE_OFF = "voltage off"
    PROMPT_ASKED = "prompt asked"
    PROMPT_CLOSED = "prompt closed"
    RUN_ENDED = "run ended"
    COOLED = "cooled"
    TRIP = "trip"
    TRIP_CLEARED = "trip cleared"
    POWER_RETURN = "power return"
    BARRED = "barred"
    LID = "lid"
    PANEL_LOST = "panel lost"
    PANEL_BACK = "panel back"
    EARLIER = "earlier runs"
    STEP = "step"
    TIME = "time"
    IDENTIFY = "identify"
    TICK = "tick"


# ---- events ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Scanned:
    """A line from scanner or socket: `OP:`, `WO:`, `SN:`, `IM:`, `PR:` or `PL:` and a value, or a bare IMEI."""

    text: str
    source: Source = "scanner"


@dataclass(frozen=True, slots=True)
class Assigned:
    """The centre (or the socket) put a work order on the bench's list.

    `accepted`: a technician had claimed it before the station was started anew.
    """

    work_order: WorkOrder
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A work order is taken back, if its run has not started."""

    number: str


@dataclass(frozen=True, slots=True)
class PutInFront:
    """The remote `start`: only puts a work order that waits in front of the technician."""

    number: str


@dataclass(frozen=True, slots=True)
class AbortAsked:
    """Abort that run and no other."""

    run_id: str
    source: Source = "socket"


@dataclass(frozen=True, slots=True)
class RunBegan:
    """The journal holds the run: it has an id from here on."""

    run_id: str


@dataclass(frozen=True, slots=True)
class VoltageChanged:
    """The guard says that mains or test voltage is on, or that both are off."""

    on: bool


@dataclass(frozen=True, slots=True)
class PromptAsked:
    """A step asks the technician."""

    prompt: Prompt


@dataclass(frozen=True, slots=True)
class PromptClosed:
    """The prompt is gone without an answer: time-out, trip or abort."""


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is on record. `hot`: the DUT or the load bank must cool before the lid is released."""

    verdict: Verdict
    hot: bool = False


@dataclass(frozen=True, slots=True)
class Cooled:
    """Nothing is hot any more and the fan has run its time."""


@dataclass(frozen=True, slots=True)
class Tripped:
    """The latch fell: `code` is what a technician looks up, `text` says it by language."""

    code: str
    text: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TripCleared:
    """Latch and guard are both clear again. `hot`: the load bank is not known to be cool (also after a restart)."""

    hot: bool = False


@dataclass(frozen=True, slots=True)
class PowerReturned:
    """The station came up after a loss of power or a crash: nothing goes on without a person."""


@dataclass(frozen=True, slots=True)
class Barred:
    """What the kernel has against beginning a run now, by language; empty where nothing. Told before each START."""

    text: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LidTold:
    """Whether the lid was released and stands open, by the guard's last word. Told before each OK and NG."""

    open: bool


@dataclass(frozen=True, slots=True)
class PanelLost:
    """No buttons and no lamps; `reason` is the driver's."""

    reason: str


@dataclass(frozen=True, slots=True)
class PanelBack:
    """The panel answers again."""


@dataclass(frozen=True, slots=True)
class EarlierRuns:
    """What this bench's store knows of the work order that stands in front."""

    number: str
    runs: tuple[EarlierRun, ...]


@dataclass(frozen=True, slots=True)
class StepBegan:
    """A step of the run is under way; `use` is its name in the catalogue, None between two steps."""

    use: str | None


@dataclass(frozen=True, slots=True)
class TimeTold:
    """What a clock on the wall says: UTC in seconds since 1970, None where it is not known, and the monotonic second
    at which the shift ends.

    `uncalibrated`: why no PASS can be made today with an instrument, by role and language.
    """

    utc_s: float | None
    shift_ends_at_s: float = math.inf
    uncalibrated: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identify:
    """Somebody wants to see which bench this is."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by (once a second is enough): badges expire."""


Event = (
    ButtonPressed | ButtonStuck | Scanned | Assigned | Withdrawn | PutInFront | AbortAsked | RunBegan | VoltageChanged
    | PromptAsked | PromptClosed | RunEnded | Cooled | Tripped | TripCleared | PowerReturned | Barred | LidTold
    | PanelLost | PanelBack | EarlierRuns | StepBegan | TimeTold | Identify | Tick
)  # fmt: skip

_KINDS: dict[type, Kind] = {
    ButtonStuck: Kind.STUCK, Scanned: Kind.SCAN, Assigned: Kind.ASSIGN, Withdrawn: Kind.WITHDRAW,
    PutInFront: Kind.PUT_IN_FRONT, AbortAsked: Kind.ABORT, RunBegan: Kind.RUN_BEGAN, PromptAsked: Kind.PROMPT_ASKED,
    PromptClosed: Kind.PROMPT_CLOSED, RunEnded: Kind.RUN_ENDED, Cooled: Kind.COOLED, Tripped: Kind.TRIP,
    TripCleared: Kind.TRIP_CLEARED, PowerReturned: Kind.POWER_RETURN, Barred: Kind.BARRED,
    LidTold: Kind.LID, PanelLost: Kind.PANEL_LOST, PanelBack: Kind.PANEL_BACK, EarlierRuns: Kind.EARLIER,
    StepBegan: Kind.STEP, TimeTold: Kind.TIME, Identify: Kind.IDENTIFY, Tick: Kind.TICK,
}  # fmt: skip


def kind_of(event: Event) -> Kind:
    """The column of the table that `event` belongs to."""
    if isinstance(event, ButtonPressed):
        return Kind[event.button.name]
    if isinstance(event, VoltageChanged):
        return Kind.VOLTAGE_ON if event.on else Kind.VOLTAGE_OFF
    return _KINDS[type(event)]


# ---- actions -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class StartRun:
    """Start a run with this ticket. `purpose` is what goes on record: another plan than the order's is engineering."""

    ticket: Ticket
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class AbortRun:
    """End the run now. A person's or the centre's wish gives ABORTED, the station's own (`by` station) ERROR."""

    reason: str
    by: Source


@dataclass(frozen=True, slots=True)
class AnswerPrompt:
    """The technician pressed OK (True) or NG (False), or scanned the badge that was asked for."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class HandOver:
    """Another badge takes the run over; both are on record."""

    operator: str


@dataclass(frozen=True, slots=True)
class ResetTrip:
    """A person pressed RESET at the bench: clear the latch and ask the guard. Never energises."""


@dataclass(frozen=True, slots=True)
class ReleaseLid:
    """The run is over and nothing is hot: the kernel may unlock once the plug is proven dead."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Not done, and why: for page, lamps, buzzer and the reply to a command.

    `work_order`: the order that could not be tested, where the centre is to be told of it.
    """

    code: str
    text: Mapping[str, str]
    work_order: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A technician has claimed an assigned work order: the centre is told, once."""

    number: str


@dataclass(frozen=True, slots=True)
class ShowIdentity:
    """All lamps blink for some seconds."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Something the technician should know; nothing was asked for."""

    code: str
    text: Mapping[str, str]


Action = (
    StartRun | AbortRun | AnswerPrompt | HandOver | ResetTrip | ReleaseLid | Refuse | Tell | Accepted | ShowIdentity
)
