"""Commands of the centre: signed there, checked here before anything is done, their arguments read into values.

In this order: shape, station, signature; then (by the inbox) whether it was seen before; then the clock and the expiry;
then the verb and its arguments. What only the session can know (a run, a work order) is not judged here. The local
socket brings the same arguments, unsigned.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    FiniteFloat,
    ValidationError,
)

from station.contract.bodies import Body, Command, Sha256
from station.contract.canonical import to_json
from station.contract.envelope import Stamp
from station.contract.keys import PublicKeys, SigningKey, verify
from station.contract.records import describe
from station.domain.commands import ResendRange, ResendRun
from station.domain.errors import MessageError
from station.domain.measurement import Channel, Curve
from station.domain.plan import Purpose
from station.domain.record import Part
from station.domain.work_order import EarlierRun, WorkOrder

VERBS = ("assign", "withdraw", "start", "abort", "resend", "identify", "apply")
SEQ_MAX = 10**15
"""Numbers of messages that a command may name; a number beyond what exists means the last."""
MAX_TREE_BYTES = 128 * 1024
"""Of the tar.gz that `apply` brings, before base64."""
LIFE_MAX = timedelta(days=1)
"""From `issued_at` to `expires_at`: a card that was written anew remembers no `cmd_id`, and may hear only today's."""
AHEAD_MAX = timedelta(minutes=5)
"""`issued_at` may be so far ahead of the station's clock."""
RUNS_MAX, PARTS_MAX, CURVES_MAX, POINTS_MAX, FIGURES_MAX, CAUSES_MAX = 20, 50, 24, 4096, 200, 100
_NUMBER_BYTES, _OBJECT_BYTES = 32, 200
YEARS = range(2000, 2101)
"""In which an earlier run can have ended: what lies outside is a slip, and not every clock can show it."""

