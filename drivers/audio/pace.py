"""Whether frames come as fast as they should: lost and doubled frames that no flag tells of.

Every block is set against the monotonic clock. A block may come late, because somebody was busy, and the next ones
catch up; but frames that were lost make every later block late for ever, by as much. So one block that comes in time
proves that nothing was lost before it, and a stretch without any such block is a loss. What comes early was doubled.

The reference follows the drift of the two clocks, 1 ms a second at most: losses under `LOST_S` go unseen here, and are
left to the flags of PortAudio. The time stamps of the sound card are not used: those of a capture through PulseAudio
jumped by 355 ms while no frame was lost.
"""

from __future__ import annotations

LOST_S = 0.005
FOLLOW_S = 0.001
"""How far the reference follows in one window."""
WINDOW_S = 1.0
UNPROVEN_S = 2.0
"""So long a stretch without one block in time counts as a loss."""


class Pace:
    """`note` is called for each block by the one thread that has them; the rest may be read by any other."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._window = round(WINDOW_S * rate_hz)
        self._reference: float | None = None
        self._least = float("inf")
        self._window_end = 0
        self.frames = 0
        """Noted so far."""
        self.proven = 0
        """So many of them are proven to be whole."""
        self.early_s = 0.0
        """By how much a block came too early, at worst."""
        self.late_s = 0.0
        """By how much the last block came late."""

    def restart(self) -> None:
        """Forget what was noted: the stream has not settled yet."""
        self._least = float("inf")

    def begin(self) -> None:
        """What was noted so far becomes the reference: the stream has settled."""
        self._reference = self._least
        self._begin_window()
        self.proven = self.frames

    def note(self, now_s: float, frames: int) -> None:
        """A block of so many frames came at this time."""
        offset = now_s - self.frames / self._rate_hz
        self.frames += frames
        self._least = min(self._least, offset)
        if self._reference is None:
            return
        self.late_s = offset - self._reference
        if self.late_s < -LOST_S:
            self.early_s = max(self.early_s, -self.late_s)
        elif self.late_s <= LOST_S:
            self.proven = self.frames
        if self.frames >= self._window_end:
            drift = self._least - self._reference
            if abs(drift) <= LOST_S:
                self._reference += min(max(drift, -FOLLOW_S), FOLLOW_S)
            self._begin_window()

    def trouble(self) -> str | None:
        """What is wrong in words, or None."""
        if self.early_s > 0.0:
            return f"frames came {1e3 * self.early_s:.0f} ms too early: some were doubled"
        if self.frames - self.proven > UNPROVEN_S * self._rate_hz:
            return f"frames came {1e3 * self.late_s:.0f} ms late and stayed late: some were lost"
        return None

    def _begin_window(self) -> None:
        self._least = float("inf")
        self._window_end = self.frames + self._window
