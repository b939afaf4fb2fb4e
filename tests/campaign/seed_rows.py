"""Rows of seeds that must break nothing; one that does is cut down, and how to replay it is printed."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable
from functools import cache

from station.campaign.board import load_core
from station.campaign.campaign import WHOLE_SPEED, Bench, make_bench
from station.campaign.history import History, draw
from station.campaign.session import Mode
from station.cli.campaign import Choice, _tell_shortest
from tests.campaign.stage import CONFIG, honest_setting, read_tree

ROW = 20
"""Seeds a test: what fails is told early, and the workers share them."""


def rows(first: int, end: int) -> list[range]:
    """From `first` to `end`, the last left out."""
    return [range(at, min(at + ROW, end)) for at in range(first, end, ROW)]


def name(row: range) -> str:
    """Of a row, for pytest."""
    return f"{row.start}:{row.stop}"


@cache
def make(mode: Mode) -> Bench:
    """The bench under test; made once a process."""
    assert WHOLE_SPEED > 1.0
    return make_bench(read_tree(), mode) if mode is Mode.WHOLE else Bench(load_core(), honest_setting(), mode)


def is_short(history: History) -> bool:
    """Whether every scan of it can be run while somebody waits: no soak, and something happens in it."""
    return history.soak_s == 0 and len(history.happenings) >= 2


def find_broken(seeds: Iterable[int], bench: Bench) -> dict[int, str]:
    """By seed what was violated. The shortest history and the line that replays it go to standard error."""
    logging.disable(logging.CRITICAL)
    broken = {}
    gc.disable()  # what a session leaves behind is collected between two, at a tenth less of processor time
    try:
        for seed in seeds:
            gc.collect(1)
            history = draw(seed)
            outcome = bench.play(history)
            if outcome.violations:
                broken[seed] = "; ".join(f"invariant {one.invariant}: {one.detail}" for one in outcome.violations)
                if len(broken) == 1:
                    choice = Choice(seed, seed + 1, CONFIG, bench.mode.value, trace=False, as_json=False)
                    _tell_shortest(choice, history, outcome, bench.play)
    finally:
        gc.enable()
        logging.disable(logging.NOTSET)
    return broken
