"""Which captured frames may exist by now: those that completed scans granted, and no more than the wall clock allows.

A scan grants up to 12 s of test time, capped, so a kernel that stops scanning stops the sound within 12 s of test
time. The wall clock allows `speed` seconds of frames a second, as a real converter would at speed 1.
"""

from __future__ import annotations

import threading
import time

from drivers.sim.sim_clock import Monotonic

GRANT_S = 12.0
_PACE_CAP_S = 24.0
_QUANTUM_WALL_S = 0.005


class Grants:
    """Counts frames; `on_scan` from one thread, the rest from the audio thread."""

    def __init__(self, rate_hz: int, speed: float, monotonic: Monotonic = time.monotonic) -> None:
        self._rate_hz = rate_hz
        self._frames_a_second = rate_hz * speed
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._granted = 0
        self._paced = 0.0
        self._paced_at_s = monotonic()
        self._closed = False

    def on_scan(self) -> None:
        """A scan was completed: up to 12 s of frames from now on."""
        with self._changed:
            self._granted = int(GRANT_S * self._rate_hz)
            self._changed.notify_all()

    def begin(self) -> None:
        """A play or stream starts now: no frames were saved up."""
        with self._changed:
            self._paced = 0.0
            self._paced_at_s = self._monotonic()

    def take(self, want: int, wait_s: float) -> int:
        """Frames that may be captured now, at most `want`; waits for some up to `wait_s`, then returns 0."""
        deadline_s = time.monotonic() + wait_s
        with self._changed:
            while True:
                enough = min(want, max(1, int(self._frames_a_second * _QUANTUM_WALL_S)))
                self._refill()
                ready = min(want, self._granted, int(self._paced))
                if ready > 0 and (ready >= enough or ready == self._granted):
                    self._granted -= ready
                    self._paced -= ready
                    return ready
                left_s = deadline_s - time.monotonic()
                if left_s <= 0.0 or self._closed:
                    return 0
                pace_s = max(0.0005, (enough - self._paced) / self._frames_a_second)
                self._changed.wait(min(left_s, pace_s) if self._granted else left_s)

    def close(self) -> None:
        """Let a waiting `take` go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _refill(self) -> None:
        now_s = self._monotonic()
        earned = max(0.0, now_s - self._paced_at_s) * self._frames_a_second
        self._paced = min(_PACE_CAP_S * self._rate_hz, self._paced + earned)
        self._paced_at_s = now_s
