"""Revisions and the way from one to the next: killed at every write there is one of the two trees, whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.catalog import CATALOG
from station.settings import InvalidTree, check, load
from station.settings.revisions import KEPT_MAX, Revisions, read_files, revision_of, shared_part, state_of
from station.settings.switching import STARTS_MAX, Switching
from station.steps.catalog import STEPS
from tests.settings.killing import KILLER, killed_before
from tests.settings.trees import SHARED, SHIPPED

OLD = {name: content for name, content in SHARED.items() if not name.startswith("duts/")}
NEW = {**OLD, "plans/self-test.toml": OLD["plans/self-test.toml"].replace(b"revision = ", b"# another\nrevision = ")}


def started(state: Path) -> Switching:
    """As the daemon does first."""
    switching = Switching(Revisions(state))
    switching.begin()
    return switching


@pytest.fixture
def switching(tmp_path: Path) -> Switching:
    """A bench with one revision in use that holds."""
    switching = Switching(Revisions(tmp_path / "config"))
    assert switching.want(switching.revisions.keep(OLD)) and switching.switch()
    switching.begin()
    switching.holds()
    return switching


def take(switching: Switching) -> None:
    """The whole way of a new tree into use."""
    switching.want(switching.revisions.keep(NEW))
    switching.switch()
    switching.begin()
    switching.holds()


def give_up(switching: Switching) -> None:
    """A new tree, and back."""
    switching.want(switching.revisions.keep(NEW))
    switching.switch()
    switching.begin()
    switching.go_back("it does not load")


@pytest.mark.parametrize("way", [take, give_up])
def test_killed_at_every_write_one_of_the_two_trees_is_in_use_whole(
    switching: Switching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Callable[[Switching], None]
) -> None:
    number, ends = 0, set()
    while True:
        number += 1
        state = tmp_path / f"killed-{number}"
        shutil.copytree(switching.revisions.state, state, symlinks=True)
        with killed_before(number, state, monkeypatch):
            way(Switching(Revisions(state)))
        if KILLER.left > 0:
            break
        again = started(state)
        folder = again.revisions.in_use()
        assert folder is not None and read_files(folder) in (OLD, NEW), f"killed before operation {number}"
        ends.add(again.read().trial is None)
        if again.read().trial is not None:
            again.holds()
        take(again)
        folder = again.revisions.in_use()
        assert folder is not None and read_files(folder) == NEW and again.read().error is None
        shutil.rmtree(state)
    assert number > 30 and ends == {True, False}


def test_a_revision_that_holds_stays_and_one_that_does_not_goes_back(switching: Switching) -> None:
    old, new = revision_of(OLD), switching.revisions.keep(NEW)
    assert switching.revisions.current() == old
    assert not switching.want(old), "it is in use"
    assert switching.want(new) and switching.switch() and not switching.switch()
    assert switching.revisions.current() == new
    for _ in range(STARTS_MAX):
        started(switching.revisions.state)
        assert switching.revisions.current() == new
    started(switching.revisions.state)
    state = switching.read()
    assert switching.revisions.current() == old and state.untold and state.trial is None
    assert state.error is not None and f"revision {new[:12]} was given up" in state.error
    switching.told()
    assert not switching.read().untold and switching.read().error == state.error
    take(switching)
    assert switching.revisions.current() == new and switching.read().error is None


def test_a_daemon_that_is_told_to_stop_says_nothing_against_a_revision(switching: Switching) -> None:
    new = switching.revisions.keep(NEW)
    switching.want(new)
    switching.switch()
    for _ in range(3 * STARTS_MAX):
        started(switching.revisions.state).ended_well()
    assert switching.revisions.current() == new


def test_the_first_revision_of_a_bench_goes_back_to_its_own_directory(tmp_path: Path) -> None:
    switching = Switching(Revisions(tmp_path / "config"))
    switching.begin()
    assert switching.revisions.in_use() is None and not switching.switch() and not switching.go_back("nothing")
    switching.want(switching.revisions.keep(NEW))
    switching.switch()
    assert switching.go_back("it does not load") and switching.revisions.current() is None
    assert "the bench's own directory is in use again: it does not load" in str(switching.read().error)


def test_a_second_tree_waits_until_the_first_holds_and_then_wins(switching: Switching) -> None:
    third = {**NEW, "plans/third.toml": b""}
    switching.want(switching.revisions.keep(NEW))
    switching.switch()
    switching.begin()
    switching.want(switching.revisions.keep(third))
    assert not switching.switch(), "one is on trial"
    switching.holds()
    assert switching.switch() and switching.revisions.current() == revision_of(third)


def test_the_one_on_trial_sent_again_is_kept_and_starts_no_second_trial(switching: Switching) -> None:
    revision = switching.revisions.keep(NEW)
    switching.want(revision)
    switching.switch()
    switching.begin()
    assert not switching.want(revision, "maria, whose line was lost") and switching.read().wanted is None
    assert switching.read().history[-1].what == "kept"
    switching.holds()
    assert switching.read().trial is None and not switching.switch()


def test_one_that_is_taken_back_and_does_not_come_up_goes_back_at_the_next_start(switching: Switching) -> None:
    old = switching.revisions.current()
    switching.want(switching.revisions.keep(NEW))
    switching.switch()
    switching.begin()
    assert old is not None and switching.want(old, "maria") and switching.taken_back() == "taken back by maria"
    switching.begin()
    state = switching.read()
    assert (switching.revisions.current(), state.trial, state.wanted) == (old, None, None)
    assert state.error is not None and state.error.endswith("taken back by maria")


def test_the_oldest_revisions_are_forgotten_and_never_those_that_are_needed(switching: Switching) -> None:
    for number in range(KEPT_MAX + 5):
        revision = switching.revisions.keep({"interlocks.toml": str(number).encode()})
        os.utime(switching.revisions.folder(revision), ns=(number, number))
    take(switching)
    kept = switching.revisions.kept()
    assert len(kept) == KEPT_MAX + 2 and {revision_of(OLD), revision_of(NEW)} < set(kept)
    assert revision_of({"interlocks.toml": b"0"}) not in kept


# ---- what is read -----------------------------------------------------------------------------------------
@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A bench's own directory, its store in the folder of the test."""
    own = tmp_path / "etc"
    shutil.copytree(SHIPPED, own)
    text = (own / "station.toml").read_text(encoding="utf-8")
    text = text.replace("/var/lib/bench/station.sqlite", "/srv/bench/station.sqlite")
    (own / "station.toml").write_text(text, encoding="utf-8")
    return own


