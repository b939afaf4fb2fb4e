"""Many seeds, on all cores, and what they found."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from station.campaign.board import load_core
from station.campaign.history import History, draw
from station.campaign.life import Setting, make_setting
from station.campaign.session import Mode, Outcome, play

PRODUCT = "example-a-100"
WHOLE_SPEED = 240.0
"""Test time of whole asynchronous sessions runs as on the simulated bench."""
CHUNK = 8


@dataclass(frozen=True, slots=True)
class Bench:
    """What is under test: a checked configuration tree and the guard's core."""

    core: Any
    setting: Setting
    mode: Mode

    def play(self, history: History) -> Outcome:
        """One history on a fast disk."""
        with tempfile.TemporaryDirectory(prefix="campaign-", dir=_fast_disk()) as folder:
            return play(self.core, self.setting, history, Path(folder), self.mode)


def make_bench(tree: Any, mode: Mode) -> Bench:
    """The bench of a checked tree (`settings.load`)."""
    return Bench(load_core(), make_setting(tree, PRODUCT, WHOLE_SPEED if mode is Mode.WHOLE else 1.0), mode)


def run_seeds(load: Callable[[], Any], seeds: Sequence[int], mode: Mode, workers: int) -> Iterator[Outcome]:
    """Outcomes in the order of `seeds`. `load` gives the tree, in each worker anew."""
    if workers <= 1 or len(seeds) <= CHUNK:
        bench = make_bench(load(), mode)
        for seed in seeds:
            yield bench.play(draw(seed))
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin_worker, (load, mode)) as pool:
        yield from pool.map(_play_seed, seeds, chunksize=CHUNK)


_BENCH: list[Bench] = []


def _begin_worker(load: Callable[[], Any], mode: Mode) -> None:
    logging.disable(logging.CRITICAL)
    _BENCH[:] = [make_bench(load(), mode)]


def _play_seed(seed: int) -> Outcome:
    return _BENCH[0].play(draw(seed))


def _fast_disk() -> str | None:
    """Memory, where the system has a file system of it: what is durable on a disk is tested elsewhere."""
    memory = "/dev/shm"
    return memory if os.access(memory, os.W_OK) else None
