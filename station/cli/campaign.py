"""`campaign`: seeds against the station; every invariant is looked at, a seed that breaks one is cut down."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from drivers.catalog import CATALOG
from station.campaign.campaign import make_bench, run_seeds
from station.campaign.history import History, draw
from station.campaign.session import Mode, Outcome
from station.campaign.shrink import shrink
from station.domain.errors import SettingsError
from station.settings.loading import load
from station.settings.tree import Tree
from station.steps.catalog import STEPS

FOUND = 1
SHRINK_MAX = 5
"""Seeds that are cut down; the others are only named."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for. `only`: numbers of the seed's happenings to keep, None for all."""

    first: int
    end: int
    config: Path
    mode: str
    trace: bool
    as_json: bool
    only: tuple[int, ...] | None = None


def parse_seeds(text: str) -> tuple[int, int]:
    """`A:B`, B excluded. Raises `SettingsError`."""
    first, colon, end = text.partition(":")
    if colon and first.isascii() and first.isdigit() and end.isascii() and end.isdigit() and int(first) < int(end):
        return int(first), int(end)
    raise SettingsError(f"--seeds {text!r}: two whole numbers A:B with A below B, such as 0:1000 (B is not played)")


def parse_only(text: str | None) -> tuple[int, ...] | None:
    """`0,3`: numbers of happenings, each once, in their own order; an empty text keeps none. Raises `SettingsError`."""
    if text is None:
        return None
    parts = [part for part in text.split(",") if part]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise SettingsError(
            f"--only {text!r}: numbers of happenings with commas, such as 0,3, as the campaign printed them"
        )
    return tuple(sorted({int(part) for part in parts}))


def run_campaign(choice: Choice) -> int:
    """Play the seeds; 0 if nothing was violated, 1 else."""
    if choice.only is not None and choice.end - choice.first != 1:
        raise SettingsError(f"--only is for one seed, such as --seeds {choice.first}:{choice.first + 1}")
    logging.disable(logging.CRITICAL)
    read_tree = partial(_read_tree, choice.config)
    bench = make_bench(read_tree(), Mode(choice.mode))  # a wrong tree is told here, not by every worker
    began_s, simulated_s, scans = time.monotonic(), 0.0, 0
    broken: list[tuple[History, Outcome]] = []
    if choice.only is not None:
        history = _cut(draw(choice.first), choice.only)
        outcomes = iter([bench.play(history)])
    else:
        outcomes = run_seeds(read_tree, range(choice.first, choice.end), Mode(choice.mode), os.cpu_count() or 1)
    for outcome in outcomes:
        simulated_s += outcome.simulated_s
        scans += outcome.scans
        if choice.trace:
            _print_trace(outcome)
        if outcome.violations:
            history = draw(outcome.seed)
            broken.append((history if choice.only is None else _cut(history, choice.only), outcome))
            _say(f"seed {outcome.seed}: {_words(outcome)}")
    wall_s = time.monotonic() - began_s
    count = 1 if choice.only is not None else choice.end - choice.first
    for history, outcome in broken[:SHRINK_MAX]:
        _tell_shortest(choice, history, outcome, bench.play)
    _say(
        f"{count} seeds, {simulated_s / 3600:.1f} h simulated in {wall_s:.1f} s ({count / wall_s:.1f} a second), "
        f"{scans} scans; {len(broken)} seeds with a violation"
    )
    if choice.as_json:
        found = [
            {"seed": outcome.seed, "invariant": one.invariant, "detail": one.detail}
            for _, outcome in broken for one in outcome.violations
        ]  # fmt: skip
        document = {
            "seeds": count, "simulated_s": round(simulated_s, 3), "wall_s": round(wall_s, 3), "violations": found,
        }  # fmt: skip
        print(json.dumps(document))
    return FOUND if broken else 0


def _read_tree(config: Path) -> Tree:
    return load(config, STEPS, CATALOG)


def _cut(history: History, only: tuple[int, ...]) -> History:
    last = len(history.happenings) - 1
    wrong = [number for number in only if number > last]
    if wrong:
        has = f"happenings 0 to {last}" if last >= 0 else "no happenings"
        raise SettingsError(f"--only {wrong[0]}: seed {history.seed} has {has}")
    return history.only(only)


def _tell_shortest(choice: Choice, history: History, outcome: Outcome, play: Any) -> None:
    if choice.only is None:
        shrunk = shrink(history, outcome, play)
        kept, history, outcome = shrunk.kept, shrunk.history, shrunk.outcome
    else:
        kept = choice.only
    _say(f"\nseed {outcome.seed}, shortest history: {_words(outcome)}")
    for happening in history.happenings:
        _say(f"    {happening}")
    if not history.dut.good:
        _say(f"    {history.dut}")
    config = "" if choice.config == Path("config") else f" --config {choice.config}"
    mode = "" if choice.mode == Mode.JUMP else f" --mode {choice.mode}"
    numbers = ",".join(map(str, kept))
    seeds = f"{outcome.seed}:{outcome.seed + 1}"
    _say(f"    replay: ./bench campaign --seeds {seeds} --only '{numbers}'{mode}{config} --trace")


def _print_trace(outcome: Outcome) -> None:
    _say(f"seed {outcome.seed}, trace {outcome.digest}, {', '.join(outcome.verdicts) or 'no run'}")
    for us, words in outcome.trace:
        _say(f"{us / 1e6:12.6f} {words}")


def _words(outcome: Outcome) -> str:
    return "; ".join(
        f"invariant {one.invariant} at {one.at_us / 1e6:.3f} s: {one.detail}" for one in outcome.violations
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr)
