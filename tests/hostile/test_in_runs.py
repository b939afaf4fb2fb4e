"""Hostile messages to a bench in a run: before voltage, with mains, with test voltage, with drive, at a prompt."""

from __future__ import annotations

import pytest

from tests.hostile.attack import attack
from tests.hostile.referee import RUNNING
from tests.hostile.scenes import SCENES, Scene
from tests.hostile.shares import IN_CI, SEED

IN_RUNS = [scene for scene in SCENES if scene.state in RUNNING]


@pytest.mark.parametrize("scene", IN_RUNS, ids=lambda scene: scene.name)
def test_nothing_arms_resets_or_energises_and_everything_is_answered_or_counted(scene: Scene) -> None:
    tally = attack(scene, SEED, IN_CI)
    assert sum(tally.sent.values()) == IN_CI
    assert {"done", "refused", "counted", "answered before", "socket done", "socket refused"} <= set(tally.came)
