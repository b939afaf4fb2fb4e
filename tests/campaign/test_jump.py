"""Jumping over quiet time changes nothing, and neither does where the guard's ticks wrap around: line by line the same.

Seeds that are quick are played on every run of the suite; two hundred, long ones among them, with `-m byhand`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from station.campaign.board import TICKS_MASK, load_core
from station.campaign.campaign import Bench
from station.campaign.history import History, draw
from station.campaign.session import Mode, Outcome
from tests.campaign.stage import At, Scene, What, honest_setting

QUICK: tuple[int, ...] = (2, 3)
"""Seeds whose sessions are short in virtual time and yet have something to jump over."""
MANY = range(1_000, 1_200)
SOAK = At("playing 1.004 V", 2.0, 2)
COOLING = Scene((What(replace(SOAK, plus_s=60.0), "press", "stop", 0.3),), soak=True)
"""A soak that ends after a minute: the fan's bounds are crossed while the bench is quiet, and read a while later."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@cache
def bench(mode: Mode) -> Bench:
    return Bench(load_core(), honest_setting(), mode)


def differs(one: Outcome, other: Outcome) -> str:
    """The first line in which two traces differ, with what went before; nothing if none does."""
    if one.trace == other.trace:
        return ""
    pairs = zip(one.trace, other.trace, strict=False)
    at = next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(one.trace), len(other.trace)))
    before = "".join(f"\n    {us / 1e6:.6f} {words}" for us, words in one.trace[max(0, at - 4) : at])
    return f"seed {one.seed}: {before}\n  here {one.trace[at : at + 2]}\n  there {other.trace[at : at + 2]}"


def look_both_ways(history: History) -> tuple[Outcome, Outcome]:
    jumping, every = bench(Mode.JUMP).play(history), bench(Mode.EVERY).play(history)
    assert differs(jumping, every) == ""
    assert (jumping.verdicts, jumping.violations, jumping.lives) == (every.verdicts, every.violations, every.lives)
    return jumping, every


def elsewhere(history: History) -> History:
    """The same with the wrap-around of the guard's ticks at another moment."""
    return replace(history, wrap_ms=(history.wrap_ms * 7 + 12_345) & TICKS_MASK)


@pytest.mark.parametrize("seed", QUICK)
def test_jumping_gives_the_same_history_as_running_every_scan(seed: int) -> None:
    jumping, every = look_both_ways(draw(seed))
    assert jumping.scans < every.scans  # there was something to jump over


def test_a_fan_that_is_to_stop_in_quiet_time_stops_at_the_same_scan() -> None:
    jumping, every = look_both_ways(COOLING.history())
    assert jumping.scans < every.scans / 2
    assert any(words == "relay fan open" for _, words in jumping.trace)


@pytest.mark.parametrize("seed", QUICK)
def test_another_wrap_around_of_the_guard_s_ticks_changes_nothing(seed: int) -> None:
    history = draw(seed)
    assert elsewhere(history).wrap_ms != history.wrap_ms
    assert differs(bench(Mode.JUMP).play(history), bench(Mode.JUMP).play(elsewhere(history))) == ""


@pytest.mark.parametrize("before_ms", [0, 1, 17_700, 30_000])
def test_ticks_that_wrap_within_the_session_change_nothing(before_ms: int) -> None:
    """At its very begin, in the first pass, under power, and in the middle of the drive."""
    history = replace(Scene((What(At("guard ENERGISED", 20.0), "kill", for_s=1.0),)).history())
    never = replace(history, wrap_ms=0)
    wraps = replace(history, wrap_ms=(TICKS_MASK + 1 - 1_000_000 - before_ms) & TICKS_MASK)
    assert differs(bench(Mode.JUMP).play(never), bench(Mode.JUMP).play(wraps)) == ""


@pytest.mark.byhand
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", MANY)
def test_jumping_gives_the_same_history_many_seeds(seed: int) -> None:
    look_both_ways(draw(seed))
    assert differs(bench(Mode.JUMP).play(draw(seed)), bench(Mode.JUMP).play(elsewhere(draw(seed)))) == ""
