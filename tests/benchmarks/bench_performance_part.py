"""The performance part of the outgoing test (gain to damping, both channels): where every second of bench time goes.

By hand: python tests/benchmarks/bench_performance_part.py [dut] [--wall]. Plays the shipped plan without its soak
against a simulated DUT, in the processes of a bench, and prints the tables of docs/bench-time.md: test time by step as
on record, and of it what is measured and what lies around it. Goal: at most 12 s. `--wall` plays it at the pace of a
real bench and puts beside it what the steps took by the wall (buses, relays, scan, the journal's commits), and what an
interface adds that is later than the simulated one and rings out.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drivers.audio.portaudio import DRAIN_S
from drivers.settings import AudioSettings
from drivers.sim.audio_interface import LATENCY_S
from station.analysis.sweep import plan_sweep
from station.domain.record import StepRecord
from station.sound.worker_captures import FADE_S, LATENCY_MAX_S, LATENCY_SPARE_S, LEAD_S, NOISE_LEAD_S
from station.steps import distortion, gain, noise, power, response, transfer
from tests.scenarios.harness import NO_SOAK, Scenario, play, shipped_dut

FIRST, LAST = "gain", "damping"
GOAL_S = 12.0
LATER_S = 2.0 * AudioSettings("", 1.0, 1.0).latency_s
"""What lies ready in a real interface, in both directions."""
TONE_S = LEAD_S + FADE_S + LATENCY_S + LATENCY_SPARE_S
SWEEP_S = plan_sweep(response.THIRD_OCTAVES_HZ, 48000).frames / 48000
CAPTURES = {
    "gain": (gain.Params().capture_s, TONE_S),
    "output-power": (power.Params().capture_s, TONE_S),
    "thd": (distortion.Params().capture_s, TONE_S),
    "thd-n": (distortion.Params().capture_s, TONE_S),
    "response": (SWEEP_S, LATENCY_MAX_S + LATER_S),
    "snr": (noise.Params().capture_s, NOISE_LEAD_S),
    "crosstalk": (transfer.CrosstalkParams().capture_s, TONE_S),
    "damping": (transfer.DampingParams().capture_s, TONE_S),
}
"""Seconds of each capture that are measured, and that lie around them."""


def captures(step: StepRecord) -> tuple[int, float, float]:
    """How many, and of the step's test time what they measured and what lay around it, s."""
    measured_s, around_s = CAPTURES[step.id]
    count = round(step.duration_s / (measured_s + around_s))
    return count, count * measured_s, count * around_s


def later_s(step: StepRecord) -> float:
    """What a real interface takes more: its tones are captured for as long as it is late, and then ring out."""
    count, _, _ = captures(step)
    return 0.0 if step.id in ("response", "snr") else count * (LATER_S - LATENCY_S + DRAIN_S)


def part(steps: Sequence[StepRecord]) -> list[tuple[StepRecord, float]]:
    """The steps from gain to damping, and how long each took by the wall, s."""
    ids = [step.id for step in steps]
    first, last = ids.index(FIRST), ids.index(LAST)
    stamps = [datetime.fromisoformat(step.started_at) for step in steps[first : last + 2] if step.started_at]
    walls = [(after - before).total_seconds() for before, after in pairwise(stamps)]
    return list(zip(steps[first : last + 1], [*walls, float("nan")], strict=False))


def _row(name: str, values: Sequence[float]) -> str:
    return f"| {name} | {values[0]:.0f} | " + " | ".join(f"{abs(value):.2f}" for value in values[1:]) + " |"


def main() -> None:
    wall = "--wall" in sys.argv
    names = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    scene = play(Scenario(shipped_dut(names[0] if names else "repaired"), NO_SOAK, speed=1.0 if wall else 240.0))
    rows = part(scene.record.steps)
    print(f"verdict {scene.record.verdict}")
    heads = ["step", "captures", "measured, s", "around it, s", "waits, s", "test time, s"]
    heads += ["by the wall, s", "a real interface adds, s"] if wall else []
    print("| " + " | ".join(heads) + " |\n|" + " --- |" * len(heads))
    sums = [0.0] * (len(heads) - 1)
    for step, wall_s in rows:
        count, measured_s, around_s = captures(step)
        row = [count, measured_s, around_s, step.duration_s - measured_s - around_s, step.duration_s]
        row += [wall_s, later_s(step)] if wall else []
        sums = [total + value for total, value in zip(sums, row, strict=True)]
        print(_row(step.id, row))
    print(_row("together", sums))
    total_s = sums[4]
    print(f"goal: at most {GOAL_S:g} s of test time: {'reached' if total_s <= GOAL_S else 'MISSED'}")


if __name__ == "__main__":
    main()
