"""A host and the world around a guard, from the contracts alone: `simulate --guard` as a process, its port raw.

One thread, one `select`: every line is judged by the model as it comes. What the machine's load spoils is told apart
from what the guard does wrong by `fair`: a failure counts at once unless this process was kept waiting meanwhile.
GUARD_COMMAND in the environment names another guard to try.
"""

from __future__ import annotations

import functools
import json
import os
import random
import select
import shlex
import subprocess
import sys
import termios
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec

from tests.firmware.contract.line import GUARD_BODY_MAX, Status, body_of, frame, status
from tests.firmware.contract.model import Model

ROOT = Path(__file__).resolve().parents[3]
COMMAND = tuple(shlex.split(os.environ.get("GUARD_COMMAND", f"{sys.executable} -m station simulate --guard")))
STALL_S = 0.06
ANSWER_S = 5.0  # a limit of patience, not of the contract
BEAT_S = 0.08
P = ParamSpec("P")


@dataclass(frozen=True)
class Change:
    """A line `k|h|lock 0|1 <ns>` of standard output."""

    what: str
    level: int
    ns: int


class Bench:
    """A running guard, its wires and a host on its line."""

    def __init__(self, command: tuple[str, ...] = COMMAND, **environment: str) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._stdin, self._stdout = self.process.stdin.fileno(), self.process.stdout.fileno()
        self._half = {"port": b"", "out": b""}
        self.port_path: str | None = None
        self.fd: int | None = None
        self.model: Model | None = Model()
        self.log: deque[str] = deque(maxlen=40)
        self.statuses: list[tuple[int, Status]] = []  # with the instant of their arrival
        self.answers: list[tuple[int, str]] = []
        self.garbled: list[bytes] = []  # lines that are no frames, without a model only
        self.changes: list[Change] = []
        self.levels = {"k": 0, "h": 0, "lock": 1}
        self.wires = {"estop": "1", "lid": "1", "thermo": "1", "fb": "auto"}
        self.session, self.seq, self.nonce = "", 0, ""
        self.stalled = False
        self.read_port = True
        self.until(lambda: self.port_path is not None, "the port", 20.0)
        self.open()

    # ---- the two streams ----------------------------------------------------------------------------------------
    def open(self) -> None:
        """Open the port raw: no echo, no line discipline, no signals."""
        assert self.port_path is not None
        self.fd = os.open(self.port_path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        mode = termios.tcgetattr(self.fd)
        mode[0] = mode[1] = mode[3] = 0
        mode[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
        termios.tcsetattr(self.fd, termios.TCSANOW, mode)

    def unplug(self) -> None:
        """Close the port as a host does that dies."""
        assert self.fd is not None
        os.close(self.fd)
        self.fd, self._half["port"] = None, b""

    def pump(self, wait_s: float) -> None:
        """Take in what comes within `wait_s`."""
        begun = time.monotonic()
        ports = [self.fd] if self.fd is not None and self.read_port else []
        ready, _, _ = select.select([*ports, self._stdout], [], [], wait_s)
        if time.monotonic() - begun > wait_s + STALL_S:
            self.stalled = True
        if self._stdout in ready:
            for line in self._lines("out", os.read(self._stdout, 65536)):
                self._change(line)
        if self.fd is not None and self.fd in ready:
            for line in self._lines("port", os.read(self.fd, 65536)):
                self._line(line)

    def _lines(self, stream: str, raw: bytes) -> list[bytes]:
        assert raw, f"the {stream} has ended"
        *lines, self._half[stream] = (self._half[stream] + raw).split(b"\n")
        return lines

    def _change(self, line: bytes) -> None:
        if self.port_path is None:
            self.port_path = json.loads(line)["port"]
            return
        what, level, ns = line.decode().split(" ")
        assert self.levels[what] != int(level), f"{line!r} is no change"
        assert int(ns) <= time.monotonic_ns(), f"{line!r} from the future"
        self.levels[what] = int(level)
        self.changes.append(Change(what, int(level), int(ns)))

    def _line(self, line: bytes) -> None:
        now = time.monotonic_ns()
        self.log.append(f"{now // 1_000_000} < {line!r}")
        body = body_of(line, GUARD_BODY_MAX)
        if body is None and self.model is None:
            self.garbled.append(line)
            return
        assert body is not None, f"not a frame: {line!r}; {self.story()}"
        try:
            seen = self.model.received(body) if self.model else status(body) if body.startswith("S ") else None
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.story()}") from None
        if seen is None:
            self.answers.append((now, body))
        else:
            self.statuses.append((now, seen))

    def story(self) -> str:
        """The last lines, for a failure's message."""
        return "\n".join(["the last lines:", *self.log])

    def until(self, condition: Callable[[], bool], what: str, limit_s: float = ANSWER_S) -> None:
        """Take in lines until something holds."""
        end = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end, f"{what} did not come in {limit_s} s; {self.story()}"
            self.pump(0.02)

    # ---- the world ----------------------------------------------------------------------------------------------
    def wire(self, **levels: object) -> int:
        """Drive inputs, several at once; returns the instant before."""
        now = time.monotonic_ns()
        self.wires.update({name: str(level) for name, level in levels.items()})
        if self.model is not None and "fb" in levels:
            self.model.pin({"0": False, "1": True}.get(self.wires["fb"]))
        self.log.append(f"{now // 1_000_000} wire {levels}")
        os.write(self._stdin, "".join(f"{name} {level}\n" for name, level in levels.items()).encode())
        return now

    # ---- the host -----------------------------------------------------------------------------------------------
    def raw(self, data: bytes) -> int:
        """Write bytes; returns the instant before."""
        assert self.fd is not None
        now = time.monotonic_ns()
        self.log.append(f"{now // 1_000_000} > {data[:140]!r}")
        if self.model is not None:
            self.model.sent(data)
        while data:
            _, free, _ = select.select([], [self.fd], [], ANSWER_S)
            assert free, f"the guard does not read; {self.story()}"
            data = data[os.write(self.fd, data) :]
        return now

    def body(self, ask: str, session: str | None = None, seq: int | None = None) -> str:
        """`VERB [ARG]` with session and the next SEQ; `NONCE` stands for the last one told."""
        if seq is None:
            seq = self.seq = self.seq + 1
        return f"{session or self.session} {seq} {ask.replace('NONCE', self.nonce)}"

    def ask(self, ask: str, session: str | None = None, seq: int | None = None) -> str:
        """Send a frame; returns its answer from OK or NAK on, once the status line after it has come."""
        self.until(lambda: self.model is None or not self.model.owed, "all answers before")
        body = self.body(ask, session, seq)
        prefix = " ".join(body.split(" ")[:2]) + " "
        answers, sent = len(self.answers), self.raw(frame(body))

        def answered() -> bool:
            return len(self.answers) > answers and self.statuses[-1][0] >= self.answers[-1][0]

        self.until(answered, f"the answer to {body!r}")
        came, answer = self.answers[answers]
        assert answer.startswith(prefix), f"{answer!r} to {body!r}; {self.story()}"
        self.stalled |= came - sent > STALL_S * 1e9
        return answer.removeprefix(prefix)

    def hello(self, seq: int = 1) -> dict[str, str]:
        """Open a session of its own; returns what the guard tells of itself."""
        self.session, self.seq = f"{random.getrandbits(32):08x}", seq
        told = dict(item.split("=") for item in self.ask("HELLO", seq=seq).split(" ")[3:])
        self.nonce = told["nonce"]
        return told

    def now(self) -> Status:
        """What the guard says when it is asked now."""
        assert self.ask("STAT") == "OK STAT"
        return self.statuses[-1][1]

    def last(self) -> Status:
        """The latest status line."""
        return self.statuses[-1][1]

    def shows(self, condition: Callable[[Status], bool], what: str) -> Status:
        """Ask until the status shows something."""
        end = time.monotonic() + ANSWER_S
        while not condition(seen := self.now()):
            assert time.monotonic() < end, f"{what} never showed; {self.story()}"
            self.pump(0.002)
        return seen

    def told(self, condition: Callable[[Status], bool], what: str, begin: int | None = None) -> Status:
        """Wait, without a word, until a status line (from number `begin` on; else a new one) says something."""
        begin = len(self.statuses) if begin is None else begin
        self.until(lambda: any(condition(seen) for _, seen in self.statuses[begin:]), what)
        return next(seen for _, seen in self.statuses[begin:] if condition(seen))

    def switched(self, what: str, level: int, since: int = 0) -> Change:
        """The first change of K, H or the lock to a level after `since` (an instant in ns)."""

        def fitting() -> list[Change]:
            return [item for item in self.changes if (item.what, item.level) == (what, level) and item.ns >= since]

        self.until(lambda: bool(fitting()), f"{what} {level}")
        return fitting()[0]

    def rest(self, seconds: float, beats: bool = True) -> None:
        """Let time pass; with heartbeats unless told otherwise."""
        end = time.monotonic() + seconds
        beat_at = time.monotonic()
        while (now := time.monotonic()) < end:
            if beats and now >= beat_at:
                beat_at = now + BEAT_S
                self.ask("HB")
            self.pump(max(0.0, min(end, beat_at if beats else end) - time.monotonic()))

    # ---- ways through the states --------------------------------------------------------------------------------
    def fresh(self, state: str = "SAFE", seconds: int = 60) -> None:
        """A new session, all wires healthy, no old causes, then to a state by the book."""
        self.wire(estop=1, lid=1, thermo=1, fb="auto")
        self.hello()
        self.ask("OFF")
        self.shows(lambda seen: seen.healthy and not seen.fb, "healthy inputs")
        if self.last().state == "TRIPPED":
            assert self.ask("RESET") == "OK RESET", self.story()
        self.go(state, seconds)

    def go(self, state: str, seconds: int = 60) -> None:
        """From SAFE to a state."""
        ways = {
            "SAFE": [],
            "TRIPPED": ["STOP"],
            "ARMED": ["HB", "ARM NONCE"],
            "ENERGISED": ["HB", "ARM NONCE", f"ON {seconds}"],
            "HV": ["HB", f"HV NONCE:{seconds}"],
        }
        for ask in ways[state]:
            assert self.ask(ask) == f"OK {ask.split(' ')[0]}", self.story()
        assert self.last().state == state, self.story()
        if what := {"ENERGISED": "k", "HV": "h"}.get(state):
            self.until(lambda: self.levels[what] == 1 or self.last().state == "TRIPPED", f"{what} on")
            self.stalled |= self.levels[what] == 0  # see test_k_and_h_follow_an_accepted_frame_at_once
            assert self.levels[what] == 1, f"{what} was granted and not switched on; {self.story()}"

    def agree(self) -> None:
        """Standard output and the line tell one story of K, H and the lock."""
        assert self.model is not None
        seen = self.now()
        levels = {"k": int(seen.k), "h": int(seen.h), "lock": int(seen.lock)}
        self.until(lambda: self.levels == levels, f"{levels} on standard output")
        for what in "kh":
            ons = sum((item.what, item.level) == (what, 1) for item in self.changes)
            assert ons <= self.model.granted[what], f"{what} on {ons} times, granted {self.model.granted[what]}"

    def lose_sight(self) -> None:
        """From here on lines are lost on purpose; nobody judges."""
        self.model = None

    def drain(self) -> None:
        """Read what is left of the past until the guard is silent for a while."""
        seen = -1
        while seen != len(self.answers):
            seen = len(self.answers)
            self.rest(0.2, beats=False)

    def look_again(self) -> None:
        """Open a session and judge again from there."""
        told = self.hello()
        self.model = Model.of(self.last(), told, self.session, self.seq)
        self.model.granted = {what: sum((e.what, e.level) == (what, 1) for e in self.changes) for what in "kh"}

    def close(self) -> None:
        """End the guard as the contract says."""
        os.write(self._stdin, b"quit\n")
        try:
            assert self.process.wait(10) == 0
        finally:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                assert pipe is not None
                pipe.close()
            if self.fd is not None:
                os.close(self.fd)


def fair(test: Callable[P, None]) -> Callable[P, None]:
    """Play a test again, twice at most, if it failed while the machine kept this process or the guard waiting."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        benches = [value for value in (*args, *kwargs.values()) if isinstance(value, Bench)]
        for left in (2, 1, 0):
            for bench in benches:
                bench.stalled = False
            try:
                return test(*args, **kwargs)
            except AssertionError:
                if not left or not any(bench.stalled for bench in benches):
                    raise
        return None

    return run
