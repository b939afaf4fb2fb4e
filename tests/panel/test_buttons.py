"""Debouncing and stuck buttons, from polled sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.ports import Button
from station.panel.buttons import DEBOUNCE_POLLS, STUCK_S, ButtonEvent, ButtonPressed, ButtonScan, ButtonStuck

POLL_S = 0.05
NONE: frozenset[Button] = frozenset()
START = frozenset({Button.START})


def play(*polls: frozenset[Button]) -> list[ButtonEvent]:
    scan = ButtonScan()
    return [event for index, down in enumerate(polls) for event in scan.poll(down, index * POLL_S)]


def test_three_polls_down_are_one_press_however_long_it_is_held() -> None:
    assert play(NONE, *[START] * 2, NONE) == []
    assert play(NONE, *[START] * 3) == [ButtonPressed(Button.START)]
    assert play(NONE, *[START] * 50, *[NONE] * 3) == [ButtonPressed(Button.START)]


def test_chatter_at_press_and_release_is_one_press() -> None:
    chatter = [START, NONE, START, NONE, *[START] * 5, NONE, START, NONE, START, *[NONE] * 3]
    assert play(NONE, *chatter) == [ButtonPressed(Button.START)]
    assert play(NONE, *chatter, *chatter) == [ButtonPressed(Button.START)] * 2


def test_a_button_down_at_power_up_is_told_and_ignored_until_it_comes_up() -> None:
    assert play(*[START] * 400) == [ButtonStuck(Button.START)]
    assert play(*[START] * 5, *[NONE] * 3, *[START] * 3) == [ButtonStuck(Button.START), ButtonPressed(Button.START)]


def test_a_button_held_beyond_ten_seconds_is_told_once_and_ignored_until_it_comes_up() -> None:
    long = int(STUCK_S / POLL_S) + 5
    assert play(NONE, *[START] * long, *[START] * long) == [ButtonPressed(Button.START), ButtonStuck(Button.START)]
    again = play(NONE, *[START] * long, *[NONE] * 3, *[START] * 3)
    assert again[-1] == ButtonPressed(Button.START)


def test_stop_comes_first_where_both_are_pressed_in_one_poll() -> None:
    both = frozenset({Button.START, Button.STOP})
    assert play(NONE, *[both] * 3) == [ButtonPressed(Button.STOP), ButtonPressed(Button.START)]


@given(st.lists(st.frozensets(st.sampled_from(list(Button))), max_size=80))
def test_a_press_always_has_its_polls_behind_it(polls: list[frozenset[Button]]) -> None:
    scan = ButtonScan()
    for index, down in enumerate(polls):
        for event in scan.poll(down, index * POLL_S):
            if isinstance(event, ButtonPressed):
                assert index >= DEBOUNCE_POLLS
                assert all(event.button in earlier for earlier in polls[index - DEBOUNCE_POLLS + 1 : index + 1])
