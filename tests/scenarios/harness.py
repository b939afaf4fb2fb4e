"""A whole session against one simulated DUT, without broker and collector: the record, and what the guard did when.

The real daemon, twins, wires, guard firmware and sound process, in the processes that they have in the demo. Only
the pause between OFF and ON is short and nobody receives the record; see `station_process`.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from station.cli.demo import Technician
from station.contract.records import RecordCodec
from station.control.answers import ControlError
from station.control.client import ControlClient
from station.domain.record import Cause, JudgedMeasurement, Record, StepRecord
from station.store.history import History
from tests.servers.zygote import Forked, begin

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "config"
PLAN = "outgoing-amplifier"
VARIANT = "scene"
"""The id of a plan that differs from the shipped one; chosen by its own scan."""
UP_S = 40.0
RUN_S = 100.0
LATE = "scan, LATE"


@dataclass(frozen=True, slots=True)
class Scene:
    """What came of one session. Stamps are CLOCK_MONOTONIC seconds."""

    record: Record
    contactor: tuple[tuple[float, bool], ...]
    """(stamp of the guard, K) at every change."""
    probe: tuple[tuple[float, float], ...]
    """(when it was asked, A) of every reading of the peak-current probe."""
    wall_s: float

    @property
    def first(self) -> Cause:
        """The first cause."""
        return self.record.causes[0]

    def step(self, use: str) -> StepRecord:
        """The step of that use."""
        return next(step for step in self.record.steps if step.use == use)

    def measured(self, name: str, channel: str | None = None) -> JudgedMeasurement:
        """One measurement of the record."""
        return next(m for s in self.record.steps for m in s.measurements if m.name == name and m.channel == channel)

    def told(self) -> str:
        """The verdict and why, for messages of tests."""
        return f"{self.record.verdict}: " + "; ".join(cause.text for cause in self.record.causes)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What to play: the text of a DUT file, and what differs from the shipped plan."""

    dut: str
    soak: Mapping[str, float] | None = None
    """Parameters of the soak that differ from the plan's; `NO_SOAK` leaves it out."""
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Limits of the soak that go before the product's, for a short one."""
    speed: float = 240.0

    @property
    def varied(self) -> bool:
        """Whether the plan is another than the shipped one."""
        return self.soak is not None or bool(self.limits)


NO_SOAK: Mapping[str, float] = {}
FULL_SOAK = None


def dut_text(**keys: Any) -> str:
    """A DUT file: the sample with `keys` put over it."""
    return tomli_w.dumps({"product": "example-a-100", **keys})


def shipped_dut(name: str) -> str:
    """The text of config/duts/NAME.toml."""
    return (SHIPPED / "duts" / f"{name}.toml").read_text(encoding="utf-8")


def play(scenario: Scenario, attempts: int = 3) -> Scene:
    """Run it. A scan that came late because this machine was busy is no result: it is tried again."""
    for attempt in range(1, attempts + 1):
        scene = _play_once(scenario)
        if attempt == attempts or not any(LATE in cause.text for cause in scene.record.causes):
            return scene
    raise AssertionError("unreachable")


def _play_once(scenario: Scenario) -> Scene:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="scene-") as folder, ExitStack() as open_things:
        place = Path(folder)
        (place / "dut.toml").write_text(scenario.dut, encoding="utf-8")
        shipped = _shipped(place / "shipped", scenario)
        config, probe_log = place / "config", place / "probe.log"
        bench = open_things.enter_context(
            _process(place, "sim", str(place / "dut.toml"), str(config), str(shipped), str(scenario.speed))
        )
        told = _Lines(bench)
        ports = told.until("socket", UP_S, place)
        station = open_things.enter_context(_process(place, "station", str(config), str(probe_log)))
        _run(Path(ports["socket"]), station, bench, place, VARIANT if scenario.varied else None)
        with History(Path(ports["store"]), RecordCodec()) as history:
            record = history.record("1")
        told.drain()
        return Scene(record, tuple(told.contactor), _probe(probe_log), time.monotonic() - began)