def test_load_and_check_read_the_revision_in_use(own: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert state_of(own) == Path("/srv/bench/config")
    monkeypatch.setattr("station.settings.revisions.state_of", lambda directory: tmp_path / "config")
    switching = Switching(Revisions(tmp_path / "config"))
    before = load(own, STEPS, CATALOG)
    text = NEW["plans/self-test.toml"].replace(b'id = "self-test"', b'id = "other-test"')
    switching.want(switching.revisions.keep({**OLD, "plans/other-test.toml": text}))
    switching.switch()
    after = load(own, STEPS, CATALOG)
    assert set(after.plans) - set(before.plans) == {"other-test"} and after.station == before.station
    shutil.rmtree(own / "plans")
    assert check(own, STEPS, CATALOG) == [] and shared_part(own) != own
    folder = switching.revisions.in_use()
    assert folder is not None
    (folder / "interlocks.toml").write_bytes(b"")
    (problem,) = check(own, STEPS, CATALOG)
    assert "the revision in use is damaged" in problem.wrong
    with pytest.raises(InvalidTree, match="damaged"):
        load(own, STEPS, CATALOG)


@pytest.mark.parametrize("text", ["", "store = 1", "[store]\npath = 7", '[store]\npath = "here"', "[["])
def test_where_nobody_says_where_the_store_is_there_is_no_revision(own: Path, text: str) -> None:
    (own / "station.toml").write_text(text, encoding="utf-8")
    assert state_of(own) is None and shared_part(own) == own
