"""SIGKILL, SIGSTOP and SIGTERM to the daemon at random instants of a run: K and H off in time by the guard's own
stamps, and whoever comes next is dead, tripped and says what happened."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.scenarios.deaths import Deathbed
from tests.scenarios.reaper import GRACE_MS, HEARTBEAT_MS, RELEASE_MS, Life, Reaper, figures

SEED = 20260103
BENCHES = 2
"""At the same time: most of a life is waiting."""


def check(life: Life) -> None:
    """K and H are off within the heartbeat limit and 5 ms of the last heartbeat, and soon after the signal."""
    if life.plan != "both":
        assert [off.name for off in life.offs] == [life.plan[-1]], f"it was on: {life.told()}"
    for off in life.offs:
        assert off.after_heartbeat_ms <= HEARTBEAT_MS + GRACE_MS, life.told()
        assert off.after_signal_ms <= HEARTBEAT_MS + RELEASE_MS, life.told()


def play(folder: Path, numbers: range, seed: int) -> list[Life]:
    """Lives on one bench and one store."""
    folder.mkdir()
    with Deathbed(folder) as bench:
        reaper = Reaper(bench, seed)
        for number in numbers:
            life = reaper.life(number)
            print(life.told(), flush=True)
            check(life)
        results = bench.results()
        assert set(results) >= {life.run_id for life in reaper.lives}
        assert len(results) == len(numbers) + reaper.again, "one record a run, no more"
    return reaper.lives


def play_all(folder: Path, count: int, seed: int) -> list[Life]:
    """`count` lives, shared among the benches."""
    with ThreadPoolExecutor(BENCHES) as pool:
        parts = [pool.submit(play, folder / f"{n}", range(n, count, BENCHES), seed + n) for n in range(BENCHES)]
        lives = [life for part in parts for life in part.result()]
    print(figures(lives))
    return lives


@pytest.mark.timeout(300)
def test_a_daemon_that_is_ended_at_any_instant_leaves_k_and_h_off_in_time_twenty_of_twenty(tmp_path: Path) -> None:
    assert len(play_all(tmp_path, 20, SEED)) == 20


@pytest.mark.byhand
@pytest.mark.timeout(1800)
def test_a_daemon_that_is_ended_at_any_instant_a_hundred_of_a_hundred(tmp_path: Path) -> None:
    assert len(play_all(tmp_path, 100, SEED + BENCHES)) == 100