def _shipped(place: Path, scenario: Scenario) -> Path:
    """The shipped configuration, with the soak as the scenario wants it."""
    shutil.copytree(SHIPPED, place)
    if not scenario.varied:
        return place
    plan = tomllib.loads((place / "plans" / f"{PLAN}.toml").read_text(encoding="utf-8"))
    plan["id"] = VARIANT
    soak = next(step for step in plan["step"] if step["use"] == "soak")
    if scenario.soak is not None and not scenario.soak:
        plan["step"].remove(soak)
    else:
        soak["params"] |= dict(scenario.soak or {})
        if scenario.limits:
            soak["limits"] = {name: {"source": "scenario", **limit} for name, limit in scenario.limits.items()}
    (place / "plans" / f"{VARIANT}.toml").write_text(tomli_w.dumps(plan), encoding="utf-8")
    return place


# ---- processes -----------------------------------------------------------------------------------------------
@contextmanager
def _process(place: Path, which: str, *arguments: str) -> Iterator[Forked]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (place / f"{which}.log").open("wb") as log:
        process = begin(f"tests.scenarios.{which}_process", arguments, log.fileno(), tells=which == "sim", env=env)
    try:
        yield process
    finally:
        _end(process)


def _end(process: Forked) -> None:
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


class _Lines:
    """What the simulated bench tells, line by line."""

    def __init__(self, process: Forked) -> None:
        assert process.stdout is not None
        self._fd = process.stdout.fileno()
        self._rest = b""
        self.contactor: list[tuple[float, bool]] = []

    def until(self, key: str, timeout_s: float, place: Path) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for told in self._read(deadline - time.monotonic()):
                if key in told:
                    return told
        raise AssertionError(f"the simulated bench did not come up; {_logs(place)}")

    def drain(self) -> None:
        """Take what is there."""
        while self._read(0.05):
            pass

    def _read(self, wait_s: float) -> list[dict[str, Any]]:
        with selectors.DefaultSelector() as selector:
            selector.register(self._fd, selectors.EVENT_READ)
            if not selector.select(max(0.0, wait_s)):
                return []
        *lines, self._rest = (self._rest + os.read(self._fd, 65536)).split(b"\n")
        told = [json.loads(line) for line in lines]
        self.contactor += [(t["ns"] / 1e9, bool(t["value"])) for t in told if t.get("output") == "k"]
        return told


def _logs(place: Path) -> str:
    return "\n".join(f"{log.name}:\n{log.read_text(errors='replace')[-2000:]}" for log in sorted(place.glob("*.log")))


def _probe(log: Path) -> tuple[tuple[float, float], ...]:
    if not log.exists():
        return ()
    rows = (line.split() for line in log.read_text().splitlines())
    return tuple((float(at), float(amps)) for at, amps in rows)


# ---- the session ---------------------------------------------------------------------------------------------
def _run(socket: Path, station: Forked, bench: Forked, place: Path, plan: str | None) -> None:
    """Scan, press START, answer; until the run has ended."""
    scans = {
        "operator": "OP:scene",
        "work_order": "WO:SCENE-1",
        "serial_number": "SN:S1",
        "product": "PR:example-a-100",
    }

    def send(command: str) -> None:
        assert bench.stdin is not None
        bench.stdin.write(command.encode() + b"\n")
        bench.stdin.flush()

    technician = Technician(scans | ({"plan": f"PL:{plan}"} if plan else {}), send)
    watchdog = threading.Timer(RUN_S, station.kill)
    watchdog.start()
    with _connect(socket, station, place) as client, _cancelled(watchdog):
        for event in client.watch():
            kind, data = event["kind"], event["data"]
            if kind == "run_started":
                technician.run_id = data["run_id"]
            elif kind == "run_ended":
                return
            technician.see(kind, data)
    raise AssertionError(f"the run did not end within {RUN_S:g} s; {_logs(place)}")


@contextmanager
def _cancelled(watchdog: threading.Timer) -> Iterator[None]:
    try:
        yield
    finally:
        watchdog.cancel()
        watchdog.join()


def _connect(socket: Path, station: Forked, place: Path) -> ControlClient:
    deadline = time.monotonic() + UP_S
    while time.monotonic() < deadline and station.poll() is None:
        try:
            return ControlClient(socket)
        except ControlError:
            time.sleep(0.02)
    raise AssertionError(f"the daemon did not come up; {_logs(place)}")
