"""Seeds with every scan run, seeds as whole asynchronous sessions, and what is told of a seed that breaks something."""

from __future__ import annotations

from itertools import count, islice

import pytest

from station.campaign.board import load_core
from station.campaign.campaign import Bench
from station.campaign.history import draw
from station.campaign.session import Mode
from tests.campaign.sabotages_of_the_guard import boots_safe
from tests.campaign.seed_rows import find_broken, is_short, make, name, rows
from tests.campaign.stage import honest_setting

EVERY = tuple(islice((seed for seed in count() if is_short(draw(seed))), 10))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seeds", [EVERY[:5], EVERY[5:]], ids=str)
def test_no_seed_breaks_an_invariant_with_every_scan_run(seeds: tuple[int, ...]) -> None:
    assert find_broken(seeds, make(Mode.EVERY)) == {}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("row", rows(0, 50), ids=name)
def test_no_seed_breaks_an_invariant_as_a_whole_session(row: range) -> None:
    assert find_broken(row, make(Mode.WHOLE)) == {}


def test_a_whole_session_is_the_same_history_every_time() -> None:
    seed = EVERY[0]
    first, second = (make(Mode.WHOLE).play(draw(seed)) for _ in range(2))
    assert (first.digest, first.verdicts) == (second.digest, second.verdicts)
    assert len(first.trace) > 20


def test_of_a_seed_that_breaks_something_the_shortest_history_and_its_replay_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    core = load_core()
    boots_safe(1)(monkeypatch, core)
    broken = find_broken(EVERY[:1], Bench(core, honest_setting(), Mode.JUMP))
    assert list(broken) == list(EVERY[:1]) and broken[EVERY[0]].startswith("invariant 2: ")
    told = capsys.readouterr().err
    assert f"seed {EVERY[0]}, shortest history: invariant 2" in told
    assert f"--seeds {EVERY[0]}:{EVERY[0] + 1} --only ''" in told
