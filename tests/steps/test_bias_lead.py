"""Who is led where by which reading, and what counts as settled: pure, with every reading written down."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.guide import Guide
from station.steps.bias_lead import Lead, Window, drift_of

WINDOW = Window(50.0, 5.0, 2.5, 1.0, 60.0, 30, 10)


def hints(guides: tuple[Guide, ...]) -> list[tuple[str | None, str]]:
    return [(guide.channel, guide.hint) for guide in guides]


def led_to_the_end(lead: Lead) -> float:
    """Left and right are near; returns the time of the next reading."""
    for n in range(20):
        lead.take(n * 0.1, 50.0, 50.0)
    return 2.0


def test_left_is_led_first_then_right_then_both_are_watched() -> None:
    lead = Lead(WINDOW)
    assert hints(lead.take(0.0, 3.0, 90.0)) == [("left", "raise")]
    assert hints(lead.take(0.1, 61.0, 90.0)) == [("left", "lower")]
    seen = [hints(lead.take(0.2 + n / 10, 50.5, 90.0)) for n in range(10)]
    assert seen == [[("left", "hold")]] * 9 + [[("left", "done")]]
    assert hints(lead.take(1.2, 50.5, 90.0)) == [("right", "lower")]
    seen = [hints(lead.take(1.3 + n / 10, 50.5, 49.0)) for n in range(10)]
    assert seen[-1] == [("right", "done")]
    assert hints(lead.take(2.3, 50.5, 49.0)) == [("left", "hold"), ("right", "hold")]


def test_a_guide_says_value_window_and_target() -> None:
    (guide,) = Lead(WINDOW).take(0.0, 41.2345, 50.0)
    assert guide == Guide("bias_ma", 41.23, "mA", 45.0, 55.0, 50.0, "raise", "left")


def test_no_hint_flutters_between_the_aim_and_the_edge_of_the_window() -> None:
    lead = Lead(WINDOW)
    assert hints(lead.take(0.0, 46.0, 50.0)) == [("left", "raise")], "in the window, and not near yet"
    assert hints(lead.take(0.1, 48.0, 50.0)) == [("left", "hold")]
    assert hints(lead.take(0.2, 46.0, 50.0)) == [("left", "hold")], "held as long as it stays in the window"
    assert hints(lead.take(0.3, 44.9, 50.0)) == [("left", "raise")]


def test_a_reading_on_the_way_through_the_window_does_not_move_on() -> None:
    lead = Lead(WINDOW)
    for n in range(40):
        assert lead.take(n / 10, 50.0 if n % 9 else 70.0, 50.0)[0].channel == "left"


def test_settled_needs_the_whole_time_and_enough_readings() -> None:
    for step_s, wanted in ((0.1, 601), (24.0, 30)):  # a real bench, and one that runs 240 times faster
        lead = Lead(WINDOW)
        at_s, count = led_to_the_end(lead), 0
        while not lead.settled:
            lead.take(at_s + count * step_s, 51.0, 49.0)
            count += 1
            assert count < 1000
        assert abs(count - wanted) <= 1
        assert lead.span_s >= 60.0 - 1e-6 and len(lead.stretch) >= 30


def test_who_leaves_the_window_begins_the_time_anew() -> None:
    lead = Lead(WINDOW)
    at_s = led_to_the_end(lead)
    for n in range(590):
        lead.take(at_s + n / 10, 51.0, 49.0)
    left_out = lead.take(at_s + 59.0, 51.0, 55.1)
    assert hints(left_out) == [("left", "hold"), ("right", "lower")] and lead.span_s == 0.0 and lead.restarts == 1
    for n in range(599):
        lead.take(at_s + 59.1 + n / 10, 51.0, 54.0)
        assert not lead.settled
    for n in range(3):
        lead.take(at_s + 119.0 + n / 10, 51.0, 54.0)
    assert lead.settled


@pytest.mark.parametrize(("drift_ma", "settles"), [(0.9, True), (-0.9, True), (1.1, False), (-1.1, False)])
def test_a_bias_that_drifts_more_than_its_bound_does_not_settle(drift_ma: float, settles: bool) -> None:
    lead, noise = Lead(WINDOW), random.Random(1)
    at_s = led_to_the_end(lead)
    for n in range(800):
        value = 50.0 + drift_ma * n / 600 + noise.gauss(0.0, 0.03)
        lead.take(at_s + n / 10, 50.0, value)
        if lead.settled:
            break
    assert lead.settled is settles
    drift = lead.drift("right")
    assert drift is not None and lead.is_complete
    assert math.isclose(drift.ma, drift_ma, abs_tol=0.03)
    still = lead.drift("left")
    assert still is not None and still.ma == 0.0


@given(
    slope=st.floats(-20.0, 20.0),
    noise_ma=st.floats(0.0, 0.5),
    step_s=st.floats(0.05, 24.0),
    count=st.integers(30, 200),
    seed=st.integers(0, 1000),
)
def test_the_line_through_a_stretch_is_the_true_one_within_what_it_says(
    slope: float, noise_ma: float, step_s: float, count: int, seed: int
) -> None:
    draw = random.Random(seed)
    rows = [(n * step_s, 40.0, 40.0 + slope * n * step_s / 60.0 + draw.gauss(0.0, noise_ma)) for n in range(count)]
    drift = drift_of(rows, "right")
    assert drift is not None
    assert abs(drift.ma - slope) <= 3.0 * drift.uncertainty_ma + 1e-6  # six sigma


def test_no_line_goes_through_too_few_points_or_one_moment() -> None:
    assert drift_of([(0.0, 1.0, 1.0), (1.0, 1.0, 1.0)], "left") is None
    assert drift_of([(1.0, 1.0, 1.0)] * 9, "left") is None
