"""A configuration that is taken into use, given up or rolled back, cut off at every write or on a disk that fills up.

Whatever was cut off, `current` leads to one of the two trees, whole, the state file agrees with it or is mended at the
next start, and the bench can be given the other tree afterwards.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from station.cli.offline import take_into_use
from station.settings.revisions import Revisions, read_files, revision_of, write_files
from station.settings.switching import Switching
from station.starting import AGAIN, DONE, serve_bench
from tests.settings.killing import KILLER, full_from, killed_before

OLD = {"interlocks.toml": b"old", "plans/a.toml": b"the same"}
NEW = {"interlocks.toml": b"new", "plans/a.toml": b"the same"}


class Ran(Exception):
    """The process would have run itself anew."""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bench whose own files are the old tree, with a revision of them in use that holds."""

    def execv(*_: object) -> None:
        raise Ran

    monkeypatch.setattr("os.execv", execv)
    monkeypatch.setattr("os.closerange", lambda low, high: None)
    own = tmp_path / "own"
    write_files(own, OLD)
    return own


def placed(own: Path, number: int) -> Path:
    """The bench once more, its store in a folder of its own."""
    bench = own.with_name(f"bench-{number}")
    shutil.copytree(own, bench / "etc")
    (bench / "etc" / "station.toml").write_text(f'[store]\npath = "{bench}/store/s.sqlite"\n')
    (bench / "store").mkdir()
    return bench


def state_of(bench: Path) -> Switching:
    return Switching(Revisions(bench / "store" / "config"), bench / "etc")


def start(bench: Path, serve: Callable[[Switching], int]) -> None:
    """The daemon, with all the lives that it gives itself; the first `serve` says how that one ends."""
    lives: Iterator[Callable[[Switching], int]] = iter([serve])
    for _ in range(4):
        try:
            serve_bench(bench / "etc", next(lives, lambda switching: DONE))
        except Ran:
            continue
        return


def holds(switching: Switching) -> int:
    switching.holds()
    return DONE


def silent(switching: Switching) -> int:
    switching.condemned = "fan answered before and is silent now"
    return AGAIN


def given_up_for_a_silent_device(bench: Path) -> None:
    """What the daemon does when a device that answered before is silent on trial."""
    take_into_use(bench / "etc", NEW, "maria", "no daemon")
    start(bench, silent)


def rolled_back(bench: Path) -> None:
    """`station apply` without a daemon, the next start, in use and held; then the old tree once more."""
    take_into_use(bench / "etc", NEW, "maria", "no daemon")
    start(bench, holds)
    take_into_use(bench / "etc", OLD, "maria", "no daemon")
    start(bench, holds)


def taken_back_on_trial(bench: Path) -> None:
    """Rolled back while the daemon is stopped in the trial."""
    take_into_use(bench / "etc", NEW, "maria", "no daemon")
    take_into_use(bench / "etc", OLD, "maria", "no daemon")


WAYS = (given_up_for_a_silent_device, rolled_back, taken_back_on_trial)


def whole(bench: Path) -> dict[str, bytes]:
    """What a start loads now."""
    switching = state_of(bench)
    return read_files(switching.revisions.in_use() or bench / "etc")


def mended(bench: Path, what: str) -> None:
    """Whole before any start and after it, the state file at one with `current`, and the new tree can still come."""
    assert whole(bench) in (OLD, NEW), what
    start(bench, lambda switching: DONE)
    switching = state_of(bench)
    state, current = switching.read(), switching.revisions.current()
    assert whole(bench) in (OLD, NEW), what
    assert state.trial is None or state.trial.to == current, what
    start(bench, holds)
    if state_of(bench).read().wanted is not None:
        start(bench, lambda switching: AGAIN)
        start(bench, holds)
    take_into_use(bench / "etc", NEW, "maria", "no daemon")
    start(bench, holds)
    assert whole(bench) == NEW and state_of(bench).revisions.current() == revision_of(NEW), what
    assert state_of(bench).read().trial is None, what


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_killed_before_every_write_one_of_the_two_trees_is_there_whole(
    own: Path, monkeypatch: pytest.MonkeyPatch, way: Callable[[Path], None]
) -> None:
    number, trees = 0, set()
    while True:
        number += 1
        bench = placed(own, number)
        with killed_before(number, bench / "store", monkeypatch):
            way(bench)
        if KILLER.left > 0:
            break
        trees.add(whole(bench) == NEW)
        mended(bench, f"{way.__name__}: killed before operation {number}")
        shutil.rmtree(bench)
    assert number > 30 and trees == {True, False}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_on_a_disk_that_is_full_from_any_write_on_one_of_the_two_trees_is_there_whole(
    own: Path, monkeypatch: pytest.MonkeyPatch, way: Callable[[Path], None]
) -> None:
    number = 0
    while True:
        number += 1
        bench = placed(own, number)
        with full_from(number, bench / "store", monkeypatch):
            way(bench)
        if KILLER.left > 0:
            break
        mended(bench, f"{way.__name__}: full from operation {number} on")
        shutil.rmtree(bench)
    assert number > 30
