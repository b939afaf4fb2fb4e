"""What a full-duplex stream plays and keeps, block by block: a source once, or a period for ever.

Both are filled by PortAudio's thread and looked at by the reader's: one writes, the other reads, and `frames` moves
last. Neither allocates, judges or waits in `block`.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from drivers.errors import DriveEnded, PermitDenied
from drivers.ports import Permit

Frames = NDArray[np.float32]
Columns = tuple[int, int]

RING_S = 8
"""Seconds of capture that a reader may leave lying."""


class Turn:
    """What both have in common: the permit, and the first thing that ended it."""

    def __init__(self, permit: Permit | None) -> None:
        self._permit = permit
        self.frames = 0
        """Captured so far."""
        self.over = False
        """It plays no more: all is played, or the permit went."""
        self.denied: PermitDenied | None = None
        self.ended = threading.Event()
        """Set once it is over."""

    @property
    def silent_frames(self) -> int:
        """How many of the last frames that were played were silent; 0 where one still to come may drive."""
        return 0

    @property
    def is_cut(self) -> bool:
        """The permit went while this drove: what is on its way may not be heard either."""
        return self.frames > 0 and self.denied is not None and not isinstance(self.denied, DriveEnded)

    def block(self, heard: Frames, inputs: Columns, played: Frames, outputs: Columns) -> None:
        """Fill `played` (which is silent) and keep `heard`, if this may be played now."""
        if self.over:
            return
        if self._permit is not None:
            try:
                self._permit.check()
            except PermitDenied as denied:
                self.denied, self.over = denied, True
                self.ended.set()
                return
        if self._fill(heard, inputs, played, outputs):
            self.over = True
            self.ended.set()

    def _fill(self, heard: Frames, inputs: Columns, played: Frames, outputs: Columns) -> bool:
        """Copy both ways; True once there is nothing left to play."""
        raise NotImplementedError


class Once(Turn):
    """A source, played once; `captured` has as many frames."""

    def __init__(self, source: Frames, permit: Permit | None) -> None:
        super().__init__(permit)
        self._source = source
        driven = np.flatnonzero(source.any(axis=1))
        self._driven = int(driven[-1]) + 1 if len(driven) else 0
        self.captured: Frames = np.zeros_like(source)

    @property
    def silent_frames(self) -> int:
        """Those after the last one that drives, once it was played."""
        return max(self.frames - self._driven, 0)

    def _fill(self, heard: Frames, inputs: Columns, played: Frames, outputs: Columns) -> bool:
        at = self.frames
        count = min(len(heard), len(self._source) - at)
        for side in (0, 1):
            played[:count, outputs[side]] = self._source[at : at + count, side]
            self.captured[at : at + count, side] = heard[:count, inputs[side]]
        self.frames = at + count
        return self.frames == len(self._source)


class ForEver(Turn):
    """A period, repeated from a smooth start; what is captured waits in a ring for its reader."""

    def __init__(self, period: Frames, fade_in_frames: int, block: int, rate_hz: int, permit: Permit) -> None:
        super().__init__(permit)
        self._length = len(period)
        self._period = np.resize(period, (self._length + block, 2))  # so that no block wraps
        self._fade = (0.5 - 0.5 * np.cos(np.pi * np.arange(fade_in_frames) / max(fade_in_frames, 1))).astype(np.float32)
        self._ring: Frames = np.zeros((RING_S * rate_hz // block * block, 2), dtype=np.float32)
        self._taken = 0
        self.overrun = False
        """Frames were thrown away because nobody read."""

    @property
    def waiting(self) -> int:
        """Frames that can be taken."""
        return self.frames - self._taken

    def take(self, into: Frames) -> int:
        """Move what waits into `into`, as much as fits; how much that was."""
        count = min(self.waiting, len(into))
        at = self._taken % len(self._ring)
        first = min(count, len(self._ring) - at)
        into[:first] = self._ring[at : at + first]
        into[first:count] = self._ring[: count - first]
        self._taken += count
        return count

    def _fill(self, heard: Frames, inputs: Columns, played: Frames, outputs: Columns) -> bool:
        count = len(heard)
        if self.waiting + count > len(self._ring):
            self.overrun = True
            return True
        source, ring = self.frames % self._length, self.frames % len(self._ring)
        first = min(count, len(self._ring) - ring)
        for side in (0, 1):
            played[:, outputs[side]] = self._period[source : source + count, side]
            self._ring[ring : ring + first, side] = heard[:first, inputs[side]]
            self._ring[: count - first, side] = heard[first:, inputs[side]]
        fading = self._fade[self.frames : self.frames + count]
        if len(fading):
            played[: len(fading)] *= fading[:, None]
        self.frames += count
        return False