Code = Annotated[str, Field(pattern=r"^[!-~]{1,48}$")]
"""What a scanner can read: printable ASCII without spaces."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("one line of printable text")
    return text


Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
ShortLine = Annotated[str, Field(max_length=80), AfterValidator(_printable)]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d))?$")]


def _texts_of_causes(value: Any) -> Any:
    """Causes as texts, or as a record has them."""
    if not isinstance(value, list):
        return value
    return tuple(cause.get("text") if isinstance(cause, dict) else cause for cause in value)


def _by_name(value: Any) -> Any:
    """Figures by `name` or `name/channel`, or as a record has them; what has no value is left out."""
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        named = {
            f"{one.get('name')}/{one['channel']}" if one.get("channel") else str(one.get("name")): one.get("value")
            for one in value
        }
        value = {name: figure for name, figure in named.items() if figure is not None}
    if isinstance(value, dict) and len(value) > FIGURES_MAX:  # before each of them is found wrong by itself
        raise ValueError(f"{len(value)} figures; at most {FIGURES_MAX}")
    return value


def _named(value: Any) -> Any:
    """Parts as objects, or by their names alone."""
    if not isinstance(value, list):
        return value
    return tuple({"name": part} if isinstance(part, str) else part for part in value)


class PartArgs(Body):
    """A part replaced."""

    name: Line
    number: ShortLine = ""
    quantity: Annotated[int, Field(ge=1, le=999)] = 1
    source: ShortLine = ""


Points = Annotated[tuple[FiniteFloat, ...], FailFast(), Field(max_length=POINTS_MAX)]


class _SentCause(Body):
    """As a record has it."""

    text: Annotated[str, Field(max_length=1000)]


class _SentFigure(Body):
    """As a record has it."""

    name: Code
    channel: Channel | None = None
    value: FiniteFloat | None = None


_SentCauses = Annotated[
    tuple[Annotated[str, Field(max_length=1000)] | _SentCause, ...], Field(max_length=CAUSES_MAX)
]  # fmt: skip
_SentFigures = (
    Annotated[dict[Code, FiniteFloat], Field(max_length=FIGURES_MAX)]
    | Annotated[tuple[_SentFigure, ...], Field(max_length=FIGURES_MAX)]
)
_SentParts = Annotated[tuple[PartArgs | Line, ...], Field(max_length=PARTS_MAX)]


class CurveArgs(Body):
    """A curve of an earlier run."""

    name: Line
    x_name: Line
    x_unit: Annotated[str, Field(max_length=20)]
    y_name: Line
    y_unit: Annotated[str, Field(max_length=20)]
    x: Points
    y: Points
    channel: Channel | None = None
    mask: Points = ()

    def to_curve(self) -> Curve:
        """As the rest of the house has it."""
        return Curve(**{name: getattr(self, name) for name in CurveArgs.model_fields})


class EarlierRunArgs(Body):
    """One of `history[]`. A run proves something only of the plan, work order and serial number that it names.

    `failed`: the device failed in it although its verdict became another one; a FAIL says so itself.
    """

    run_id: Annotated[Code, Field(validation_alias=AliasChoices("run_id", "id"))]
    purpose: Purpose
    verdict: Annotated[str, Field(pattern=r"^[A-Z_]{1,20}$")]
    ended_at: Annotated[Moment, Field(validation_alias=AliasChoices("ended_at", "date"))]
    station: Code | None = None
    plan: Code | None = None
    work_order: Code | None = None
    serial_number: Code | None = None
    causes: Annotated[
        tuple[Annotated[str, Field(max_length=1000)], ...], FailFast(), Field(max_length=CAUSES_MAX),
        BeforeValidator(_texts_of_causes, json_schema_input_type=_SentCauses),
    ] = ()  # fmt: skip
    areas: Annotated[tuple[Code, ...], FailFast(), Field(max_length=CAUSES_MAX)] = ()
    measurements: Annotated[
        dict[Code, FiniteFloat], Field(max_length=FIGURES_MAX),
        BeforeValidator(_by_name, json_schema_input_type=_SentFigures),
    ] = Field(default_factory=dict)  # fmt: skip
    curves: Annotated[tuple[CurveArgs, ...], FailFast(), Field(max_length=CURVES_MAX)] = ()
    clock_quality: Annotated[str, Field(pattern=r"^(synced|holdover|unsynced)$")] | None = None
    simulated: bool = False
    failed: bool | None = None

    def weight(self) -> int:
        """Bytes of memory, about: what can be many."""
        points = sum(len(curve.x) + len(curve.y) + len(curve.mask) for curve in self.curves)
        texts = sum(len(text) for text in self.causes) + sum(len(text) for text in self.areas)
        return _NUMBER_BYTES * points + _OBJECT_BYTES * (1 + len(self.curves) + len(self.measurements)) + 4 * texts

    def to_run(self) -> EarlierRun:
        """As the rest of the house has it. Raises `MessageError` for a date that is none, and for a bent curve."""
        try:
            year = datetime.fromisoformat(self.ended_at).year
            if year not in YEARS:
                raise ValueError(f"the year must be {YEARS[0]} to {YEARS[-1]}")
        except ValueError as error:
            raise MessageError(f"history, run {self.run_id}: ended_at {self.ended_at!r}: {error}") from error
        for curve in self.curves:
            if len(curve.x) != len(curve.y) or len(curve.mask) not in (0, len(curve.x)) or len(curve.x) > POINTS_MAX:
                raise MessageError(
                    f"history, run {self.run_id}, curve {curve.name}: {len(curve.x)} x, {len(curve.y)} y and "
                    f"{len(curve.mask)} mask points; as many of each (mask: or none), at most {POINTS_MAX}"
                )
        told = {name: getattr(self, name) for name in EarlierRunArgs.model_fields}
        told["curves"] = tuple(curve.to_curve() for curve in self.curves)
        return EarlierRun(**told | {"failed": self.verdict == "FAIL" or bool(self.failed)})


class AssignArgs(Body):
    """`assign`."""

    work_order: Code
    product: Code | None = None
    serial_number: Code | None = None
    purpose: Purpose | None = None
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    fault_code: Code | None = None
    repair_engineer: Code | None = None
    parts: Annotated[
        tuple[PartArgs, ...], FailFast(), Field(max_length=PARTS_MAX),
        BeforeValidator(_named, json_schema_input_type=_SentParts),
    ] = ()  # fmt: skip
    data_consent: bool = False
    history: Annotated[tuple[EarlierRunArgs, ...], FailFast(), Field(max_length=RUNS_MAX)] = ()

    def to_order(self) -> WorkOrder:
        """The work order as it waits at the bench. Raises `MessageError`."""
        return WorkOrder(
            self.work_order, self.product, self.serial_number, self.purpose, self.fault_code, self.repair_engineer,
            tuple(Part(part.name, part.number, part.quantity, part.source) for part in self.parts), self.priority,
            self.data_consent, tuple(run.to_run() for run in self.history), assigned=True,
            weight=sum(run.weight() for run in self.history),
        )  # fmt: skip


class OrderArgs(Body):
    """`withdraw` and `start`."""

    work_order: Code


class RunArgs(Body):
    """`abort`."""

    run_id: Code


class ResendArgs(Body):
    """`resend`: a run, or the numbers (the last part of a `msg_id`) from which to which, both included."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["run_id"]}, {"required": ["from_seq", "to_seq"]}]}
    )

    run_id: Code | None = None
    from_seq: Annotated[int, Field(ge=1, le=SEQ_MAX)] | None = None
    to_seq: Annotated[int, Field(ge=1, le=SEQ_MAX)] | None = None

    def to_change(self) -> ResendRange | ResendRun:
        """As the store takes it. Raises `MessageError` for anything but one of the two."""
        if self.run_id is not None and self.from_seq is None and self.to_seq is None:
            return ResendRun(self.run_id)
        if self.run_id is not None or self.from_seq is None or self.to_seq is None:
            raise MessageError("resend: give either run_id, or from_seq and to_seq")
        if self.from_seq > self.to_seq:
            raise MessageError(f"resend: from_seq {self.from_seq} is above to_seq {self.to_seq}; swap the two")
        return ResendRange(self.from_seq, self.to_seq)


