"""The lines on the socket: one JSON object a line, checked by hand, bounded, answered always.

    to the daemon   {"verb": "scan", "args": {"text": "SN:A100-1"}}
    from it         {"reply": {"verb": "scan", "status": "done", "reason": null, "data": {}}}
                    {"event": {"kind": "progress", "data": {…}}}          after `watch`

The verbs are those of contracts/mqtt.md (unsigned), and `status`, `watch`, `scan`. There is none that arms, resets
or energises, and none may be added: that takes a person at the panel.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from station.contract.canonical import MAX_COMMAND_BYTES_OF_FEW, why_too_much

MAX_LINE = MAX_COMMAND_BYTES_OF_FEW
"""Bytes of a request, the newline included; as large as a command of the centre may be."""
MAX_ANSWER = 1024 * 1024
"""Bytes of a reply or an event; more is no line of ours."""
MAX_TEXT = 200
"""Characters of a text argument."""


@dataclass(frozen=True, slots=True)
class Field:
    """One argument: its type and whether it must be there."""

    type: type
    required: bool = False
    most: int = MAX_TEXT
    """Characters of a text."""


VERBS: Mapping[str, Mapping[str, Field]] = {
    "status": {},
    "watch": {},
    "scan": {"text": Field(str, True)},
    "assign": {
        "work_order": Field(str, True),
        "product": Field(str),
        "serial_number": Field(str),
        "purpose": Field(str),
        "priority": Field(int),
        "fault_code": Field(str),
        "repair_engineer": Field(str),
        "parts": Field(list),
        "data_consent": Field(bool),
        "history": Field(list),
    },
    "withdraw": {"work_order": Field(str, True)},
    "start": {"work_order": Field(str, True)},
    "abort": {"run_id": Field(str, True)},
    "resend": {"run_id": Field(str), "from_seq": Field(int), "to_seq": Field(int)},
    "identify": {},
    "apply": {"sha256": Field(str, True), "tree": Field(str, True, MAX_COMMAND_BYTES_OF_FEW), "by": Field(str)},
    "label": {"run_id": Field(str, True), "to_file": Field(bool)},
    "requeue": {"run_id": Field(str)},
    "doctor": {},
}
_NAMES = {str: "text", int: "a whole number", list: "a list", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class Command:
    """A request that holds to the table above."""

    verb: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command: done, or refused with a reason."""

    status: Literal["done", "refused"] = "done"
    reason: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


class BadRequest(Exception):
    """The peer erred; the message says how and is its reply."""


def read_request(line: bytes) -> Command:
    """One line as a command. Raises `BadRequest`."""
    if (why := why_too_much(line)) is not None:
        raise BadRequest(why)
    try:
        document = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadRequest(f"the line is not JSON in UTF-8: {error}") from None
    if not isinstance(document, dict):
        raise BadRequest('a request is an object: {"verb": …, "args": {…}}')
    if surplus := sorted(set(document) - {"verb", "args"}):
        raise BadRequest(f"unknown keys {', '.join(map(repr, surplus))}: a request has verb and args")
    verb, args = document.get("verb"), document.get("args", {})
    if not isinstance(verb, str) or verb not in VERBS:
        raise BadRequest(f"unknown verb {str(verb)[:40]!r}: one of {', '.join(VERBS)}")
    if not isinstance(args, dict):
        raise BadRequest(f"{verb}: args must be an object")
    return Command(verb, _check_args(verb, args))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _check_args(verb: str, args: dict[str, Any]) -> dict[str, Any]:
    fields = VERBS[verb]
    if surplus := sorted(set(args) - set(fields)):
        known = ", ".join(fields) or "none"
        raise BadRequest(f"{verb}: unknown argument {', '.join(name[:40] for name in surplus)}; known: {known}")
    if missing := [name for name, its in fields.items() if its.required and args.get(name) is None]:
        raise BadRequest(f"{verb}: argument {', '.join(missing)} is missing")
    given = {name: value for name, value in args.items() if value is not None}
    for name, value in given.items():
        _check_value(verb, name, value, fields[name])
    return given


def _check_value(verb: str, name: str, value: object, its: Field) -> None:
    wanted = its.type
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise BadRequest(f"{verb}: {name} must be {_NAMES[wanted]}")
    if not isinstance(value, str):
        return
    if not value.strip() or len(value) > its.most:
        raise BadRequest(f"{verb}: {name} must have 1 to {its.most} characters")
    if not value.isprintable():
        raise BadRequest(f"{verb}: {name} must have no control characters")


def reply_line(verb: str | None, outcome: Outcome) -> bytes:
    """A reply as a line."""
    reply = {"verb": verb, "status": outcome.status, "reason": outcome.reason, "data": outcome.data}
    return _line({"reply": reply})


def event_line(kind: str, data: Mapping[str, Any]) -> bytes:
    """An event as a line."""
    return _line({"event": {"kind": kind, "data": data}})


def _line(document: dict[str, Any]) -> bytes:
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    except ValueError:  # NaN and infinities never appear in JSON
        text = json.dumps(_finite(document), ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
