"""A history that breaks something is cut down to what is needed for it, and to nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.campaign.board import load_core
from station.campaign.history import Happening, History
from station.campaign.invariants import Violation
from station.campaign.plant import Dut
from station.campaign.session import Outcome
from station.campaign.shrink import shrink
from tests.campaign.sabotages_of_the_guard import deaf_to
from tests.campaign.stage import At, Scene, What, honest_setting, play_history

Play = Callable[[History], Outcome]


def of(count: int) -> History:
    """A history of so many happenings, told apart by their moment."""
    return History(1, tuple(Happening(number, "press", "ok") for number in range(count)), Dut(), 0, 0)


def breaks_with(needed: frozenset[int], invariant: int = 5) -> Play:
    """Something that breaks as long as every one of these happenings is there; another invariant always breaks."""

    def play(history: History) -> Outcome:
        there = {one.at_us for one in history.happenings}
        found = [Violation(9, 0, "always")] + [Violation(invariant, 1, "with them")] * (needed <= there)
        return Outcome(history.seed, 1.0, tuple(reversed(found)), (), 1, 1, ())

    return play


@given(st.integers(1, 14).flatmap(lambda count: st.tuples(st.just(count), st.frozensets(st.integers(0, count - 1)))))
def test_what_is_left_is_needed_and_enough(drawn: tuple[int, frozenset[int]]) -> None:
    count, needed = drawn
    history, play = of(count), breaks_with(needed)
    shrunk = shrink(history, play(history), play)
    assert set(shrunk.kept) == needed
    assert shrunk.history == history.only(shrunk.kept)
    assert shrunk.kept == tuple(sorted(shrunk.kept))
    assert shrunk.outcome.violations[0].invariant == 5
    assert shrunk.tries <= 14 * 14


def test_a_history_that_needs_nothing_shrinks_to_nothing() -> None:
    shrunk = shrink(of(8), breaks_with(frozenset())(of(8)), breaks_with(frozenset()))
    assert (shrunk.kept, shrunk.history.happenings) == ((), ())


def test_an_empty_history_is_its_own_shortest() -> None:
    outcome = breaks_with(frozenset())(of(0))
    shrunk = shrink(of(0), outcome, breaks_with(frozenset()))
    assert (shrunk.kept, shrunk.outcome) == ((), outcome)


def test_a_death_is_found_among_what_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    history = Scene(
        (
            What(At("session ready", 0.2), "scan", "x"),
            What(At("guard ENERGISED", 0.5), "broker_out", for_s=5.0),
            What(At("guard ENERGISED", 1.0), "kill", for_s=2.0),
            What(At("guard ENERGISED", 2.0), "utc_jump", amount=3_600),
        )
    ).history()
    core = load_core()
    deaf_to("HEARTBEAT")(monkeypatch, core)

    def play(history: History) -> Outcome:
        return play_history(replace(history), honest_setting(), {1}, core)

    shrunk = shrink(history, play(history), play)
    assert [one.kind for one in shrunk.history.happenings] == ["kill"]
    assert shrunk.kept == (2,)
