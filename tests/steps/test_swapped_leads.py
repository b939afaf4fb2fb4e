"""When the connection check blames the leads, and when it leaves a channel to the measurements."""

from __future__ import annotations

import pytest

from station.domain.sound import Value
from station.steps.connection import find_swapped
from station.steps.levels import delivers


@pytest.mark.parametrize(
    ("crossed", "straight", "seen"),
    [
        ([True, True], [False, False], "the tone on left comes out of right"),
        ([False, True], [False, False], "the tone on right comes out of left"),
    ],
    ids=["both on the other lead", "one dead channel behind swapped leads"],
)
def test_a_channel_on_the_other_lead_is_told(crossed: list[bool], straight: list[bool], seen: str) -> None:
    suspect = find_swapped(crossed, straight)
    assert suspect is not None and (suspect.fault, suspect.seen) == ("swapped", seen)


def test_a_dead_channel_that_leaks_into_a_living_one_is_left_to_the_measurements() -> None:
    assert find_swapped([True, False], [False, True]) is None
    assert not delivers(Value(0.0089, 0.0001), 0.89)


def test_a_channel_delivers_down_to_half_of_what_is_asked() -> None:
    assert delivers(Value(0.51, 0.0), 1.0)
    assert not delivers(Value(0.49, 0.0), 1.0)
