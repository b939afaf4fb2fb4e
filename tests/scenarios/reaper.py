"""Ends daemons at random instants of their runs, and looks at what must follow. The same seed draws the same instants.

A loaded machine must not fail a test, and must not pass one either. A life does not count and is played again, and the
test says so, if the station had ended the run by itself before the life's instant came (`busy`), or if an output went
off too late and the guard's own process had waited for a processor for at least that long (its timer is then late with
it). There is a bound on how often.
"""

from __future__ import annotations

import random
import signal
import time
from dataclasses import dataclass
from typing import Any

from tests.scenarios.deaths import AGAIN_MAX, Deathbed, Off, busy

HEARTBEAT_MS = 300.0
GRACE_MS = 5.0
RELEASE_MS = 1000.0
HOWS = ("kill", "stop", "term", "pause", "stop-kill")
"""`stop`: and it goes on after the guard has tripped; `pause`: it goes on before; `stop-kill`: it never does."""
WHERES = ("hold-k", "hold-h", "both", "hold-h")
LATE = "scan, LATE"


@dataclass(frozen=True, slots=True)
class Life:
    """One daemon's life and end. `waited_ms`: of the guard's process, for a processor, around the end."""

    how: str
    plan: str
    run_id: str
    offs: tuple[Off, ...]
    waited_ms: float
    cause: str

    @property
    def late_ms(self) -> float:
        """How much later than the heartbeat limit and 5 ms something went off, by the guard's own stamps."""
        return max((off.after_heartbeat_ms - HEARTBEAT_MS - GRACE_MS for off in self.offs), default=0.0)

    def told(self) -> str:
        """For a person."""
        offs = ", ".join(
            f"{off.name} off {off.after_heartbeat_ms:.2f} ms after the last heartbeat, {off.after_signal_ms:.1f} ms "
            "after the signal"
            for off in self.offs
        )
        waited = f", the guard's process waited {self.waited_ms:.1f} ms for a processor" if self.late_ms > 0 else ""
        return f"{self.how:9} {self.plan:6} {offs or 'nothing was on'}{waited} | {self.cause}"


class Reaper:
    """Of one bench."""

    def __init__(self, bench: Deathbed, seed: int) -> None:
        self.bench = bench
        self.random = random.Random(seed)
        self.lives: list[Life] = []
        self.again = 0
        self._why = ""

    def life(self, number: int) -> Life:
        """One daemon's life, from START to its successor's first word."""
        how, plan = HOWS[number % len(HOWS)], WHERES[number // len(HOWS) % len(WHERES)]
        after_s = self.random.uniform(0.0, 1.0 if plan != "both" else 2.5)
        pause_s = self.random.uniform(0.0, 0.5) if how != "pause" else self.random.uniform(0.12, 0.28)
        while True:
            life = self._end(how, plan, after_s, pause_s)
            if life is not None and not 0.0 < life.late_ms <= life.waited_ms:
                self.lives.append(life)
                return life
            self.again += 1
            print("again, the machine was busy:", life.told() if life else f"{how} {plan}: {self._why}", flush=True)
            assert self.again <= AGAIN_MAX + len(self.lives) // 5, "this machine is too busy to show anything"

    def _end(self, how: str, plan: str, after_s: float, pause_s: float) -> Life | None:
        """None: the run was over before the instant came, because the station had ended it by itself."""
        bench = self.bench
        run_id = bench.begin(plan)
        if not self._stays_on(plan, run_id, after_s):
            return None
        known, waited_ms = len(bench.changes()), bench.guard_waited_ms()
        signal_ns = time.monotonic_ns()
        bench.station.send_signal({"kill": signal.SIGKILL, "term": signal.SIGTERM}.get(how, signal.SIGSTOP))
        if how == "pause":
            time.sleep(pause_s)
            bench.station.send_signal(signal.SIGCONT)
        bench.wait_dead()
        waited_ms = bench.guard_waited_ms() - waited_ms
        offs = bench.offs(max(0, known - 2), signal_ns)
        self._lie(how, run_id, pause_s)
        bench.restart()
        record = bench.result(run_id)
        if not as_told(how, record) or (plan != "both" and not offs):
            self._over_before(record)
            return None
        return Life(how, plan, run_id, offs, waited_ms, record["causes"][-1]["text"])

    def _stays_on(self, plan: str, run_id: str, for_s: float) -> bool:
        """Wait for K or H (where the plan holds one) and for the instant; False: the run was over before."""
        bench = self.bench
        on = plan == "both" or bench.comes_on(plan[-1], run_id)
        if on:
            time.sleep(for_s)
            on = plan == "both" or bench.energised()
        if not on:
            self._over_before(bench.wait_ended(run_id))
        return on

    def _over_before(self, record: dict[str, Any]) -> None:
        self._why = record["causes"][0]["text"]
        assert busy(record), f"{record['verdict']}, {record['causes']}; {self.bench.logs()}"

    def _lie(self, how: str, run_id: str, pause_s: float) -> None:
        """What is still done to the one that was ended; the bench must stay dead through all of it."""
        bench, before = self.bench, self.bench.switched_on()
        if how.startswith("stop"):
            time.sleep(pause_s)
            bench.station.send_signal(signal.SIGCONT if how == "stop" else signal.SIGKILL)
        if how in ("stop", "pause"):  # it goes on: tripped, the run on record, and it ends when it is told to
            bench.wait_ended(run_id)
            bench.check_tripped()
            assert bench.switched_on() == before, "nothing comes on again when a stopped daemon goes on"
            assert bench.quit_station() == 0
        else:
            assert bench.station.wait(20.0) == (0 if how == "term" else -signal.SIGKILL)
        assert bench.switched_on() == before


def as_told(how: str, record: dict[str, Any]) -> bool:
    """Whether the verdict says whose doing it was, and the causes what happened."""
    causes = "; ".join(cause["text"] for cause in record["causes"])
    if how in ("stop", "pause"):
        return record["verdict"] == "ERROR" and ("guard, HEARTBEAT" in causes or LATE in causes)
    why = "SHUTDOWN" if how == "term" else "stopped in the middle"
    return record["verdict"] == "ABORTED" and (why in causes or "was stopped" in causes)


def figures(lives: list[Life]) -> str:
    """Smallest, median and largest of what was seen, by output."""
    lines = []
    for name in ("k", "h"):
        offs = [(life.how, off) for life in lives for off in life.offs if off.name == name]
        beats = sorted(off.after_heartbeat_ms for how, off in offs if how in ("kill", "stop", "stop-kill"))
        for how in ("term", "pause"):
            after = sorted(off.after_signal_ms for one, off in offs if one == how)
            if after:
                lines.append(f"{name}, {how}: {len(after)} times off, {_spread(after)} after the signal")
        if beats:
            lines.append(f"{name}: {len(beats)} times off, {_spread(beats)} after the last accepted heartbeat")
    return "\n".join(lines)


def _spread(ms: list[float]) -> str:
    return f"{ms[0]:.2f} to {ms[-1]:.2f} ms (median {ms[len(ms) // 2]:.2f})"
