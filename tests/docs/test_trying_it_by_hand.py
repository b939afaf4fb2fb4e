"""docs/trying-it-by-hand.md, done as written: every terminal a process, every line of the technician typed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from station.control.answers import ControlError
from station.control.client import ControlClient
from tests.docs.pages import ROOT, blocks

PAGE = "trying-it-by-hand.md"
BROKER = "mqtt://127.0.0.1:1883"
UP_S = 30.0
RESET_AGAIN_S = 0.5


class Terminal:
    """The commands of one terminal of the page, each a process; `say` types into the last one."""

    def __init__(self, number: str, folder: Path, port: int) -> None:
        text = next(block.text for block in blocks(PAGE) if (block.kind, block.name) == ("terminal", number))
        self.log = (folder / f"terminal-{number}.log").open("w", encoding="utf-8")
        self.processes: list[subprocess.Popen[str]] = []
        for line in text.replace("1883", str(port)).splitlines():
            words = shlex.split(line.removesuffix("&"))
            program = {"./bench": [sys.executable, "-m", "station"], ".venv/bin/python": [sys.executable]}[words[0]]
            self.processes.append(
                subprocess.Popen(
                    [*program, *words[1:]], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
                    bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                )
            )  # fmt: skip
            if line.endswith("&"):
                assert self.hear(), "the process in the background said nothing"

    def hear(self) -> str:
        """The next line of standard output; empty at its end."""
        out = self.processes[-1].stdout
        assert out is not None
        return out.readline()

    def say(self, line: str) -> None:
        """Type a line."""
        typed = self.processes[-1].stdin
        assert typed is not None
        typed.write(line + "\n")

    def close(self) -> None:
        """End it as Ctrl-C would, the last process first."""
        for process in reversed(self.processes):
            with process:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10.0)
                process.kill()
        self.log.close()


@pytest.fixture
def open_terminals() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _connected(path: str) -> ControlClient:
    deadline = time.monotonic() + UP_S
    while True:
        try:
            return ControlClient(Path(path))
        except ControlError:
            assert time.monotonic() < deadline, "the station does not come up"
            time.sleep(0.05)


def test_the_page_followed_as_written_ends_with_a_result_at_the_centre(
    tmp_path: Path, open_terminals: ExitStack
) -> None:
    port = _free_port()
    terminals = {}
    for number in "123":
        terminals[number] = Terminal(number, tmp_path, port)
        open_terminals.callback(terminals[number].close)
        if number == "1":
            assert json.loads(terminals["1"].hear())["ready"] is True
        elif number == "2":
            told = json.loads(terminals["2"].hear())
    typed = iter(next(block.text for block in blocks(PAGE) if block.kind == "technician").splitlines())
    with _connected(told["socket"]) as client:
        _play(terminals["2"], typed, client.watch())
    assert _looked_up(tmp_path) == ["PASS"]


def _play(bench: Terminal, typed: Iterator[str], events: Iterator[dict[str, Any]]) -> None:
    """Type the page's lines: RESET again while it is refused, the rest once it was taken, until the receipt came."""
    first = next(typed)
    assert first == "press reset"
    ended = False
    cleared = False
    for event in events:
        kind, data = event["kind"], event["data"]
        assert data.get("code") not in ("no_run", "run_broke"), data
        state = (data.get("session") or data).get("state")
        if kind == "status" and state == "tripped":
            bench.say(first)
        elif kind == "tell" and data["code"] == "reset_refused":
            time.sleep(RESET_AGAIN_S)
            bench.say(first)
        elif kind in ("session", "status") and not cleared and state == "waiting":
            if kind == "status":
                continue  # the guard's first word, BOOT, is still to come
            cleared = True
            for line in typed:
                bench.say(line)
                time.sleep(RESET_AGAIN_S)  # a person's pace: the panel debounces, the scanner sends whole lines
        elif kind == "session" and state == "tripped" and not cleared:
            bench.say(first)
        elif kind == "run_ended":
            ended = True
        elif kind == "receipt" and ended and data["of"] == "result":
            return
    raise AssertionError("the station went away before the receipt came")


def _looked_up(folder: Path) -> list[str]:
    """The verdicts that the page's own look into the database shows."""
    line = next(block.text for block in blocks(PAGE) if block.kind == "look")
    found = re.fullmatch(r"sqlite3 (\S+) '(.+)'\n", line)
    assert found is not None
    with contextlib.closing(sqlite3.connect(folder / found[1])) as database:
        return [verdict for _, verdict in database.execute(found[2])]
