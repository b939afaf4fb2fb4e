"""`demo`: the main job, whole, on the simulated bench, with the very programs that run on a real one.

Starts broker, collector, simulated bench and daemon in processes of their own, plays the technician (scans, START,
OK at every prompt), shows what goes on, and ends when the centre's receipt has come. Nothing here judges or measures.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from station.cli.broker import EmbeddedBroker
from station.cli.children import Child, start_child
from station.cli.demo_hand import Hands
from station.cli.demo_view import DemoView
from station.cli.keys import CERTIFICATE_KEY, centre_key
from station.cli.overseer import Overseer
from station.cli.simulate import find_dut
from station.collector.database import read_record
from station.contract.records import to_plain
from station.control.answers import ControlError
from station.control.client import ControlClient
from station.domain.errors import SettingsError, StationError
from station.domain.record import Record

BADGE, WORK_ORDER, SERIAL = "demo-0042", "WO-DEMO-1", "DEMO-0001"
IMEI = "001010000000420"
"""Of a phone. Numbers that begin with 001 are for tests and no phone's that was sold."""
OTHER_BADGE = "demo-0077"
"""Of a colleague, for what the technician may not sign alone."""
READY_S = 30.0
REFUSALS = 20
REFUSED_PAUSE_S = 0.5
DEFAULT_PLAN = "outgoing-amplifier"
GOOD_DUT, AMPLIFIER = "repaired", "audio-amplifier"
LEFT_BEHIND = (
    "record.json", "report.html", "certificate.html", "fault-report.html", "label.zpl", "return-slip.zpl",
    "retest-slip.zpl", "centre.sqlite",
)  # fmt: skip
BENCH, MARK = "bench", ".made-by-demo"
CONFIG = Path(__file__).resolve().parents[2] / "config"
EXIT = {"PASS": 0, "FAIL": 1, "ABORTED": 3, "ERROR": 4}


@dataclass(frozen=True, slots=True)
class Choice:
    """The options of the verb (contracts/cli.md). `dut` "": the one of the plan's family that passes."""

    dut: str
    dut_file: Path | None
    plan: str
    speed: float
    out: Path
    lang: str
    as_json: bool


def run_demo(choice: Choice) -> int:
    """Run it; the verdict as exit status. Raises `SettingsError` for wrong use, `StationError` if it came to a stop."""
    plans = CONFIG / "plans"
    if not (plans / f"{choice.plan}.toml").is_file():
        names = ", ".join(sorted(path.stem for path in plans.glob("*.toml")))
        raise SettingsError(f"--plan {choice.plan}: no such plan; there are {names}")
    plan = tomllib.loads((plans / f"{choice.plan}.toml").read_text(encoding="utf-8"))
    _require_startable(choice.plan, plan)
    choice = replace(choice, dut=choice.dut or _good_dut(plan.get("family")))
    dut = find_dut(choice.dut, choice.dut_file)
    _clear(choice.out)
    began = time.monotonic()
    with ExitStack() as open_things, DemoView(choice.lang, to_stderr=choice.as_json) as view:
        view.say("starting broker, collector, simulated bench and daemon")
        bench, others, socket = _start(choice, open_things)
        technician = Technician(_scans(choice, dut.product), bench.send, getattr(dut, "wrong", ()))
        with _connect(socket, others[-1]) as client, Overseer(client, (bench, *others), technician.remind) as overseer:
            if plan.get("needs_consent"):
                _assign(socket, plan, dut.product)
                view.say(f"work order {WORK_ORDER} assigned, with the owner's consent to test a device with their data")
            run_id = _play(client, technician, view, overseer, socket)
    record = _record(choice.out / "centre.sqlite", run_id)
    (choice.out / "record.json").write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    _report(choice)
    if choice.as_json:
        print(json.dumps(record, ensure_ascii=False))
    view.conclude(record, choice.out, time.monotonic() - began)
    return EXIT[record["verdict"]]


def _good_dut(family: str | None) -> str:
    """The DUT of a plan's family that passes."""
    return GOOD_DUT if family in (None, AMPLIFIER) else f"{GOOD_DUT}-{family}"


def _require_startable(name: str, plan: Mapping[str, Any]) -> None:
    """Raises `SettingsError` for a plan that START would refuse for ever: a demo has no earlier run."""
    if "needs_pass" in plan:
        first = plan["needs_pass"]["plan"]
        raise SettingsError(f"--plan {name}: it waits for a PASS of {first} on the same device; demo that plan instead")


