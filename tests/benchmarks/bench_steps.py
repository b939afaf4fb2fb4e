"""A plan of 100 steps with one numeric measurement each, durably journaled, beside OpenHTF writing its JSON.

By hand: python tests/benchmarks/bench_steps.py [rounds]. Goal: at most half of OpenHTF's wall time. Every step of ours
is one commit with synchronous=FULL; OpenHTF writes its file once, without a sync. The rounds alternate, so that only
the ratio within one run counts. OpenHTF 1.6 is no dependency: the script puts it into a virtual environment of its own
under var/ (from the package index that pip uses here), and leaves it out with a word if that does not work.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from station.contract.envelope import Stamp
from station.contract.messages import Messages
from station.contract.records import RecordCodec
from station.domain.clock import MonotonicClock
from station.domain.journal import RunDraft
from station.domain.limit import Limit
from station.domain.measurement import Measurement
from station.domain.plan import Needs, Plan, PlanStep, Product, Requirement
from station.domain.plates import AmplifierPlate
from station.domain.record import ClockStamp, DutInfo, PlanInfo
from station.domain.verdict import Verdict
from station.run.delivery import RunMessages
from station.run.run_ports import Order
from station.run.runner import Runner
from station.steps.step import StepContext, StepSpec
from station.store.store import Store, mint_run_id

ROOT = Path(__file__).resolve().parents[2]
STEPS = 100
TS = "2026-01-01T00:00:00.000Z"
CLOCK = ClockStamp("synced", 1.0, "4c3e25f6-bb6c-4a2d-828c-777d7b0ca4e9")
OPENHTF = "openhtf==1.6.*"
PEER = """
import json, sys, time
import openhtf as htf
from openhtf.output.callbacks import json_factory

def make(number):
    @htf.measures(htf.Measurement(f"m{number}_v").in_range(1.0, 2.0))
    @htf.PhaseOptions(name=f"step{number}")
    def phase(test):
        test.measurements[f"m{number}_v"] = 1.5
    return phase

times = []
for _ in range(2):
    test = htf.Test(*(make(n) for n in range(int(sys.argv[1]))), test_name="hundred")
    path = sys.argv[2] + "/{dut_id}.{start_time_millis}.json"
    test.add_output_callbacks(json_factory.OutputToJSON(path, indent=None))
    began = time.perf_counter()
    assert test.execute(test_start=lambda: "SN-1")
    times.append(time.perf_counter() - began)
print(json.dumps(times))
"""


async def _measure(context: StepContext, number: int) -> None:
    context.record(Measurement(f"m{number}_v", 1.5))


class _Off:
    """A bench with nothing on it: what the runner switches off is off."""

    async def off(self) -> None:
        return

    async def release(self) -> None:
        return


@dataclass(frozen=True)
class _Bench:
    mains: _Off
    drive: _Off


class _Quiet:
    trips = ()

    async def wait_tripped(self) -> None:
        await asyncio.Event().wait()


class _Stamps:
    def now(self) -> str:
        return TS


async def _yes(text: dict[str, str]) -> bool:
    return True


def _plan() -> Plan:
    limit = Limit("benchmark", 1.0, 2.0)
    steps = tuple(
        PlanStep(f"step{n}", "number", {"zh": "步骤", "en": f"step {n}"}, n, (Requirement(f"m{n}_v", limit),))
        for n in range(STEPS)
    )
    return Plan("hundred", "1", "0" * 64, {"zh": "百步", "en": "hundred"}, "engineering", False, steps, 60.0)


async def ours(folder: Path) -> float:
    """Seconds of one run, the journal opened before: as the daemon has it."""
    store = await Store.open(folder / "station.sqlite", RecordCodec(), "bench-07")
    try:
        messages = RunMessages(Messages("bench-07", lambda: Stamp(TS, CLOCK, 1)))
        draft = RunDraft(
            mint_run_id(), "engineering", "WO-1", "badge", None, None, DutInfo("p", "m", "x", "SN-1"),
            PlanInfo("hundred", "1", "0" * 64), (), "bench-07", "0", "1" * 64, True, 1.0, TS, CLOCK,
        )  # fmt: skip
        specs = {"number": StepSpec("number", _measure, int, (), frozenset(), Needs.NOTHING)}
        bench = _Bench(_Off(), _Off())
        runner = Runner(
            bench, _Quiet(), store, messages, specs, MonotonicClock(), _Stamps(), lambda event: None, _yes  # type: ignore[arg-type]
        )  # fmt: skip
        gc.collect()
        gc.freeze()  # as the daemon does once it is up
        began = time.perf_counter()
        record = await runner.run(
            Order(_plan(), Product("p", "m", "x", "f", "I", AmplifierPlate(1.0, 8.0, 0.0)), draft)
        )
        took_s = time.perf_counter() - began
        assert record.verdict is Verdict.PASS and store.commits_by_kind["step"] == STEPS
        return took_s
    finally:
        await store.close()


def sync_s(folder: Path, tries: int = 100) -> float:
    """The median of one fsync of 4 KB appended to a file."""
    times = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(tries):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def peer_python() -> Path | None:
    """Python with OpenHTF in an environment of its own; None (and why) where it cannot be installed."""
    home = ROOT / "var" / "openhtf"
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
    if subprocess.run([python, "-c", "import openhtf"], capture_output=True).returncode == 0:
        return python
    done = subprocess.run([python, "-m", "pip", "install", "-q", OPENHTF], capture_output=True, text=True)
    if done.returncode == 0:
        return python
    print(f"OpenHTF is left out, it cannot be installed: {done.stderr.strip()[-300:]}")
    return None


def peer(python: Path, folder: Path) -> float:
    """Seconds of OpenHTF's second run in a process (the first warms it up)."""
    script = folder / "peer.py"  # it reads its phases' own source
    script.write_text(PEER)
    done = subprocess.run([python, str(script), str(STEPS), str(folder)], capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.strip().splitlines()[-1])[-1])


def told(times: list[float]) -> str:
    return f"{1000 * statistics.median(times):.1f} ms (best {1000 * min(times):.1f})"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    python = peer_python()
    mine, theirs, syncs = [], [], []
    place = ROOT / "var"
    place.mkdir(exist_ok=True)
    for number in range(rounds + 1):
        with tempfile.TemporaryDirectory(dir=place) as folder:
            took_s = asyncio.run(ours(Path(folder)))
            other_s = peer(python, Path(folder)) if python is not None else 0.0
            if number:  # the first warms up
                mine.append(took_s)
                theirs.append(other_s)
                syncs.append(sync_s(Path(folder)))
    print(f"{STEPS} steps, {STEPS + 2} durable commits: {told(mine)}")
    print(f"one fsync of 4 KB, median: {1000 * statistics.median(syncs):.3f} ms")
    if python is not None:
        print(f"OpenHTF 1.6, JSON without a sync: {told(theirs)}")
        print(f"ratio of medians: {statistics.median(mine) / statistics.median(theirs):.2f} (goal: at most 0.50)")


if __name__ == "__main__":
    main()
