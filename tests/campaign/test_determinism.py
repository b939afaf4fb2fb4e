"""One seed is one history, on any machine and in any process: no hash order, no clock, no path, no address in it.

The pinned digest is of what guard, relays and session do in one hand-made history, so that it does not depend on the
texts of the configuration. It changes with the pace of a step, of the kernel or of the technician. Where such a change
is meant, put in the digest that the failing test prints, and say so in the commit.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from station.campaign.session import Outcome
from tests.campaign.stage import ROOT, TWO_RUNS, At, Scene, What, honest_setting, play_scene

SEEDS = "15:17"
"""Short ones, of one life and one run each."""
PINNED = "7aef8fda99ca8c73"
STORY = Scene(
    (
        What(At("guard ENERGISED", 9.0), "kill", for_s=2.0),
        What(At("guard ENERGISED", 45.0), "mains_out", for_s=3.0),
        What(At("guard ENERGISED", 85.0), "input", "estop", 0.4),
    ),
    seed=TWO_RUNS,
)  # fmt: skip
"""A death, a power cut and an emergency stop, each under power."""


def digest(outcome: Outcome) -> str:
    """Of what guard, relays, test voltage and session do, and when."""
    lines = [f"{us} {words}" for us, words in outcome.trace if words.split(" ")[0] in ("guard", "relay", "session")]
    assert len(lines) > 60
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def play_in_a_process_of_its_own(hash_seed: str, folder: Path) -> Sequence[str]:
    """Every line of the traces, as a person would print them; another language, time zone and hash order each time."""
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed, "TZ": f"UTC-{hash_seed}",
        "TMPDIR": str(folder), "LC_ALL": "C.UTF-8" if hash_seed == "1" else "C",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "station", "campaign", "--seeds", SEEDS, "--trace"], cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=110, check=True,
    )  # fmt: skip
    return [line for line in done.stderr.splitlines() if " seeds, " not in line]  # that one tells how fast it went


def test_the_same_seed_is_the_same_history_in_another_process(tmp_path: Path) -> None:
    first, second = (play_in_a_process_of_its_own(hash_seed, tmp_path) for hash_seed in ("1", "4711"))
    assert len(first) > 100
    assert first == second


def test_the_same_history_twice_in_one_process_is_the_same_trace() -> None:
    first, second = play_scene(STORY), play_scene(STORY)
    assert first.trace == second.trace
    assert (first.digest, first.verdicts, first.scans) == (second.digest, second.verdicts, second.scans)


def test_another_seed_is_another_history_of_the_same_happenings() -> None:
    history = STORY.history()
    other = replace(STORY, seed=STORY.seed + 1).history()
    assert history.happenings[0].kind == other.happenings[0].kind
    assert play_scene(STORY).digest != play_scene(replace(STORY, seed=STORY.seed + 1)).digest


def test_one_history_is_pinned_for_every_machine() -> None:
    outcome = play_scene(STORY)
    assert outcome.violations == ()
    assert set(honest_setting().plans) == {"whole", "short"}
    assert digest(outcome) == PINNED, f"the history is another now: {digest(outcome)}; see this module's first lines"
