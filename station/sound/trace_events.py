"""What in a stream is worth keeping the sound around: silences, and steps of level and distortion. Pure.

Fed with what the soak's monitor heard of each second. A step is told once: what comes after it is the new normal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from station.domain.measurement import CHANNELS, Channel
from station.domain.sound import EventKind, TraceEvent, Watch

SAME_S = 0.02
"""Silences that begin closer together than this are one: its beginning is known better once it has ended."""
SETTLED_S = 2
"""Seconds at the start in which a level may still settle."""
PARTLY = 0.1
"""A second that has gone this part of a step already is the one in which it happened."""
Pair = tuple[float | None, float | None]
Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """One second of the stream as the monitor heard it (index 0 left, 1 right); None: it holds a silence.

    `second` counts from 0; `silences` ended in it, `open_s` is how long one that still lasts has lasted at `end_s`.
    """

    second: int
    end_s: float
    level_v: Pair
    thd_percent: Pair
    silences: tuple[Spans, Spans]
    open_s: tuple[float, float]


class _Step:
    """Steps of one quantity of one channel: against two good seconds before, so that one in mid-second is whole."""

    def __init__(self, least: float, of_ratio: bool) -> None:
        self._least = least
        self._of_ratio = of_ratio
        self._before: list[tuple[int, float]] = []

    def take(self, second: int, value: float | None) -> tuple[float, float] | None:
        """(second in which it happened, size) of a step that is now complete."""
        if value is None or (self._of_ratio and value <= 0.0):
            return None
        found = None
        if self._before and abs(size := self._size(value, self._before[0][1])) >= self._least:
            begun_s = second
            if len(self._before) == 2 and abs(self._size(self._before[1][1], self._before[0][1])) > PARTLY * abs(size):
                begun_s = self._before[1][0]
            found = float(begun_s), size
            self._before = []
        self._before = [*self._before[-1:], (second, value)]
        return found

    def _size(self, value: float, before: float) -> float:
        return 20.0 * math.log10(value / before) if self._of_ratio else value - before


class EventFinder:
    """Events of both channels, in the order in which they become known."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._told: list[tuple[float, EventKind] | None] = [None, None]
        self._level = tuple(_Step(watch.level_step_db, True) for _ in CHANNELS)
        self._thd = tuple(_Step(watch.thd_step_percent, False) for _ in CHANNELS)

    def push(self, heard: Heard) -> tuple[TraceEvent, ...]:
        """What became known with this second."""
        found: list[TraceEvent] = []
        for index, channel in enumerate(CHANNELS):
            for start_s, length_s in heard.silences[index]:
                found += self._silence(index, channel, start_s, length_s)
            if heard.open_s[index] > 0.0:
                found += self._silence(index, channel, heard.end_s - heard.open_s[index], heard.open_s[index])
            if heard.second < SETTLED_S:
                continue
            steps: tuple[tuple[EventKind, _Step, float | None], ...] = (
                ("level", self._level[index], heard.level_v[index]),
                ("thd", self._thd[index], heard.thd_percent[index]),
            )
            for kind, step, value in steps:
                if (found_step := step.take(heard.second, value)) is not None:
                    found.append(TraceEvent(kind, found_step[0], channel, found_step[1]))
        return tuple(found)

    def _silence(self, index: int, channel: Channel, start_s: float, length_s: float) -> list[TraceEvent]:
        """A silence, told as a dropout as soon as it counts and once more when it lasts."""
        if length_s <= self._watch.dropout_s:
            return []
        kind: EventKind = "silence" if length_s >= self._watch.lasting_s else "dropout"
        told = self._told[index]
        if told is not None and abs(told[0] - start_s) < SAME_S and (told[1] == kind or told[1] == "silence"):
            return []
        self._told[index] = (start_s, kind)
        return [TraceEvent(kind, start_s, channel)]
