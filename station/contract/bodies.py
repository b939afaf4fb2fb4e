"""The bodies of the messages, field by field (contracts/mqtt.md); that of `result` is `station.domain.record.Record`.

Unknown fields are ignored: versions 1.x only add. No badge and no free text about a customer has a field here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from station.domain.record import Instrument

UtcText = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$", examples=["2026-11-22T03:52:10.123Z"])
]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
StationName = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
MsgId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}:[0-9a-f]{8,32}:p?[0-9]{1,18}$")]
Text = Annotated[str, Field(max_length=1000)]
EventName = Literal[
    "accepted", "refused", "run_started", "run_ended", "label_printed", "label_reprinted", "reset", "handover"
]


class Body(BaseModel):
    """What all bodies have in common: frozen, and tolerant of fields of later versions."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Event(Body):
    """Something that the centre maps to the state of a work order."""

    event: EventName
    work_order: str | None = None
    run_id: str | None = None
    reason: Text | None = None


class Alarm(Body):
    """A trip or a fault."""

    code: Annotated[str, Field(max_length=80)]
    cause: Text
    run_id: str | None = None
    at: UtcText


class Reply(Body):
    """The outcome of a command."""

    cmd_id: Annotated[str, Field(max_length=100)]
    status: Literal["done", "refused"]
    reason: Text | None = None


class Presence(Body):
    """Birth (`online`) and last will (`offline`); sessions compare within one epoch."""

    state: Literal["online", "offline"]
    store_epoch: str
    session: int


class Info(Body):
    """What this station is and can do.

    A capability is `plan:ID:PURPOSE:FAMILY` (FAMILY `any`: every product), `product:ID`, `verb:NAME`, `printer` or
    `simulated`; receivers ignore what they do not know. An instrument whose calibration date is not kept has null.
    """

    software: str
    capabilities: Annotated[
        tuple[str, ...], Field(examples=[["plan:outgoing-amplifier:outgoing:audio-amplifier"]])
    ] = ()
    instruments: tuple[Instrument, ...] = ()
    certificate_expires_at: UtcText | None = None
    config_revision: str | None = None
    config_sha256: str | None = None
    last_apply_error: Text | None = None


class Progress(Body):
    """Where the bench stands; sent on a change of state only: the session's state, work order, run, plan, step, prompt,
    and once when the end of the run becomes known.

    `fraction` is of the run, each of its steps counting the same; `expected_end` is the run's, known from when its last
    step says how long it takes. Both are null outside a run.
    """

    state: str
    work_order: str | None = None
    run_id: str | None = None
    plan: str | None = None
    step: str | None = None
    fraction: Annotated[FiniteFloat, Field(ge=0, le=1)] | None = None
    expected_end: UtcText | None = None
    prompt: dict[str, str] | None = None


class Aggregate(Body):
    """One reading over a stretch of time."""

    mean: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat


class Telemetry(Body):
    """Aggregates of 1 to 5 s while a test runs, by reading name (`role.quantity`).

    A reading that was not taken in these `seconds` is not here. `step` is null where another step began within them.
    """

    run_id: str
    step: str | None = None
    seconds: FiniteFloat
    readings: dict[str, Aggregate]


class AlarmActive(Body):
    """A snapshot of all that is latched now, the first cause first; an empty list says that nothing is.

    `code` is that of the alarm on `up/alarm`, `SERVICE` the latch that only a maintainer clears, `POWER` a return of
    power or of the station in the middle of a run. A RESET empties it, but for `SERVICE`.
    """

    alarms: tuple[Alarm, ...] = ()


class AlsoReceipted(Body):
    """One more message that a receipt speaks of."""

    msg_id: MsgId
    sha256: Sha256


ALSO_MAX = 50
"""Messages that a receipt may speak of beside its first."""
TAKES_ALSO = "receipts:also"
"""In the capabilities of a station that understands `also`: no other is sent such a receipt."""


class Receipt(Body):
    """The centre's word on a message: the sha256 is of the exact payload bytes that it got.

    `also`: further messages of the same station with the same status, under the same signature.
    """

    msg_id: MsgId
    sha256: Sha256
    status: Literal["stored", "duplicate", "rejected"]
    reason: Text | None = None
    also: Annotated[tuple[AlsoReceipted, ...], Field(max_length=ALSO_MAX)] = ()
    key_id: str
    sig: str

    @property
    def speaks_of(self) -> tuple[tuple[str, str], ...]:
        """`(msg_id, sha256)` of every message that this is the word on."""
        return ((self.msg_id, self.sha256), *((one.msg_id, one.sha256) for one in self.also))


class Command(Body):
    """A command to one station."""

    cmd_id: Annotated[str, Field(min_length=1, max_length=100)]
    station: StationName
    verb: str
    args: dict[str, Any] = Field(default_factory=dict)
    issued_at: UtcText
    expires_at: UtcText
    key_id: str
    sig: str
