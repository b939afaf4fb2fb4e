"""Jumping over quiet time changes nothing, and neither does where the guard's ticks wrap around: line by line the same.

Seeds that are quick are played on every run of the suite; two hundred, long ones among them, with `-m byhand`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import count, islice

import pytest

from station.campaign.board import TICKS_MASK, load_core
from station.campaign.campaign import Bench
from station.campaign.history import History, draw
from station.campaign.session import Mode, Outcome
from tests.campaign.seed_rows import is_short
from tests.campaign.stage import At, Scene, What, honest_setting

QUICK = tuple(islice((seed for seed in count() if is_short(draw(seed))), 6))
"""Seeds whose sessions are short in virtual time and yet have something to jump over."""
MANY = range(1_000, 1_200)
SOAK = At("playing 1.004 V", 2.0, 2)
IN_THE_SOAK = {
    "stopped by a person, and cooling after": What(replace(SOAK, plus_s=60.0), "press", "stop", 0.3),
    "a meter falls silent": What(replace(SOAK, plus_s=101.234), "silent", "mains", 3.0),
    "a death": What(replace(SOAK, plus_s=81.017), "kill", for_s=4.0),
    "a guard that starts anew": What(replace(SOAK, plus_s=50.003), "guard_reset"),
    "a heatsink that runs away": What(replace(SOAK, plus_s=20.0), "runaway", amount=14),
    "a fan that stops": What(replace(SOAK, plus_s=77.0), "fan_broken", for_s=9.0),
}
"""Soaks that end early: most of their time is quiet, and what ends it comes at any moment of it."""


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
    look_both_ways(draw(seed))


@pytest.mark.parametrize("name", IN_THE_SOAK)
def test_a_soak_that_is_cut_short_is_the_same_history_with_and_without_jumps(name: str) -> None:
    jumping, every = look_both_ways(Scene((IN_THE_SOAK[name],), soak=True).history())
    assert jumping.scans < 0.8 * every.scans
    assert any(words == "relay fan open" for _, words in jumping.trace)  # a bound that is crossed in quiet time


FOUND = {
    "relays that are put again and again": Scene((What(At("session energised", 1.0, 2), "silent", "relays", 7.784),)),
    "a bus that is out when the run ends": Scene(
        (
            What(At("relay load_left closed", 1.0), "bus_out", "a", 5.926),
            What(At("relay load_left closed", 5.9), "silent", "relays", 3.592),
        )
    ),
    "no thermometer while it cools": Scene(
        (What(At("relay source closed", 1.0), "silent", "temperature", 30.0), What(At("", 26.19), "stall", amount=2055))
    ),
}
"""What was jumped over once and ought not to have been."""


@pytest.mark.parametrize("name", FOUND)
def test_what_was_once_jumped_over_is_the_same_history_both_ways(name: str) -> None:
    jumping, every = look_both_ways(FOUND[name].history())
    assert jumping.scans <= every.scans


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