def _clear(out: Path) -> None:
    """Delete what an earlier demo left, and nothing else. Raises `SettingsError` for what is not ours to delete."""
    bench_dir = out / BENCH
    try:
        out.mkdir(parents=True, exist_ok=True)
        if bench_dir.exists() and not (bench_dir / MARK).is_file():
            raise SettingsError(
                f"--out {out}: {bench_dir} was not made by a demo and is not touched; name another directory"
            )
        for name in LEFT_BEHIND:
            for path in (out / name, out / f"{name}-wal", out / f"{name}-shm"):
                path.unlink(missing_ok=True)
        if bench_dir.exists():
            shutil.rmtree(bench_dir)
        bench_dir.mkdir()
        (bench_dir / MARK).write_text("made by `station demo`, deleted by the next one\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"--out {out}: {error}; name a directory that you may write to") from None


def _start(choice: Choice, open_things: ExitStack) -> tuple[Child, tuple[Child, ...], Path]:
    """Bring everything up: simulated bench (its standard input is the technician), collector, station, socket."""
    bench_dir = choice.out / BENCH
    broker = open_things.enter_context(EmbeddedBroker())
    dut = ["--dut-file", str(choice.dut_file)] if choice.dut_file else ["--dut", choice.dut]
    bench = open_things.enter_context(
        start_child(
            ["simulate", *dut, "--speed", str(choice.speed), "--config-out", str(bench_dir)], bench_dir / "bench.log"
        )
    )
    collector = open_things.enter_context(
        start_child(
            ["collect", "--database", str(choice.out / "centre.sqlite"), "--broker", broker.url,
             "--key", str(centre_key())], bench_dir / "collector.log",
        )
    )  # fmt: skip
    told = json.loads(bench.wait_line(READY_S))
    station = open_things.enter_context(
        start_child(["run", "--config", told["config"], "--broker", broker.url], bench_dir / "station.log")
    )
    return bench, (collector, station), Path(told["socket"])


def _connect(socket: Path, station: Child) -> ControlClient:
    """The daemon's socket, as soon as it is there."""
    deadline = time.monotonic() + READY_S
    while True:
        try:
            return ControlClient(socket)
        except ControlError:
            station.require_alive()
            if time.monotonic() > deadline:
                raise StationError(
                    f"the daemon did not come up within {READY_S:g} s; see bench/station.log in the output folder"
                ) from None
            time.sleep(0.02)


# ---- the technician ------------------------------------------------------------------------------------------
def _scans(choice: Choice, product: str) -> dict[str, str]:
    """What the technician scans, by field of the session."""
    scans = {"operator": f"OP:{BADGE}", "work_order": f"WO:{WORK_ORDER}", "serial_number": f"SN:{SERIAL}",
             "product": f"PR:{product}"}  # fmt: skip
    if _has_imei(product):
        scans |= {"imei": f"IM:{IMEI}"}
    return scans if choice.plan == DEFAULT_PLAN else scans | {"plan": f"PL:{choice.plan}"}


def _has_imei(product: str) -> bool:
    """Whether START will wait for one; whatever is wrong with the product's file is told by the bench."""
    try:
        told = tomllib.loads((CONFIG / "products" / f"{product}.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return False
    return told.get("family") == "phone" and told.get("imei") is not False


def _play(client: ControlClient, technician: Technician, view: DemoView, overseer: Overseer, socket: Path) -> str:
    """Scan, press START, answer prompts, until the run has ended and its receipt has come. Returns the run's id."""
    ended = False
    _abort_on_interrupt(socket, technician)
    for event in client.watch():
        kind, data = event["kind"], event["data"]
        view.take(kind, data)
        if kind == "run_started":
            technician.run_id = data["run_id"]
            overseer.begun()
        elif kind == "run_ended":
            ended = True
            overseer.await_receipt()
        elif kind == "receipt" and ended and data.get("run_id") == technician.run_id and data.get("of") == "result":
            return technician.run_id
        elif not ended:
            overseer.heard()
        technician.see(kind, data)
    raise overseer.reason or StationError(
        f"the daemon went away before the receipt came; see {BENCH}/station.log in the output folder"
    )


def _abort_on_interrupt(socket: Path, technician: Technician) -> None:
    """The first Ctrl-C aborts the run and lets its record reach the centre; the second one ends the demo."""

    def interrupt(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if not technician.run_id:
            raise KeyboardInterrupt
        with ControlClient(socket) as client:
            client.ask("abort", run_id=technician.run_id)

    signal.signal(signal.SIGINT, interrupt)


class Technician:
    """What a technician would do at each turn, as commands of `simulate`; `scans` by field of the session."""

    def __init__(self, scans: dict[str, str], send: Callable[[str], None], wrong: Collection[str] = ()) -> None:
        self.run_id = ""
        self._scans = scans
        self._send = send
        self._given: set[str] = set()
        self._refusals_left = REFUSALS
        self._session: dict[str, Any] = {}
        self._hands = Hands(time.monotonic, wrong)
        self._about: dict[str, str] = {}
        self._badge, self._answered = BADGE, False

    def see(self, kind: str, data: dict[str, Any]) -> None:
        """Take one event and do what follows from it."""
        for command in self.acts(kind, data):
            self._send(command)

    def remind(self) -> None:
        """Nothing has happened for a while: what the session still waits for is done once more."""
        if self._session and (not self.run_id or self._session["state"] == "prompt"):
            self._given.clear()
            self._answered = False
            self.see("session", self._session)

    def acts(self, kind: str, data: dict[str, Any]) -> Iterator[str]:
        """What to do on this event: RESET after power-up, scans, START once ready, an answer at every prompt."""
        if kind == "prompt":
            self._answered, self._badge, self._about = False, BADGE, data["about"]
            yield from self._hands.prepare(data["about"])
            return
        if kind == "guide":
            yield from self._hands.turn(data["guide"])
            return
        if kind == "tell" and data["code"] == "second_badge":
            self._badge, self._answered = OTHER_BADGE, False
        elif kind == "tell" and data["code"] == "reset_refused" and self._refusals_left:
            self._refusals_left -= 1
            time.sleep(REFUSED_PAUSE_S)  # what forbids it now (a device still starting) may be gone in a moment
            self._given.discard("reset")
        elif kind in ("status", "session"):
            self._session = data["session"] if kind == "status" else data
        else:
            return
        state = self._session["state"]
        if state != "tripped":
            self._given.discard("reset")
        if state == "prompt":
            yield from self._answer()
        elif not self.run_id:
            yield from self._before(state)

    def _answer(self) -> Iterator[str]:
        """OK or NG as the DUT is, or a badge where one is asked for; once, unless it was refused or missed."""
        if not self._answered:
            self._answered = True
            asks = self._session.get("asks") or {}
            right = self._hands.finds_right(self._about)
            yield f"scan OP:{self._badge}" if asks.get("kind") == "badge" else f"press {'ok' if right else 'ng'}"

    def _before(self, state: str) -> Iterator[str]:
        if state == "tripped":
            self._given.discard("start")  # what was pressed before the trip was refused
            if "reset" not in self._given:
                self._given.add("reset")
                yield "press reset"
        elif state == "ready" and _all_scanned(self._session, self._scans):
            if "start" not in self._given:
                self._given.add("start")
                yield "press start"
        elif state in ("waiting", "scan_missing", "ready"):
            for name in self._scans.keys() - self._given:
                self._given.add(name)
                yield f"scan {self._scans[name]}"


def _all_scanned(session: dict[str, Any], scans: dict[str, str]) -> bool:
    return all(session["scans"].get(name) == text.split(":", 1)[1] for name, text in scans.items())


# ---- the centre's side ---------------------------------------------------------------------------------------
def _assign(socket: Path, plan: Mapping[str, Any], product: str) -> None:
    """The work order as the reception made it out, with the owner's consent; a typed one could have none."""
    with ControlClient(socket) as client:
        reply = client.ask(
            "assign", work_order=WORK_ORDER, product=product, serial_number=SERIAL, purpose=plan["purpose"],
            data_consent=True,
        )  # fmt: skip
    if reply["status"] != "done":
        raise StationError(f"work order {WORK_ORDER} was not taken: {reply['reason']}")


def _record(database: Path, run_id: str) -> dict[str, Any]:
    """The record as the centre stored it: what left the bench and nothing else."""
    record = read_record(database, run_id)
    if record is None:
        raise StationError(f"run {run_id}: a receipt came and {database} does not hold it; keep the file, report this")
    return to_plain(record, Record)


def _report(choice: Choice) -> None:
    """Report, label and what else the run may have, in processes of their own, dated in the bench's zone."""
    settings = tomllib.loads((choice.out / BENCH / "station.toml").read_text(encoding="utf-8"))
    timezone = str(settings["station"]["timezone"])
    paper = ["--record", str(choice.out / "record.json"), "--out", str(choice.out), "--lang", choice.lang,
             "--timezone", timezone]  # fmt: skip
    key = choice.out / BENCH / "credentials" / CERTIFICATE_KEY
    for program in (["station.report"], ["station.cli.paper", "--kind", "best", "--key", str(key)]):
        subprocess.run([sys.executable, "-m", *program, *paper], check=True, stdout=sys.stderr)