class ApplyArgs(Body):
    """`apply`. `sha256` is of the bytes of the tar.gz, `tree` is these bytes in base64."""

    sha256: Sha256
    tree: Annotated[str, Field(max_length=-(-MAX_TREE_BYTES // 3) * 4, json_schema_extra={"contentEncoding": "base64"})]

    def to_archive(self) -> bytes:
        """The tar.gz. Raises `MessageError` for what is no base64, too large, or has another hash."""
        try:
            archive = base64.b64decode(self.tree, validate=True)
        except ValueError as error:
            raise MessageError(f"apply: tree is no base64 ({error}); encode the tar.gz without line breaks") from error
        if not 0 < len(archive) <= MAX_TREE_BYTES:
            raise MessageError(f"apply: the tar.gz has {len(archive)} bytes; 1 to {MAX_TREE_BYTES} are allowed")
        if (found := hashlib.sha256(archive).hexdigest()) != self.sha256:
            raise MessageError(
                f"apply: the tar.gz that came has sha256 {found}, not {self.sha256}; hash its bytes before base64"
            )
        return archive


class NoArgs(Body):
    """`identify`."""


ARGS: Mapping[str, type[Body]] = {
    "assign": AssignArgs, "withdraw": OrderArgs, "start": OrderArgs, "abort": RunArgs, "resend": ResendArgs,
    "identify": NoArgs, "apply": ApplyArgs,
}  # fmt: skip
"""What each verb takes; the published schema of a command is made from it."""


def read_assign(args: Mapping[str, Any]) -> WorkOrder:
    """The arguments of `assign`; null means not given. Raises `MessageError` that names every wrong one."""
    given = {name: value for name, value in args.items() if value is not None}
    read: AssignArgs = _read("assign", AssignArgs, given)
    return read.to_order()


def read_number(verb: str, args: Mapping[str, Any]) -> str:
    """The work order of `withdraw` and `start`. Raises `MessageError`."""
    read: OrderArgs = _read(verb, OrderArgs, args)
    return read.work_order


def read_run_id(args: Mapping[str, Any]) -> str:
    """The run of `abort`. Raises `MessageError`."""
    read: RunArgs = _read("abort", RunArgs, args)
    return read.run_id


def read_resend(args: Mapping[str, Any]) -> ResendRange | ResendRun:
    """The arguments of `resend`; null means not given. Raises `MessageError`."""
    read: ResendArgs = _read("resend", ResendArgs, args)
    return read.to_change()


def read_apply(args: Mapping[str, Any]) -> tuple[str, bytes]:
    """The sha256 and the tar.gz of `apply`. Raises `MessageError`."""
    read: ApplyArgs = _read("apply", ApplyArgs, args)
    return read.sha256, read.to_archive()


def check_args(verb: str, args: Mapping[str, Any]) -> None:
    """Whether a station can understand this at all; it may refuse it for other reasons. Raises `MessageError`."""
    if verb not in ARGS:
        raise MessageError(f"{verb}: no such verb; one of {', '.join(VERBS)}")
    if verb == "assign":
        read_assign(args)
    elif verb == "resend":
        read_resend(args)
    elif verb == "apply":
        read_apply(args)
    else:
        _read(verb, ARGS[verb], args)


def _read(verb: str, model: type[Body], args: Mapping[str, Any]) -> Any:
    try:
        return model.model_validate_json(to_json(dict(args)), strict=True)
    except ValidationError as error:
        raise MessageError(_in_one_line(describe(verb, error))) from error
    except MessageError as error:
        raise MessageError(_in_one_line(f"{verb}: {error}")) from error


def _in_one_line(text: str) -> str:
    """Names of arguments are the sender's: what is not printable in them shall not speak in a log."""
    return "".join(char if char.isprintable() else " " for char in text)


# ---- the message itself ------------------------------------------------------------------------------------
def make_command(
    key: SigningKey, station: str, verb: str, args: Mapping[str, Any], *, cmd_id: str, issued_at: str, expires_at: str
) -> bytes:
    """The signed bytes for `dn/cmd`, as a centre makes them."""
    message = {
        "cmd_id": cmd_id, "station": station, "verb": verb, "args": dict(args), "issued_at": issued_at,
        "expires_at": expires_at,
    }  # fmt: skip
    return to_json(key.sign(message))


def read_command(plain: Mapping[str, Any], station: str, keys: PublicKeys) -> Command:
    """The command in a message for this station, signed by a key known here. Raises `MessageError`."""
    try:
        command = Command.model_validate(plain)
    except ValidationError as error:
        raise MessageError(describe("command", error)) from error
    if command.station != station:
        raise MessageError(f"this is {station}, and the command is for {command.station}; nothing was done")
    verify(plain, keys)
    return command


def why_not_now(command: Command, stamp: Stamp) -> str | None:
    """Why the command is not taken at this time; None if it is. `abort` needs no clock."""
    if stamp.clock.quality == "unsynced":
        if command.verb == "abort":
            return None
        return (
            "the station's clock is not synchronised, so no expiry can be checked: only abort is taken until it is; "
            "send it again then, with a new cmd_id"
        )
    try:
        now = datetime.fromisoformat(stamp.ts)
        issued_at, expires_at = datetime.fromisoformat(command.issued_at), datetime.fromisoformat(command.expires_at)
    except ValueError as error:
        return f"issued_at {command.issued_at}, expires_at {command.expires_at}: {error}"
    anew = "send it again, with a new cmd_id"
    if expires_at - issued_at > LIFE_MAX:
        return f"from issued_at {command.issued_at} to expires_at {command.expires_at} is more than a day; {anew}"
    if issued_at - now > AHEAD_MAX:
        ahead = f"issued_at {command.issued_at} is more than 5 minutes ahead: it is {stamp.ts} here"
        return f"{ahead}; set the centre's clock, and {anew}"
    if now > expires_at:
        return f"the command expired at {command.expires_at}, and it is {stamp.ts} here; {anew}"
    return None
