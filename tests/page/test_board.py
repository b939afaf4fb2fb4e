"""What the page makes of the daemon's events, and that it stays small whatever comes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from station.page.advice import Advice
from station.page.board import SECTIONS, Board
from station.page.live import value_text
from station.page.page_words import UI
from station.page.series import POINTS, Series, thinned

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def board() -> Board:
    return Board(Advice(), ZoneInfo("Asia/Shanghai"), lambda zone: NOON.astimezone(zone))


def progress(fraction: float, remaining_s: float | None, **readings: float) -> dict[str, object]:
    data = {"step": "soak", "fraction": fraction, "remaining_s": remaining_s, "readings": readings}
    return {"kind": "progress", "data": data}


@pytest.mark.parametrize(("speed", "left", "at"), [(1.0, "1:00:00", "13:00"), (240.0, "0:15", "12:00:15")])
def test_the_end_of_the_soak_is_told_in_wall_time_and_in_the_benchs_zone(speed: float, left: str, at: str) -> None:
    page = board()
    page.heard({"bench": {"speed": speed}, "session": {"state": "energised"}}, 0.0)
    page.take({"kind": "step_started", "data": {"step": "soak"}}, 0.0)
    page.take(progress(0.5, 3600.0, power_w=400.0), 1.0)
    live = page.section("live")
    assert (live["left"], live["ends_at"]) == (left, at)


def test_a_course_is_kept_over_test_time_and_whole() -> None:
    page = board()
    page.take({"kind": "step_started", "data": {"step": "soak"}}, 0.0)
    for i in range(1, 7200):
        page.take(progress(i / 7200, 7200.0 - i, power_w=float(i)), i / 240)
    (trace,) = page.section("traces")
    assert len(trace["points"]) <= POINTS
    assert trace["points"][0][0] < 100 and trace["points"][-1][0] > 7000


def test_fifty_thousand_events_leave_a_board_of_the_same_size() -> None:
    page = board()
    page.begin({"session": {"state": "energised"}, "bench": {"speed": 1.0}}, 0.0)

    def size() -> int:
        return sum(len(json.dumps(page.section(name))) for name in SECTIONS)

    sizes = []
    for i in range(50_000):
        page.take(progress(i / 50_000, 50_000.0 - i, **{f"r{i % 40}_v": float(i)}), i / 10)
        page.take({"kind": "measurement", "data": {"name": f"m{i % 999}_v", "value": i}}, i / 10)
        page.take({"kind": "tell", "data": {"kind": "refuse", "text": {"zh": "x" * 5000, "en": "x"}}}, i / 10)
        if i % 50 == 0:
            curve = {"name": f"c{i}", "x": list(range(2000)), "y": list(range(2000)), "mask": list(range(2000))}
            page.take({"kind": "curve", "data": {"curve": curve}}, i / 10)
        if i in (25_000, 49_999):
            sizes.append(size())
    assert sizes[1] < 150_000 and sizes[1] < 1.2 * sizes[0]


def test_what_the_daemon_told_is_gone_when_the_daemon_is() -> None:
    page = board()
    page.begin({"session": {"state": "ready"}, "voltage": "off", "bench": {}}, 0.0)
    page.take({"kind": "tell", "data": {"kind": "refuse", "text": {"zh": "否", "en": "no"}}}, 0.0)
    page.lost("gone")
    assert page.section("session") is None and page.section("said") is None
    assert page.section("voltage") == "unknown" and page.section("link") == {"up": False, "why": "gone"}


def test_a_refusal_goes_with_time_or_with_the_next_state() -> None:
    page = board()
    page.begin({"session": {"state": "waiting"}, "bench": {}}, 0.0)
    page.take({"kind": "tell", "data": {"kind": "refuse", "text": {"zh": "否", "en": "no"}}}, 10.0)
    page.take({"kind": "session", "data": {"state": "wrong_serial"}}, 10.0)
    assert page.section("said"), "the session's own news of what was refused comes with it"
    page.take({"kind": "session", "data": {"state": "ready"}}, 15.0)
    assert page.section("said") is None
    page.take({"kind": "tell", "data": {"kind": "refuse", "text": {"zh": "否", "en": "no"}}}, 20.0)
    page.tick(49.0)
    assert page.section("said")
    page.tick(51.0)
    assert page.section("said") is None


def test_of_two_channels_the_one_that_wants_the_hand_is_shown_large() -> None:
    page = board()
    window = {"name": "bias_ma", "unit": "mA", "low": 45.0, "high": 55.0, "target": 50.0}
    for channel, value, hint in (("left", 50.0, "done"), ("right", 31.0, "raise"), ("left", 50.1, "hold")):
        page.take(
            {"kind": "guide", "data": {"guide": {**window, "value": value, "hint": hint, "channel": channel}}}, 0.0
        )
    shown = page.section("guide")
    assert (shown["channel"], shown["hint"]) == ("right", "raise")
    assert [(one["channel"], one["text"]) for one in shown["others"]] == [("left", "50.1")]
    page.take({"kind": "guide", "data": {"guide": None}}, 0.0)
    assert page.section("guide") is None


def test_a_series_that_runs_back_begins_anew() -> None:
    series = Series()
    for x in (0.0, 1.0, 2.0, 0.5):
        series.add(x, x)
    assert series.points == [(0.5, 0.5)]


def test_a_thinned_curve_keeps_its_ends() -> None:
    xs, ys = thinned([float(i) for i in range(10_000)], [float(-i) for i in range(10_000)], 100)
    assert len(xs) == 100 and (xs[0], xs[-1], ys[-1]) == (0.0, 9999.0, -9999.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [(413.25, "413.2"), (0.01234, "0.01234"), (-8.0, "−8.0"), (3, "3"), (None, "—"), (float("nan"), "—")],
)
def test_a_value_has_four_digits_and_never_nonsense(value: object, text: str) -> None:
    assert value_text(value) == text


def test_every_word_of_the_page_is_there_in_both_languages() -> None:
    assert all(zh.strip() and en.strip() for zh, en in UI.values())
