"""The window of the drain, in invented time: how much goes out, when it is repeated, and who never waits for whom."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.mqtt.keeper import Backoff
from station.uplink.window import Window, WindowLimits

LIMITS = WindowLimits()


def longest(low: float, high: float) -> float:
    return high


def make_window(cap_s: float = 120.0) -> Window:
    return Window(LIMITS, Backoff(1.0, cap_s, longest))


def test_at_most_twenty_are_in_flight() -> None:
    window = make_window()
    assert window.room(0.0) == 20
    for seq in range(20):
        window.sent(seq, seq, 0.0)
    assert (window.room(0.0), window.skip(0.0)) == (0, set(range(20)))
    window.receipted(3)
    assert window.room(1.0) == 1


def test_a_row_without_a_receipt_is_due_again_after_ten_seconds_and_a_back_off() -> None:
    window = make_window()
    window.sent(1, 1, 0.0)
    assert window.next_change_at(0.0) == 10.0
    window.expire(9.9)
    assert window.in_flight == 1
    window.expire(10.0)
    assert (window.in_flight, window.room(10.9), window.room(11.0)) == (0, 0, 1)
    assert window.skip(11.0) == set()


def test_the_back_off_of_a_row_doubles_up_to_two_minutes() -> None:
    window, now, waits = make_window(), 0.0, []
    for _ in range(10):
        window.sent(1, 1, now)
        now += 10.0
        window.expire(now)
        change_at = window.next_change_at(now)
        assert change_at is not None
        waits.append(change_at - now)
        now = change_at
    assert waits == [1, 2, 4, 8, 16, 32, 64, 120, 120, 120]


def test_no_matching_subscribers_is_no_delivery() -> None:
    window = make_window()
    window.sent(1, 77, 0.0)
    window.refused(78, 0.5)
    assert window.in_flight == 1
    window.refused(77, 0.5)
    assert (window.in_flight, window.room(1.0), window.room(1.6)) == (0, 0, 1)
    assert window.skip(1.6) == set()


def test_a_row_that_fails_while_others_are_receipted_rests_by_itself() -> None:
    window = make_window()
    window.sent(1, 1, 0.0)
    window.sent(2, 2, 0.0)
    window.receipted(2)
    window.expire(10.0)
    assert (window.room(10.9), window.skip(10.9), window.skip(11.0)) == (20, {1}, set())


def test_a_silent_centre_is_asked_with_one_row_and_then_one_more_each_time() -> None:
    window = make_window()
    for seq in range(20):
        window.sent(seq, seq, 0.0)
    window.expire(10.0)
    assert window.room(10.5) == 0, "a pause"
    assert window.room(11.0) == 1, "then a probe"
    window.sent(0, 20, 11.0)
    window.expire(21.0)
    assert (window.room(22.9), window.room(23.0)) == (0, 2)
    window.sent(0, 21, 23.0)
    window.receipted(0)
    assert window.room(23.1) == 20, "the centre is back"


def test_a_message_that_the_centre_cannot_digest_blocks_no_other() -> None:
    window, now, done = make_window(), 0.0, 0
    for _ in range(2000):
        window.expire(now)
        if window.room(now) and 0 not in window.skip(now):
            window.sent(0, 0, now)  # the oldest row, never receipted
        if window.room(now):
            done += 1
            window.sent(done, done, now)
            window.receipted(done)
        now += 0.1
    assert done == 2000


class Drain:
    """What the uplink does with a window, in invented time: the oldest rows that are due go out in their order."""

    def __init__(self, rows: int, seed: int = 1) -> None:
        self.window = Window(LIMITS, Backoff(1.0, 120.0, random.Random(seed).uniform))
        self.waiting = list(range(rows))
        self.sent: list[int] = []
        self.now = 0.0

    def play(self, seconds: float, digests: Callable[[int], bool]) -> list[int]:
        """The rows that went out; what the centre `digests` is receipted at once."""
        self.sent, end = [], self.now + seconds
        while self.now < end:
            self.window.expire(self.now)
            skip = self.window.skip(self.now)
            due = [row for row in self.waiting if row not in skip][: self.window.room(self.now)]
            for row in due:
                self.sent.append(row)
                self.window.sent(row, len(self.sent), self.now)
            for row in filter(digests, due):
                self.waiting.remove(row)
                self.window.receipted(row)
            change_at = self.window.next_change_at(self.now)
            self.now = min(end, self.now + 0.05 if change_at is None else max(change_at, self.now + 0.05))
        return self.sent


@pytest.mark.parametrize("silence_s", [5.0, 15.0, 60.0, 300.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_centre_that_is_back_after_a_silence_hears_the_oldest_first(silence_s: float, seed: int) -> None:
    drain = Drain(50, seed)
    drain.play(silence_s, lambda row: False)
    heard = list(dict.fromkeys(drain.play(300.0, lambda row: True)))
    assert heard == sorted(heard) and drain.waiting == []


def test_after_a_silence_of_hours_the_oldest_is_still_tried_first() -> None:
    drain = Drain(50)
    assert set(drain.play(20_000.0, lambda row: False)) > set(range(20)), "nobody waits for ever"
    assert drain.play(300.0, lambda row: True)[0] == 0
    assert drain.waiting == []


def test_a_centre_that_dies_with_a_window_half_receipted_hears_the_rest_in_their_order() -> None:
    drain = Drain(50)
    drain.play(0.01, lambda row: row < 2)
    drain.play(30.0, lambda row: False)
    heard = list(dict.fromkeys(drain.play(300.0, lambda row: True)))
    assert heard == sorted(heard) == list(range(heard[0], 50)) and drain.waiting == []


@pytest.mark.parametrize("poison", [1, 3, 20, 25])
def test_rows_that_the_centre_never_digests_block_no_other_not_even_as_the_oldest(poison: int) -> None:
    drain = Drain(50)
    drain.play(20_000.0, lambda row: row >= poison)
    assert drain.waiting == list(range(poison))


def test_a_lost_link_makes_all_in_flight_due_at_once() -> None:
    window = make_window()
    window.sent(1, 1, 0.0)
    window.link_lost()
    assert (window.skip(0.0), window.room(0.0)) == (set(), 20)


def test_a_late_receipt_ends_the_rest_of_a_row() -> None:
    window = make_window()
    window.sent(1, 1, 0.0)
    window.expire(10.0)
    window.receipted(1)
    assert (window.skip(10.1), window.room(10.1), window.next_change_at(10.1)) == (set(), 20, None)


actions = st.sampled_from(["send", "receipt", "refuse", "lose", "wait"])
steps = st.lists(st.tuples(actions, st.integers(0, 60)), max_size=80)


@settings(max_examples=100, deadline=None)
@given(steps, st.floats(0.0, 1.0))
def test_the_window_holds_its_bounds_and_always_goes_on(history: list[tuple[str, int]], luck: float) -> None:
    window, now, mid = Window(LIMITS, Backoff(1.0, 120.0, lambda low, high: low + luck * (high - low))), 0.0, 0
    for action, number in history:
        window.expire(now)
        if action == "send" and window.room(now) and number not in window.skip(now):
            mid += 1
            window.sent(number, mid, now)
        elif action == "receipt":
            window.receipted(number)
        elif action == "refuse":
            window.refused(number, now)
        elif action == "lose":
            window.link_lost()
        now += number / 10
        assert 0 <= window.in_flight <= LIMITS.in_flight
        assert window.in_flight + window.room(now) <= LIMITS.in_flight
        change_at = window.next_change_at(now)
        if not window.room(now) or window.skip(now):
            assert change_at is not None, "nothing waits for ever"
            assert change_at - now <= 120.0
    window.expire(now + 1000.0)
    assert window.room(now + 1121.0) >= 1 and window.skip(now + 1121.0) == set()


def test_a_row_that_three_links_were_lost_with_lets_the_others_go_first() -> None:
    window, now = make_window(), 0.0
    for link in range(1, 4):
        window.link_stands(now)
        for seq in range(20):
            window.sent(seq, seq, now)
        assert window.link_lost(by_broker=True) == (None if link < 3 else 0)
        now += 60.0
    window.link_stands(now)
    assert (window.skip(now + 11.9), window.skip(now + 12.0)) == ({0}, set()), "10 s for the others, and its back-off"
    window.sent(1, 1, now)
    window.sent(2, 2, now)
    assert window.link_lost(by_broker=True) == 1, "it was another one: the next oldest"
    window.link_stands(now)
    window.receipted(2)
    assert window.skip(now) == {0, 1}


def test_links_that_were_ended_here_or_in_which_the_row_timed_out_are_not_its_fault() -> None:
    window = make_window()
    for by_broker in (True, False, True, False):
        window.sent(1, 1, 0.0)
        assert window.link_lost(by_broker=by_broker) is None
    window.sent(1, 1, 0.0)
    window.expire(10.0)
    window.sent(1, 1, 12.0)
    assert window.link_lost(by_broker=True) is None


class Station(Drain):
    """The same with a centre that takes 50 ms to receipt, and never receipts the oldest rows."""

    def play_until_digested(self, bad: int, deadline_s: float) -> float:
        """Until every good row was receipted, in seconds; `deadline_s` where that did not happen."""
        answers: list[tuple[float, int]] = []
        while self.now < deadline_s and len(self.waiting) > bad:
            while answers and answers[0][0] <= self.now:
                row = answers.pop(0)[1]
                self.window.receipted(row)
                self.waiting = [one for one in self.waiting if one != row]
            self.window.expire(self.now)
            skip, room = self.window.skip(self.now), self.window.room(self.now)
            for row in [row for row in self.waiting if row not in skip][:room]:
                self.sent.append(row)
                self.window.sent(row, len(self.sent), self.now)
                if row >= bad:
                    answers.append((self.now + 0.05, row))
            assert self.window.in_flight <= 20
            times = [answers[0][0]] if answers else []
            if (change_at := self.window.next_change_at(self.now)) is not None:
                times.append(change_at)
            self.now = max(self.now + 0.001, min(times)) if times else self.now + 0.05
        return self.now


BOUND_MINUTES = {0: 0.1, 5: 1, 20: 15, 40: 20, 60: 20, 200: 45}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("bad", BOUND_MINUTES)
def test_however_many_rows_are_never_digested_all_the_others_are_within_the_hour(bad: int, seed: int) -> None:
    station = Station(bad + 400, seed)
    took_s = station.play_until_digested(bad, 86_400.0)
    assert station.waiting == list(range(bad))
    assert took_s / 60 < BOUND_MINUTES[bad]
    station.waiting += range(10_000, 10_400)
    began = station.now
    assert station.play_until_digested(bad, began + 3600.0) - began < 30.0, "known by now, they cost nothing more"
