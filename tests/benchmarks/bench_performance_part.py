"""The performance part of the outgoing test (gain to damping, both channels): where every second of bench time goes.

By hand: python tests/benchmarks/bench_performance_part.py [dut] [--wall]. Plays the shipped plan without its soak
against a simulated DUT, in the processes of a bench, and prints the table of docs/bench-time.md from the record: test
time by step, and of it what was captured, tone by tone. Goal: at most 12 s. `--wall` plays it at the pace of a real
bench, and puts beside it what the steps took by the wall: wires, relays and the scan are in that.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from station.domain.record import StepRecord
from tests.scenarios.harness import NO_SOAK, Scenario, play, shipped_dut

FIRST, LAST = "gain", "damping"
GOAL_S = 12.0


def part(steps: Sequence[StepRecord]) -> list[tuple[StepRecord, float]]:
    """The steps from gain to damping, and how long each took by the wall, s."""
    ids = [step.id for step in steps]
    first, last = ids.index(FIRST), ids.index(LAST)
    stamps = [datetime.fromisoformat(step.started_at) for step in steps[first : last + 2] if step.started_at]
    walls = [(after - before).total_seconds() for before, after in pairwise(stamps)]
    return list(zip(steps[first : last + 1], [*walls, float("nan")], strict=False))


def main() -> None:
    wall = "--wall" in sys.argv
    names = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    scene = play(Scenario(shipped_dut(names[0] if names else "repaired"), NO_SOAK, speed=1.0 if wall else 240.0))
    rows = part(scene.record.steps)
    print(f"verdict {scene.record.verdict}")
    print("| step | test time, s |" + (" by the wall, s |" if wall else ""))
    print("| --- | --- |" + (" --- |" if wall else ""))
    for step, wall_s in rows:
        print(f"| {step.id} | {step.duration_s:.2f} |" + (f" {wall_s:.2f} |" if wall else ""))
    total_s = sum(step.duration_s for step, _ in rows)
    print(f"| together | {total_s:.2f} |" + (f" {sum(w for _, w in rows):.2f} |" if wall else ""))
    print(f"goal: at most {GOAL_S:g} s of test time: {'reached' if total_s <= GOAL_S else 'MISSED'}")


if __name__ == "__main__":
    main()
