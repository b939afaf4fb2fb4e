"""What both ends that ask over the socket have in common: a question as a line, and what a daemon may answer.

`client.py` may wait (the command line), `watcher.py` may not (the page). Errors name the socket.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from station.domain.errors import StationError


class ControlError(StationError):
    """The daemon is not there, went away, or answered nonsense."""


def request_line(verb: str, args: dict[str, Any]) -> bytes:
    """One command as the daemon reads it."""
    return json.dumps({"verb": verb, "args": args}).encode() + b"\n"


def not_there(path: Path, error: OSError) -> ControlError:
    """Nobody listens at the socket, or we may not ask."""
    why = error.strerror or str(error)
    return ControlError(f"{path}: {why}; is the daemon running (station run), and are you in the group bench?")


def read_document(path: Path, line: bytes) -> dict[str, Any]:
    """One line of the daemon. Raises `ControlError` for what is no JSON object."""
    try:
        document = json.loads(line)
    except ValueError as error:
        raise ControlError(f"{path}: an answer that is no JSON: {line[:80]!r}") from error
    if not isinstance(document, dict):
        raise ControlError(f"{path}: an answer that is no object: {line[:80]!r}")
    return document


def read_reply(path: Path, line: bytes | None) -> dict[str, Any]:
    """The reply to a command; without a line the daemon closed the connection. Raises `ControlError`."""
    if not line:
        raise ControlError(f"{path}: the daemon closed the line without a reply")
    reply = read_document(path, line).get("reply")
    if not isinstance(reply, dict) or "status" not in reply:
        raise ControlError(f"{path}: an answer that is no reply: {line[:80]!r}")
    return reply


def first_of_watch(path: Path, reply: dict[str, Any]) -> dict[str, Any]:
    """What a watch begins with: the status as an event. Raises `ControlError` where it was refused."""
    if reply["status"] != "done":
        raise ControlError(f"{path}: {reply['reason']}")
    return {"kind": "status", "data": reply["data"]}


def read_event(path: Path, line: bytes) -> dict[str, Any] | None:
    """The event in a line of a watch; None for what is none. Raises `ControlError`."""
    event = read_document(path, line).get("event")
    return event if isinstance(event, dict) else None
