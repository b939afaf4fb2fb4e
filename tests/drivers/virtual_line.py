"""A serial line in virtual time: bytes take their time on the wire, and time passes only where somebody waits for it.

It stands in for `SerialPort` and for the monotonic clock under an `RtuLine`; the queue, its thread and the asynchronous
front above are the real ones. What comes in while nobody listens waits in its buffer, as in the kernel's.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any

from drivers.errors import PortError
from tests.drivers.modbus_plant import UNPLUG, Answer

CHUNK = 8  # bytes that an adapter hands on at once; at 115,200 baud well within t3.5


class VirtualLine:
    """`answer(request)` yields pauses and bytes. Unplugged, the port can be opened again after `away` attempts."""

    def __init__(self, answer: Callable[[bytes], Answer], byte_s: float, away: int = 2) -> None:
        self.now = 0.0
        self.sent: list[bytes] = []
        self._answer = answer
        self._byte_s = byte_s
        self._away = away
        self._absent = 0
        self._open = False
        self._heard = b""
        self._events: list[tuple[float, int, Any]] = []
        self._numbers = itertools.count()

    def clock(self) -> float:
        """Virtual seconds."""
        return self.now

    def open(self) -> VirtualLine:
        """The port, empty. Raises `PortError` while it is away."""
        if self._absent:
            self._absent -= 1
            raise PortError("virtual", "nothing is plugged in")
        self._open, self._heard = True, b""
        return self

    def close(self) -> None:
        """Let go of it."""
        self._open = False

    def write(self, data: bytes) -> None:
        """Put a request on the wire; nobody waits for it."""
        self._check()
        self.sent.append(data)
        self._at(self.now + len(data) * self._byte_s, lambda: self._go_on(self._answer(data)))

    def receive(self, wait_s: float) -> bytes:
        """What came, waiting up to `wait_s` for the first byte."""
        end = self.now + wait_s
        while not self._heard and self._next(end):
            pass
        self._check()
        heard, self._heard = self._heard, b""
        return heard

    def idle(self, seconds: float) -> None:
        """Time passes and nobody listens."""
        end = self.now + seconds
        while self._next(end):
            pass

    def say(self, data: bytes, after_s: float) -> None:
        """Bytes that nobody asked for."""
        self._at(self.now + after_s, lambda: self._hear(data))

    def _check(self) -> None:
        if not self._open:
            raise PortError("virtual", "unplugged")

    def _at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), what))

    def _next(self, end: float) -> bool:
        """One thing that happens by `end`; False when time is up."""
        if not self._events or self._events[0][0] > end:
            self.now = max(self.now, end)
            return False
        when, _, what = heapq.heappop(self._events)
        self.now = max(self.now, when)
        what()
        return True

    def _go_on(self, answer: Answer) -> None:
        for pause_s, data in answer:
            if data == UNPLUG:
                self._at(self.now + pause_s, self._unplug)
                continue
            when = self.now + pause_s
            for start in range(0, len(data), CHUNK):
                part = data[start : start + CHUNK]
                when += len(part) * self._byte_s
                self._at(when, lambda part=part: self._hear(part))
            self._at(when, lambda: self._go_on(answer))
            return

    def _hear(self, data: bytes) -> None:
        if self._open:
            self._heard += data

    def _unplug(self) -> None:
        self._open, self._heard, self._absent = False, b"", self._away
