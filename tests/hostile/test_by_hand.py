"""The 50,000: `pytest -m byhand tests/hostile`, with another `HOSTILE_SEED` other ones."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from tests.hostile.attack import attack
from tests.hostile.scenes import SCENES, Scene
from tests.hostile.shares import BY_HAND, SEED

GROWTH_MB = 40.0


def resident_mb() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.byhand
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_nothing_happens_in_50_000_messages_and_memory_stays_bounded(scene: Scene) -> None:
    attack(scene, SEED, 200)  # what is imported and compiled at its first use is no growth
    before_mb = resident_mb()
    tally = attack(scene, SEED + 1, BY_HAND)
    grown_mb = resident_mb() - before_mb
    print(f"\n{scene.name}: {BY_HAND} messages, entered {tally.entered} times, {grown_mb:+.1f} MB, {dict(tally.came)}")
    assert sum(tally.sent.values()) == BY_HAND and grown_mb < GROWTH_MB
