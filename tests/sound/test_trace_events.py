"""Which seconds of a stream are events: silences told once, steps told once and in the second in which they happen."""

from __future__ import annotations

import pytest

from station.domain.sound import TraceEvent, Watch
from station.sound.trace_events import EventFinder, Heard

Spans = tuple[tuple[float, float], ...]


def second(number: int, level_v: float | None = 1.0, thd: float | None = 0.02, silences: Spans = (),
           open_s: float = 0.0) -> Heard:  # fmt: skip
    """A second with something on left; right plays on."""
    return Heard(number, number + 1.0, (level_v, 1.0), (thd, 0.02), (silences, ()), (open_s, 0.0))


def events(*heard: Heard, watch: Watch | None = None) -> list[TraceEvent]:
    finder = EventFinder(watch or Watch())
    return [event for one in heard for event in finder.push(one)]


def test_a_stream_that_plays_on_has_no_events() -> None:
    assert events(*(second(n, 1.0 + 0.004 * (n % 2)) for n in range(20))) == []


def test_a_silence_is_told_once_whether_it_has_ended_or_not() -> None:
    found = events(second(4), second(5, None, silences=((5.2, 0.3),)), second(6))
    assert found == [TraceEvent("dropout", 5.2, "left")]
    found = events(second(4), second(5, None, open_s=0.2), second(6, None, silences=((5.801, 0.4),)), second(7))
    assert [(event.kind, event.at_s) for event in found] == [("dropout", pytest.approx(5.8))]


def test_a_silence_of_50_ms_is_none() -> None:
    assert events(second(5, None, silences=((5.2, 0.05),))) == []


def test_a_silence_that_lasts_is_told_again_once_it_lasts() -> None:
    found = events(*(second(n, None, open_s=n - 3.0) for n in range(3, 20)))
    assert [(event.kind, event.at_s) for event in found] == [("dropout", 4.0), ("silence", 4.0)]


def test_a_step_of_level_between_two_seconds_is_told_where_it_happens_and_once() -> None:
    found = events(*(second(n, 1.0 if n < 8 else 0.9) for n in range(20)))
    assert [(event.kind, event.at_s, event.channel) for event in found] == [("level", 8.0, "left")]
    assert found[0].size == pytest.approx(-0.915, abs=0.001)


def test_a_step_in_mid_second_is_whole_a_second_later_and_dated_where_it_began() -> None:
    levels = [1.0] * 8 + [0.965] + [0.93] * 8
    found = events(*(second(n, level) for n, level in enumerate(levels)))
    assert [(event.kind, event.at_s) for event in found] == [("level", 8.0)]


def test_a_step_across_a_silence_is_seen_and_a_slow_drift_is_not() -> None:
    levels = [1.0] * 8 + [None] * 3 + [0.9] * 5
    assert [event.at_s for event in events(*(second(n, level) for n, level in enumerate(levels)))] == [11.0]
    assert events(*(second(n, 1.0 - 0.005 * n) for n in range(60))) == []


def test_thd_that_steps_up_or_down_is_told_and_a_high_one_that_stays_is_not() -> None:
    found = events(*(second(n, thd=0.02 if n < 6 or n > 12 else 0.5) for n in range(20)))
    assert [(event.kind, event.at_s, round(event.size or 0.0, 2)) for event in found] == [
        ("thd", 6.0, 0.48), ("thd", 13.0, -0.48),
    ]  # fmt: skip
    assert events(*(second(n, thd=3.0) for n in range(20))) == []


def test_the_first_two_seconds_may_settle() -> None:
    assert events(second(0, 0.5), second(1, 0.8), second(2), second(3)) == []
