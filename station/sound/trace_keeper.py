"""The sound around the events of a trace: a ring of the last seconds, and windows that go from it to the writer.

A window reaches from `before_s` before an event to `after_s` after it; windows that overlap become one, up to
`capture_s_max`. It stays open so long that a later event whose own window overlaps can still join. Times are frames.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from station.domain.sound import Kept, TraceEvent, Watch
from station.sound.capture_files import CaptureWriter, Whole
from station.sound.protocol import KeepSound
from station.sound.trace_events import SAME_S, EventFinder, Heard

if TYPE_CHECKING:
    from drivers.ports import Frames

LATE_S = 15.0
"""An event is known at most so long after it began: a stretch between two looks of the daemon is 12 s at most."""
EVENTS_MAX = 200
NO_PLACE = "there is no folder for captures: nothing was kept"


@dataclass(slots=True)
class _Window:
    number: int
    first: TraceEvent
    at: int
    begin: int
    end: int
    end_max: int
    written: int = field(init=False)

    def __post_init__(self) -> None:
        self.written = self.begin


class Keeper:
    """Takes every frame of a trace once, in order. `mark` may come from another thread."""

    def __init__(self, keep: KeepSound, rate_hz: int, about: str) -> None:
        self._watch: Watch = keep.watch
        self._rate_hz = rate_hz
        self._writer = None if keep.place is None else CaptureWriter(keep.place, rate_hz, about)
        self._finder = EventFinder(keep.watch)
        self._ring: deque[tuple[int, Frames]] = deque()
        self._ring_frames = round((keep.watch.before_s + LATE_S) * rate_hz)
        self._have = 0
        self._window: _Window | None = None
        self._numbers = 0
        self._events: list[TraceEvent] = []
        self._more_events = 0
        self._not_kept = 0
        self._lock = threading.Lock()

    @property
    def is_behind(self) -> bool:
        """Whether a reader that can wait should: the writer has much to do."""
        return self._writer is not None and self._writer.is_behind

    def push(self, frames: Frames, heard: Heard) -> None:
        """The next second, and what was heard in it."""
        with self._lock:
            self._ring.append((self._have, frames.copy()))
            self._have += len(frames)
            for event in self._finder.push(heard):
                self._take(event)
            self._feed()
            oldest = self._have - self._ring_frames
            while self._ring and self._ring[0][0] + len(self._ring[0][1]) <= oldest:
                self._ring.popleft()

    def mark(self, event: TraceEvent) -> None:
        """An event that another meter saw."""
        with self._lock:
            self._take(event)
            self._feed()

    def end(self, cut_off: bool) -> None:
        """The stream is over: keep what there is. `cut_off`: not by its own end, which is an event too."""
        with self._lock:
            if cut_off and self._have:
                self._take(TraceEvent("cut-off", self._have / self._rate_hz))
            if self._window is not None:
                self._window.end = min(self._window.end, self._have)
                self._feed()
                self._finish()
            self._ring.clear()
        if self._writer is not None:
            self._writer.close()

    def kept(self, last_call: bool) -> Kept | None:
        """What was kept; None while files are being written, unless this is the last call."""
        writer = self._writer
        if writer is not None and not writer.is_idle and not last_call:
            return None
        missing = [NO_PLACE] if writer is None else list(writer.lost)
        if writer is not None and not writer.is_idle:
            missing.append("captures were still being written when the step ended; they are not on record")
        if self._not_kept:
            missing.append(f"{self._not_kept} events after capture {self._watch.captures_max}, the last, were not kept")
        if self._more_events:
            missing.append(f"{self._more_events} more events are not listed")
        return Kept(() if writer is None else writer.captures, tuple(self._events), tuple(missing))

    # ---- windows -------------------------------------------------------------------------------------------
    def _take(self, event: TraceEvent) -> None:
        self._list(event)
        at = min(max(round(event.at_s * self._rate_hz), 0), self._have)
        begin = max(at - round(self._watch.before_s * self._rate_hz), self._ring[0][0] if self._ring else 0)
        end = at + round(self._watch.after_s * self._rate_hz)
        window = self._window
        if window is not None and begin <= window.end:
            self._join(window, event, at, end)
            if at <= window.end:
                return
        if window is not None:
            begin = max(begin, window.end)
            self._feed()
            self._finish()
        self._begin(event, at, begin, end)

    def _list(self, event: TraceEvent) -> None:
        if event.kind == "silence":  # known as a dropout so far
            known = TraceEvent("dropout", event.at_s, event.channel)
            self._events = [one for one in self._events if not _is_same(one, known)]
        if len(self._events) < EVENTS_MAX:
            self._events.append(event)
        else:
            self._more_events += 1

    def _join(self, window: _Window, event: TraceEvent, at: int, end: int) -> None:
        """A later event, or the same one known better: a dropout that has become a lasting silence."""
        if event.kind == "silence" and window.first.kind == "dropout" and abs(at - window.at) < self._rate_hz:
            window.first = event
        window.end = min(max(window.end, end), window.end_max)

    def _begin(self, event: TraceEvent, at: int, begin: int, end: int) -> None:
        if self._numbers >= self._watch.captures_max:
            self._not_kept += 1
            return
        self._numbers += 1
        at = max(at, begin)
        end_max = begin + round(self._watch.capture_s_max * self._rate_hz)
        self._window = _Window(self._numbers, event, at, begin, min(end, end_max), end_max)

    def _feed(self) -> None:
        """Hand over what is there of the window; close it once nothing can join it any more."""
        window = self._window
        if window is None:
            return
        for first, frames in self._ring:
            begin, end = max(window.written, first), min(window.end, first + len(frames))
            if begin < end and self._writer is not None:
                self._writer.frames(window.number, frames[begin - first : end - first])
            window.written = max(window.written, end)
        if self._have >= window.end + self._ring_frames:
            self._finish()

    def _finish(self) -> None:
        window, self._window = self._window, None
        if window is None or self._writer is None:
            return
        rate, event = self._rate_hz, window.first
        name = f"{window.number}-{event.kind}-{event.at_s:.1f}.flac"
        before_s, after_s = (window.at - window.begin) / rate, (window.written - window.at) / rate
        self._writer.whole(window.number, Whole(name, event.kind, event.at_s, before_s, after_s))


def _is_same(one: TraceEvent, other: TraceEvent) -> bool:
    return (one.kind, one.channel) == (other.kind, other.channel) and abs(one.at_s - other.at_s) < SAME_S
