"""A whole station alive: broker, collector, simulated bench and daemon in processes of their own, to be killed at will.

Everything a test sees comes from outside: the guard's own stamps, the control socket, the centre's database.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import tomli_w

from station.cli.broker import EmbeddedBroker
from station.cli.keys import centre_key
from station.control.answers import ControlError
from station.control.client import ControlClient
from tests.servers.zygote import Forked, begin

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "config"
PLAN = "live"
UP_S = 40.0
RUN_S = 60.0
VERDICTS = ("PASS", "FAIL", "ABORTED", "ERROR")
Event = dict[str, Any]
Program = subprocess.Popen[bytes] | Forked


class Technician:
    """Does at each turn what a technician would: RESET, scans, START once, OK at every prompt. Idle: only prompts."""

    def __init__(self, scans: Mapping[str, str], *, idle: bool = False) -> None:
        self.scans = dict(scans)
        self.ran = idle
        self._given: set[str] = set()
        self._session: dict[str, Any] = {}

    def acts(self, kind: str, data: dict[str, Any]) -> Iterator[str]:
        """Commands of `simulate` that follow from this event."""
        if kind == "run_started":
            self.ran = True
        elif kind == "tell" and data["code"] in ("reset_refused", "button_stuck"):
            time.sleep(0.3)  # what forbids it now (a device still starting) may be gone in a moment
            self._given.discard("reset")
        elif kind in ("status", "session"):
            self._session = data["session"] if kind == "status" else data
        else:
            return
        state = self._session.get("state")
        if state != "tripped":
            self._given.discard("reset")
        if state == "prompt":
            yield "press ok"
        elif not self.ran:
            yield from self._prepare(str(state))

    def _prepare(self, state: str) -> Iterator[str]:
        if state == "tripped":
            self._given.discard("start")  # what was pressed before the trip was refused
            yield from self._once("reset", "press reset")
        elif state in VERDICTS:
            yield from self._once("ok", "press ok")  # what was on the bench before is put away
        elif state in ("waiting", "scan_missing"):
            for name, text in self.scans.items():
                yield from self._once(name, f"scan {text}")
        elif state == "ready" and all(self._session["scans"].get(n) == t.split(":")[1] for n, t in self.scans.items()):
            yield from self._once("start", "press start")

    def _once(self, what: str, command: str) -> Iterator[str]:
        if what not in self._given:
            self._given.add(what)
            yield command


class Lines:
    """The standard output of a process as JSON documents, read by a thread of its own."""

    def __init__(self, process: Program) -> None:
        self.seen: list[Event] = []
        self._new: queue.Queue[Event] = queue.Queue()
        self._process = process
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            self.seen.append(told)
            self._new.put(told)

    def next(self, timeout_s: float) -> Event:
        """The next document."""
        return self._new.get(timeout=timeout_s)

    def join(self) -> None:
        """Wait until the process has said everything."""
        self._thread.join(5.0)


class Live:
    """Use as a context. `steps` are ids of the shipped plan, in the plan's order."""

    afresh = False
    """Whether its programs begin as on a bench, each with a new interpreter, and not as forks of one."""

    def __init__(self, folder: Path, dut: str = "repaired", steps: tuple[str, ...] = ("supply",), speed: int = 240):
        self.folder, self.dut, self.steps, self.speed = folder, dut, steps, speed
        self.centre = folder / "centre.sqlite"
        self.broker = EmbeddedBroker()
        self.events: list[Event] = []
        self._open = ExitStack()
        self._config = folder / "config"

    def __enter__(self) -> Self:
        try:
            self._open.enter_context(self.broker)
            self.collector = self.start_collector()
            arguments = ("--dut", self.dut, "--speed", str(self.speed), "--config-out", str(self._config))
            self.bench = self._start("live_process", "simulate", *arguments)
            self.told = Lines(self.bench)
            told = self.told.next(UP_S)
            self.socket = Path(told["socket"])
            self._add_plan()
            self.station = self.start_station()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    # ---- processes -----------------------------------------------------------------------------------------
    def start_station(self) -> Program:
        """The daemon, on the same store as before."""
        self.station = self._start("live_process", "run", "--config", str(self._config), "--broker", self.broker.url)
        return self.station

    def start_collector(self) -> Program:
        """The centre, on the same database as before."""
        key = centre_key(self.folder / "keys" if (self.folder / "keys").is_dir() else ROOT / "var" / "keys")
        self.collector = self._start(
            None, "collect", "--database", str(self.centre), "--broker", self.broker.url, "--key", str(key)
        )
        return self.collector

    def kill(self, process: Program) -> float:
        """`kill -9`; returns the monotonic second."""
        at = time.monotonic()
        process.send_signal(signal.SIGKILL)
        process.wait(5.0)
        return at

    def _start(self, module: str | None, *arguments: str) -> Program:
        what = f"tests.scenarios.{module}" if module else "station"
        tells, env = arguments[0] == "simulate", {**os.environ, "PYTHONPATH": str(ROOT)}
        process: Program
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            if self.afresh:
                process = subprocess.Popen(
                    [sys.executable, "-m", what, *arguments], stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE if tells else log, stderr=log, cwd=ROOT, env=env,
                )  # fmt: skip
            else:
                process = begin(what, arguments, log.fileno(), tells=tells, env=env)
        self._open.callback(_end, process)
        return process

    def sound_pid(self) -> int:
        """The daemon's sound process."""
        children = Path(f"/proc/{self.station.pid}/task/{self.station.pid}/children").read_text().split()
        found = [int(c) for c in children if b"station.sound" in Path(f"/proc/{c}/cmdline").read_bytes()]
        assert len(found) == 1, f"sound processes of the daemon: {found} of {children}"
        return found[0]

    def _add_plan(self) -> None:
        """A short plan out of steps of the shipped ones; `Live.PLAN` is scanned for every run."""
        plan: dict[str, Any] = {}
        rows: list[dict[str, Any]] = []
        for name in ("self-test", "outgoing-amplifier"):
            plan = tomllib.loads((SHIPPED / "plans" / f"{name}.toml").read_text(encoding="utf-8"))
            rows += [step for step in plan["step"] if step["id"] in self.steps]
        plan |= {"id": PLAN, "step": rows, "label": False}
        (self._config / "plans" / f"{PLAN}.toml").write_text(tomli_w.dumps(plan), encoding="utf-8")

    # ---- the technician ------------------------------------------------------------------------------------
    def send(self, command: str) -> None:
        """One line to the simulated bench."""
        assert self.bench.stdin is not None
        self.bench.stdin.write(command.encode() + b"\n")
        self.bench.stdin.flush()

    def technician(self, *, idle: bool = False) -> Technician:
        """One who scans everything for the plan and presses what must be pressed."""
        return Technician(
            {"operator": "OP:live", "work_order": "WO:LIVE-1", "serial_number": "SN:S1", "plan": f"PL:{PLAN}",
             "product": "PR:example-a-100"}, idle=idle,
        )  # fmt: skip

    def connect(self) -> ControlClient:
        """A client on the daemon's socket, as soon as it is there."""
        deadline = time.monotonic() + UP_S
        while time.monotonic() < deadline and self.station.poll() is None:
            try:
                return ControlClient(self.socket)
            except ControlError:
                time.sleep(0.02)
        raise AssertionError(f"the daemon did not come up; {self.logs()}")

    def watch(self, technician: Technician | None = None, limit_s: float = RUN_S) -> Iterator[Event]:
        """Every event of the daemon, the technician acting on it first; `quiet` where none came for a second.

        Ends when the daemon goes away.
        """
        technician = technician or self.technician()
        deadline = time.monotonic() + limit_s
        with self.connect() as client:
            heard: queue.Queue[Event] = queue.Queue()
            threading.Thread(target=_hear, args=(client, heard), daemon=True).start()
            while time.monotonic() < deadline:
                try:
                    event = heard.get(timeout=1.0)
                except queue.Empty:
                    event = {"kind": "quiet", "data": {}}
                if event["kind"] == "gone":
                    return
                self.events.append(event)
                for command in technician.acts(event["kind"], event["data"]):
                    self.send(command)
                yield event
        last = [event for event in self.events if event["kind"] != "quiet"][-5:]
        raise AssertionError(f"it did not come within {limit_s:g} s, last {last}; {self.logs()}")

    def run_until(self, wanted: Callable[[Event], bool], limit_s: float = RUN_S) -> tuple[str, Event]:
        """Start a run and follow it until this event; returns the run's id and the event."""
        run_id = ""
        for event in self.watch(limit_s=limit_s):
            if event["kind"] == "run_started":
                run_id = event["data"]["run_id"]
            if run_id and wanted(event):
                return run_id, event
        raise AssertionError(f"the daemon went away before it; {self.logs()}")

    # ---- what came of it -----------------------------------------------------------------------------------
    def outputs(self, name: str) -> list[tuple[float, bool]]:
        """(guard's stamp in monotonic seconds, on) at every change of `k` or `h`."""
        return [(t["ns"] / 1e9, bool(t["value"])) for t in list(self.told.seen) if t.get("output") == name]

    def energised(self) -> bool:
        """K or H, as the guard last told."""
        return any(changes and changes[-1][1] for changes in (self.outputs("k"), self.outputs("h")))

    def wait_dead(self, limit_s: float = 5.0) -> None:
        """Until K and H are off."""
        self.until(lambda: not self.energised(), "K and H off", limit_s)

    def until(self, check: Callable[[], bool], what: str, limit_s: float = 15.0) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + limit_s
        while not check():
            assert time.monotonic() < deadline, f"not within {limit_s:g} s: {what}; {self.logs()}"
            time.sleep(0.01)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the centre's database."""
        if not self.centre.exists():
            return []
        with sqlite3.connect(f"file:{self.centre}?mode=ro", uri=True) as db:
            try:
                return db.execute(sql).fetchall()
            except sqlite3.OperationalError:
                return []
            finally:
                db.commit()

    def results(self) -> dict[str, dict[str, Any]]:
        """Bodies of results at the centre by run, each once."""
        rows = self.rows("SELECT payload FROM messages WHERE kind LIKE 'result/%' ORDER BY msg_id")
        bodies = [json.loads(payload)["body"] for (payload,) in rows]
        assert len({body["run_id"] for body in bodies}) == len(bodies), "a run was stored twice"
        return {body["run_id"]: body for body in bodies}

    def result(self, run_id: str) -> dict[str, Any]:
        """The record of a run at the centre, as soon as it is there."""
        self.until(lambda: run_id in self.results(), f"the record of run {run_id} at the centre")
        return self.results()[run_id]

    def logs(self) -> str:
        """The ends of all logs."""
        texts = [f"{log.name}:\n{log.read_text(errors='replace')[-1500:]}" for log in sorted(self.folder.glob("*.log"))]
        return "\n".join(texts)


def _hear(client: ControlClient, heard: queue.Queue[Event]) -> None:
    with contextlib.suppress(ControlError):
        for event in client.watch():
            heard.put(event)
    heard.put({"kind": "gone", "data": {}})


def _end(process: Program) -> None:
    if process.stdin is not None:
        process.stdin.close()
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(8.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
