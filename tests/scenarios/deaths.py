"""A bench on which things die in the middle of a run: what is killed and when, how soon K and H went off, what is said.

The times are the guard's own: the firmware stamps every heartbeat that it accepts and every change of K and H. Nothing
here asks a loaded machine to be punctual: see `busy`, and `reaper` for what is done about it.
"""

from __future__ import annotations

import os
import signal
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from tests.scenarios.live import SHIPPED, Event, Live, Program, Technician

SPEED = 60
AGAIN_MAX = 5
"""So often a test plays again what the machine was too busy for, then it fails."""

HOLD: dict[str, tuple[tuple[str, dict[str, float]], ...]] = {
    "hold-h": (("insulation", {"voltage_v": 500.0, "test_s": 120.0}),),
    "hold-k": (("inrush", {}), *[("idle-power", {"settle_s": 600.0})] * 3),
    "both": (("insulation", {"voltage_v": 500.0, "test_s": 40.0}), ("inrush", {}), ("idle-power", {"settle_s": 600.0})),
    "many": (("inrush", {}), *[("idle-power", {"settle_s": 0.0, "readings": 1})] * 300),
    "several": (("inrush", {}), *[("idle-power", {"settle_s": 0.0, "readings": 1})] * 100),
    "drive": (("inrush", {}), ("connection", {}), ("gain", {}), ("soak", {})),
}
"""Plans that energise at once and then hold: two seconds of H, ten or thirty of K, a soak of two minutes. `many` has
more steps than the log's room takes, `several` fewer than the store's reserve does."""


@dataclass(frozen=True, slots=True)
class Off:
    """How an output went off: so long after the last heartbeat that the guard accepted, so long after the signal."""

    name: str
    after_heartbeat_ms: float
    after_signal_ms: float


