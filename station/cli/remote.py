"""The verbs that talk to the running daemon: status, watch, start, abort, scan. They energise nothing.

Plain functions with an exit status as result: 0 done, 1 refused, 2 no daemon at that socket (wrong use), so that
the command line only has to wire them up. With `as_json` one JSON document goes to standard output alone
(`watch`: one a line), and words to standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from station.cli.remote_view import status_table
from station.cli.terminal import Terminal
from station.control.answers import ControlError
from station.control.client import ControlClient
from station.domain.printable import printable_lines

DONE, REFUSED, WRONG_USE = 0, 1, 2


def status(socket: Path, *, as_json: bool = False, lang: str = "zh") -> int:
    """What the bench is doing."""

    def show(reply: Mapping[str, Any]) -> None:
        Terminal().print(status_table(reply["data"], lang))

    return _ask(socket, "status", {}, as_json, show)


def scan(socket: Path, text: str, *, as_json: bool = False) -> int:
    """Scan a code as if by the scanner: `OP:`, `WO:`, `SN:`, `IM:`, `PR:` or `PL:` and a value."""
    return _ask(socket, "scan", {"text": text}, as_json)


def start(socket: Path, work_order: str, *, as_json: bool = False) -> int:
    """Put a work order in front of the technician. START itself is a button at the bench."""
    return _ask(socket, "start", {"work_order": work_order}, as_json)


def abort(socket: Path, run_id: str, *, as_json: bool = False) -> int:
    """Abort that run and no other."""
    return _ask(socket, "abort", {"run_id": run_id}, as_json)


def watch(socket: Path, *, as_json: bool = False, lang: str = "zh") -> int:
    """Follow the bench until Ctrl-C; with `as_json` until the daemon's end at the latest."""
    from station.cli import watching  # the board and its words take a moment that `status` need not

    try:
        if as_json:
            watching.print_events(socket)
        else:
            watching.watch(socket, lang)
    except KeyboardInterrupt:
        return DONE
    except ControlError as error:
        return _wrong_use(error)
    return DONE


def _ask(
    socket: Path,
    verb: str,
    args: dict[str, Any],
    as_json: bool,
    show: Callable[[Mapping[str, Any]], None] | None = None,
) -> int:
    try:
        with ControlClient(socket) as client:
            reply = client.ask(verb, **args)
    except ControlError as error:
        return _wrong_use(error)
    done = reply["status"] == "done"
    if as_json:
        print(json.dumps(reply["data"] if verb == "status" and done else reply, ensure_ascii=False))
    elif done and show is not None:
        show(reply)
    if not done:
        print(f"{verb}: {printable_lines(reply['reason'])}", file=sys.stderr)
    elif not as_json and show is None:
        print(f"{verb}: done")
    return DONE if done else REFUSED


def _wrong_use(error: ControlError) -> int:
    print(printable_lines(error), file=sys.stderr)
    return WRONG_USE
