"""Following one work order over the daemon's events, from START at the bench to the record. Asks the bench nothing.

A run is the order's if the session said so before `run_started`; `run_ended` is told once the record is committed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TextIO

from rich.cells import set_cell_size

from station.cli.advice import make_advice
from station.control.answers import ControlError
from station.domain.printable import printable
from station.page.next_step import next_step

GONE = (
    "the daemon went away. A run that was on will stand as ABORTED in: station results list; once the daemon is there "
    "again: station verify --run"
)
LEFT = (
    "not followed any more, and nothing else is changed: the work order stays, a run that is on goes on; then: "
    "station verify"
)
WIDTH = 80


@dataclass(frozen=True, slots=True)
class Ended:
    """How the following ended, and why in words; with `on record` the run."""

    what: Literal["on record", "no run", "withdrawn", "gone", "left"]
    why: str = ""
    run_id: str = ""


class OneLine:
    """What is so now, on one line of a terminal; elsewhere a line for each new thing."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._live, self._shown, self._about = out, out.isatty(), "", ""

    def show(self, about: str, more: str = "") -> None:
        """`about` is what goes on, `more` how far it is."""
        text = printable(f"{about} {more}".rstrip())
        if self._live and text != self._shown:
            self._out.write(f"\r\x1b[K{set_cell_size(text, self._width()).rstrip()}")
        elif not self._live and about != self._about:
            self._out.write(printable(about) + "\n")
        self._shown, self._about = text, about
        self._out.flush()

    def say(self, text: str) -> None:
        """A line that stays."""
        self._out.write(("\r\x1b[K" if self._live else "") + printable(text) + "\n")
        self._shown = self._about = ""
        self._out.flush()

    def close(self) -> None:
        """What was so last is no more."""
        if self._live and self._shown:
            self._out.write("\r\x1b[K")
            self._out.flush()

    def _width(self) -> int:
        try:
            columns = os.get_terminal_size(self._out.fileno()).columns  # 0 where nobody set it
        except OSError:
            columns = 0
        return (columns or WIDTH) - 1


def follow_order(number: str, events: Iterable[Mapping[str, Any]], line: OneLine) -> Ended:
    """Until the order's run is on record, or none is to come. Ctrl-C ends the following and nothing else."""
    eyes = _Eyes(number, line)
    try:
        for event in events:
            if (ended := eyes.take(str(event.get("kind")), event.get("data") or {})) is not None:
                return ended
        return Ended("gone", GONE)
    except ControlError as error:
        return Ended("gone", f"{error}; {GONE}")
    except KeyboardInterrupt:
        return Ended("left", LEFT)
    finally:
        line.close()


class _Eyes:
    """What was seen so far of the order and its run."""

    def __init__(self, number: str, line: OneLine) -> None:
        self._number, self._line = number, line
        self._advice = make_advice(())
        self._waits = self._front = self._mine = False
        self._started: Mapping[str, Any] | None = None
        self._steps: list[Mapping[str, Any]] = []
        self._step = self._told = ""

    def take(self, kind: str, data: Mapping[str, Any]) -> Ended | None:
        """One event of any kind; the end, where it has come."""
        match kind:
            case "session":
                return self._session(data)
            case "tell":
                self._told = str((data.get("text") or {}).get("en") or data.get("code"))
                self._line.say(self._told)
            case "run_started" if self._mine:
                self._started, self._steps = data, list(data["steps"])
                self._line.say(f"run {data['run_no']} began: {data['plan']}, {len(self._steps)} steps")
            case "run_ended" if self._started is not None and data["run_id"] == self._started["run_id"]:
                return Ended("on record", run_id=str(data["run_id"]))
            case "step_started" if self._started is not None:
                self._step = self._title(str(data["step"]))
                self._line.show(self._step)
            case "progress" if self._started is not None and self._step:
                self._line.show(self._step, f"{min(1.0, max(0.0, float(data['fraction']))):.0%}")
        return None

    def _session(self, session: Mapping[str, Any]) -> Ended | None:
        run = session.get("run") or {}
        mine = run.get("work_order") == self._number and bool(run.get("running"))
        if self._mine and not mine:
            return self._broken()
        if mine and not self._mine:
            self._told = ""
        self._mine = mine
        prompt = (session.get("prompt") or {}).get("en")
        if mine:
            if prompt:
                self._line.show(f'{self._step or "at the bench"}: asks "{prompt}"; OK or NG at the bench')
            return None
        return self._before(session, run)

    def _before(self, session: Mapping[str, Any], run: Mapping[str, Any]) -> Ended | None:
        waits, front = self._number in session["assigned"], session["scans"]["work_order"]
        if self._waits and not waits:
            return Ended("withdrawn", f"work order {self._number} was withdrawn: no check will come of it")
        self._waits = waits
        if run.get("running"):
            self._line.show(f"work order {run.get('work_order')} is being tested; then scan WO:{self._number}")
        elif front != self._number and self._front:
            self._line.show(f"not in front any more ({front or 'nothing'} is); scan WO:{self._number} at the bench")
        elif front == self._number:
            self._front = True
            self._line.show(f"at the bench: {next_step(session, self._advice)['en']}")
        return None

    def _broken(self) -> Ended:
        """The run is over, and nothing told that it is on record."""
        what = "no run came of START" if self._started is None else f"run {self._started['run_no']} is not on record"
        return Ended("no run", f"{what}: {self._told or 'the log says why (journalctl -u station)'}")

    def _title(self, step: str) -> str:
        for place, one in enumerate(self._steps, start=1):
            if one["id"] == step:
                return f"step {place} of {len(self._steps)}, {(one.get('title') or {}).get('en') or step}"
        return step
