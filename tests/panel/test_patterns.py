"""The one table of lamps and buzzer: nothing looks like something else, nothing hangs on a colour, red or green."""

from __future__ import annotations

import itertools

import pytest

from drivers.gpio.blink_code import flashes
from drivers.ports import Lamp
from station.domain.panel_sounds import ALWAYS, MUTABLE
from station.domain.session_state import State
from station.panel.patterns import (
    BADGE,
    BUZZERS,
    GUIDES,
    MOMENTS,
    PATTERNS,
    WARNINGS,
    Pattern,
    buzz_of,
    describe,
    every_pattern,
    rhythm_of,
    with_warnings,
)

TABLE = every_pattern()


def without_colour(pattern: Pattern) -> tuple[object, ...]:
    """What somebody sees and hears who cannot tell the lamps' colours: how many, in which rhythm, which sound."""
    rhythms = sorted(rhythm_of(state) for state in pattern.lamps.values() if state.on)
    buzzer = BUZZERS[pattern.buzzer]
    return (*rhythms, buzzer.beeps, buzzer.repeats)


def test_no_two_patterns_look_and_sound_alike_but_the_two_in_which_only_voltage_differs() -> None:
    looks = {name: describe(pattern) + pattern.buzzer for name, pattern in TABLE.items() if name != "energised"}
    assert len(set(looks.values())) == len(looks)
    assert PATTERNS[State.ENERGISED] == PATTERNS[State.PREPARING], "voltage is told by the guard's lamps"


def test_what_asks_a_person_for_something_is_told_apart_without_colours() -> None:
    asking = [PATTERNS[State.PROMPT], BADGE, *GUIDES.values(), PATTERNS[State.TRIPPED], MOMENTS["refused"]]
    for one, other in itertools.combinations(asking, 2):
        assert without_colour(one) != without_colour(other), f"{describe(one)} / {describe(other)}"


def test_the_four_ways_of_guidance_differ_in_colour_in_rhythm_and_in_sound() -> None:
    for one, other in itertools.combinations(GUIDES.values(), 2):
        assert describe(one) != describe(other)
        assert [rhythm_of(s) for s in one.lamps.values()] != [rhythm_of(s) for s in other.lamps.values()]
        assert BUZZERS[one.buzzer].beeps != BUZZERS[other.buzzer].beeps
    assert BUZZERS["raise"].hz > BUZZERS["hold"].hz > BUZZERS["lower"].hz, "up is higher, down is lower"


def test_no_lamp_of_the_table_is_red_or_green() -> None:
    assert {lamp.value for lamp in Lamp} & {"red", "green"} == set()


def test_every_sound_is_used_has_a_meaning_and_a_bounded_length() -> None:
    used = {pattern.buzzer for pattern in TABLE.values()}
    assert used <= set(BUZZERS) and set(BUZZERS) - used == {"code"}
    for name, buzzer in BUZZERS.items():
        assert buzzer.length_s <= 2.0 and (buzzer.meaning or not name)


def test_every_sound_may_be_muted_or_may_not() -> None:
    assert {*MUTABLE, *ALWAYS, ""} == set(BUZZERS) and not set(MUTABLE) & set(ALWAYS)
    assert {"trip", "hot", "refused", "code"} <= set(ALWAYS)
    repeating = {name for name, buzzer in BUZZERS.items() if buzzer.repeats}
    assert repeating == {"prompt", "badge", "trip", "raise", "lower", "hold"}


def test_a_sound_that_is_not_there_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="'fanfare': not in the table; one of scan, refused"):
        buzz_of("fanfare")
    assert buzz_of("code", code=24).code == 24 and len(flashes(24)) == 6 and not buzz_of("scan", code=24).code


@pytest.mark.parametrize("state", State)
def test_a_warning_changes_no_lamp_that_the_state_uses(state: State) -> None:
    before = PATTERNS[state].full()
    after = with_warnings(before, WARNINGS)
    assert all(after[lamp] == its for lamp, its in before.items() if its.on)
    uses_violet = before[Lamp.VIOLET].on
    assert uses_violet or rhythm_of(after[Lamp.VIOLET]) == "wink"