class Deathbed(Live):
    """A live bench with the plans of `HOLD` on a bench that tells more; `cabled`: its wires can be torn out."""

    def __init__(self, folder: Path, *, cabled: bool = False, speed: int = SPEED) -> None:
        super().__init__(folder, speed=speed)
        self._cabled = cabled

    def _start(self, module: str | None, *arguments: str) -> Program:
        if arguments[0] == "simulate":
            module, arguments = "torn_bench", arguments + (("--cabled",) if self._cabled else ())
        return super()._start("impatient_station" if arguments[0] == "run" else module, *arguments)

    def _add_plan(self) -> None:
        rows: dict[str, dict[str, Any]] = {}
        plan: dict[str, Any] = tomllib.loads((SHIPPED / "plans" / "outgoing-amplifier.toml").read_text("utf-8"))
        for row in plan["step"]:
            rows[row["id"]] = row
        for name, steps in HOLD.items():
            chosen = [
                rows[step] | {"id": f"{step}-{n}", "params": rows[step].get("params", {}) | params}
                for n, (step, params) in enumerate(steps)
            ]
            told = plan | {"id": name, "step": chosen, "label": False}
            (self._config / "plans" / f"{name}.toml").write_text(tomli_w.dumps(told), encoding="utf-8")

    # ---- a run, and who is killed in it ----------------------------------------------------------------------
    def technician_of(self, plan: str) -> Technician:
        """One who tests a DUT with this plan."""
        scans = self.technician().scans
        return Technician(scans | {"plan": f"PL:{plan}"})

    def begin(self, plan: str, reached: str | None = None) -> str:
        """RESET, scans, START; returns the run's id once it has begun, or once this step has."""
        run_id = ""
        for event in self.watch(self.technician_of(plan)):
            if event["kind"] == "run_started":
                run_id = event["data"]["run_id"]
            if run_id and (reached is None or (event["kind"], event["data"].get("step")) == ("step_started", reached)):
                return run_id
        raise AssertionError(f"the daemon went away before the run began; {self.logs()}")

    def changes(self) -> list[Event]:
        """Every change of K and H."""
        return [told for told in list(self.told.seen) if told.get("output") in ("k", "h")]

    def switched_on(self) -> list[Event]:
        """Every time that K or H came on; a change to off may be told a moment late."""
        return [told for told in self.changes() if told["value"]]

    def driven(self) -> bool:
        """Whether sound drives the DUT."""
        told = [told for told in list(self.told.seen) if told.get("output") == "drive"]
        return bool(told and told[-1]["value"])

    def comes_on(self, name: str, run_id: str) -> bool:
        """Wait until K or H is on (True), or the run is over before that (False)."""
        self.until(lambda: self.is_on(name) or run_id in self.results(), f"{name} on")
        return self.is_on(name)

    def is_on(self, name: str) -> bool:
        """K or H, as the guard last told."""
        return any(on for _, on in self.outputs(name)[-1:])

    def order(self, command: str) -> None:
        """A command of `torn_bench`, and its end."""
        known = len(self.told.seen)
        self.send(command)
        self.until(lambda: {"done": command} in self.told.seen[known:], command)

    def guard_waited_ms(self) -> float:
        """For how long the guard's process has waited for a processor since its start, and the machine been stolen."""
        children = Path(f"/proc/{self.bench.pid}/task/{self.bench.pid}/children").read_text().split()
        threads = Path(f"/proc/{self.bench.pid}/task").iterdir()
        children += [c for thread in threads for c in (thread / "children").read_text().split()]
        for child in children:
            if b"twin/run.py" in Path(f"/proc/{child}/cmdline").read_bytes():
                waited_ns = int(Path(f"/proc/{child}/schedstat").read_text().split()[1])
                return waited_ns / 1e6 + stolen_ms()
        raise AssertionError(f"the guard's process is not among the children of the bench: {children}")

    def offs(self, known: int, signal_ns: int) -> tuple[Off, ...]:
        """What went off after the signal among the changes since the `known` first ones."""
        return tuple(
            Off(told["output"], (told["ns"] - told["heartbeat_ns"]) / 1e6, (told["ns"] - signal_ns) / 1e6)
            for told in self.changes()[known:]
            if told["ns"] >= signal_ns and not told["value"]
        )

    # ---- what came of it -----------------------------------------------------------------------------------
    def restart(self, *, tripped: bool = True) -> None:
        """A new daemon on the same store: it comes up dead, tripped and saying why.

        Not `tripped`: the run before was ended properly and the guard is SAFE; then it waits for scans and START.
        """
        before = self.changes()
        assert not self.energised()
        self.start_station()
        if tripped:
            self.check_tripped()
        else:
            self.until(lambda: self.session()["state"] == "waiting", "waiting for scans")
        assert self.changes() == before, "a daemon that starts energises nothing"

    def check_tripped(self) -> None:
        """START needs a RESET, and the technician is told why in both languages."""
        self.until(lambda: self.session()["state"] == "tripped", "tripped: a RESET must come first")
        trip = self.session()["trip"]
        assert trip["code"] and trip["text"]["en"] and trip["text"]["zh"], trip

    def session(self) -> dict[str, Any]:
        """The session as the daemon tells it now."""
        with self.connect() as client:
            told: dict[str, Any] = client.ask("status")["data"]["session"]
        return told

    def wait_ended(self, run_id: str) -> dict[str, Any]:
        """Until the run is on record at the centre and the session knows it; returns the record."""
        record = self.result(run_id)
        self.until(lambda: not (self.session()["run"] or {}).get("running"), "the end of the run")
        return record

    def said(self) -> str:
        """The daemon's log."""
        return (self.folder / "run.log").read_text(errors="replace")

    def quit_station(self) -> int:
        """SIGTERM and the exit status."""
        self.station.send_signal(signal.SIGTERM)
        return self.station.wait(20.0)


def busy(record: dict[str, Any]) -> bool:
    """Whether the station itself ended a run, which on a loaded machine proves nothing.

    The scan is late, a reading too old, the simulated contactor's mirror or the tester's interlock slower than the word
    of the guard.
    """
    return bool(record["verdict"] == "ERROR")


def stolen_ms() -> float:
    """Processor time that the machine underneath has taken away so far, all cores."""
    steal = Path("/proc/stat").read_text().splitlines()[0].split()[8]
    return int(steal) * 1000.0 / os.sysconf("SC_CLK_TCK")
