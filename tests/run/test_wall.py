"""The clock on the wall: when the shift ends in the bench's zone, and that a clock nobody set says nothing."""

from __future__ import annotations

import math
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from station.run.session_events import TimeTold
from station.run.wall import WallClock, seconds_to_shift_end

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
ENDS = (time(12), time(20))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        ("2026-11-22T03:59:59Z", 1.0),  # 11:59:59 in Shanghai
        ("2026-11-22T04:00:00Z", 8 * 3600.0),  # noon itself: the next end is the evening's
        ("2026-11-22T11:00:00Z", 3600.0),
        ("2026-11-22T12:00:00.500Z", 16 * 3600.0 - 0.5),  # over midnight
        ("2026-11-22T16:30:00Z", 11.5 * 3600.0),  # 00:30 of the next day there
    ],
)
def test_the_next_end_of_a_shift_is_counted_in_the_benchs_zone(now: str, seconds: float) -> None:
    assert seconds_to_shift_end(utc(now), SHANGHAI, ENDS) == pytest.approx(seconds)


def test_a_day_that_is_an_hour_longer_ends_its_shift_an_hour_later() -> None:
    before, after = utc("2026-10-24T18:00:00Z"), utc("2026-10-25T18:00:00Z")  # 20:00 and 19:00 in Berlin
    assert seconds_to_shift_end(before, BERLIN, (time(20),)) == 25 * 3600.0
    assert seconds_to_shift_end(after, BERLIN, (time(20),)) == 3600.0


def test_without_shifts_none_ends() -> None:
    assert seconds_to_shift_end(utc("2026-11-22T03:59:59Z"), SHANGHAI, ()) == math.inf


def test_what_is_told_is_utc_and_the_monotonic_second_of_the_end() -> None:
    now = utc("2026-11-22T03:59:00Z")
    assert WallClock(lambda: (now, "holdover"), SHANGHAI, ENDS).read(500.0) == TimeTold(now.timestamp(), 560.0)


def test_a_clock_that_is_not_set_ends_no_shift_and_tells_no_time() -> None:
    now = utc("1970-01-01T04:00:00Z")
    assert WallClock(lambda: (now, "unsynced"), SHANGHAI, ENDS).read(500.0) == TimeTold(None, math.inf)
