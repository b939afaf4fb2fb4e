"""The envelope of a running tone and the silences in it, as a stream.

A block is one millisecond. A channel is silent where its power is 20 dB under that of the first minute. Until the
minute is over the level so far stands in for it and everything held is judged again with every push, so that
a silence at the very start is found as soon as there is something to compare it with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from station.analysis.levels import Array, Samples

SILENT_POWER = 0.01
"""20 dB under the reference."""
REPORT_S = 0.045
"""Shorter silences are not reported: up to 40 ms never, from 60 ms on always (contracts/cli.md), measured to 1 ms."""
REFERENCE_S = 60.0

Mask = NDArray[np.bool_]


def block_power(frames: Samples, block: int) -> Samples:
    """Mean square of each whole block, shape (n // block, 2) from (n, 2); a remainder is left out."""
    count = frames.shape[0] // block
    squares = np.square(frames[: count * block]).reshape(count, 2 * block)
    pick = np.zeros((2 * block, 2), dtype=squares.dtype)
    pick[0::2, 0] = pick[1::2, 1] = 1.0 / block
    return squares @ pick


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence: seconds from the start of the stream, and how long."""

    start_s: float
    length_s: float


class SilenceFinder:
    """Silences of one channel in a stream of block powers.

    `floor_power` (square of the samples' unit) counts as silent whatever the reference: a channel that never
    spoke has no level of a first minute worth the name.
    """

    def __init__(self, floor_power: float, block_s: float = 0.001, reference_s: float = REFERENCE_S) -> None:
        self._floor = floor_power
        self._block_s = block_s
        self._reference_blocks = round(reference_s / block_s)
        self._reference = 0.0
        self._final = False
        self._held: Array = np.zeros(0)
        self._first = 0  # index of the first held block
        self._open_start_s: float | None = None  # of a silence that began before the first held block
        self._open_s = 0.0
        self._reported: list[Silence] = []  # within the first minute, so that judging again reports nothing twice

    @property
    def open_s(self) -> float:
        """How long the silence that still lasts has lasted; 0.0 if there is none."""
        return self._open_s

    @property
    def reference_power(self) -> float:
        """Mean square of the first minute, or of what there is of it."""
        return self._reference

    @property
    def silent_power(self) -> float:
        """Mean square under which a block is silent."""
        return max(self._reference * SILENT_POWER, self._floor)

    def push(self, power: Samples) -> tuple[Silence, ...]:
        """Take the next blocks' mean squares (m,); return the silences that ended and were not yet reported."""
        self._held = np.concatenate((self._held, power)) if self._held.size else np.array(power, dtype=np.float64)
        if not self._final:
            self._reference = float(self._held[: self._reference_blocks].mean()) if self._held.size else 0.0
        mask = self._held < self.silent_power
        ended = self._judge(mask)
        if self._final:
            self._trim(mask)
        elif self._held.size >= self._reference_blocks:
            self._final = True
            self._trim(mask)
        return ended

    def _judge(self, mask: Mask) -> tuple[Silence, ...]:
        edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
        found: list[Silence] = []
        self._open_s = 0.0
        for begin, end in zip(edges[0::2].tolist(), edges[1::2].tolist(), strict=True):
            start_s = self._start_s(begin)
            if end == mask.size:
                self._open_s = (self._first + end) * self._block_s - start_s
                continue
            end_s = (self._first + end + self._gap(end)) * self._block_s
            silence = Silence(start_s, end_s - start_s)
            if silence.length_s >= REPORT_S and not self._known(silence):
                found.append(silence)
        if not self._final:
            self._reported.extend(found)
        return tuple(found)

    def _start_s(self, begin: int) -> float:
        if begin == 0:
            return self._first * self._block_s if self._open_start_s is None else self._open_start_s
        return (self._first + begin - self._gap(begin - 1)) * self._block_s

    def _gap(self, index: int) -> float:
        """The part of a loud block beside a silence that is silent too, from its missing power."""
        if self._reference <= 0.0:
            return 0.0
        return float(np.clip(1.0 - self._held[index] / self._reference, 0.0, 1.0))

    def _known(self, silence: Silence) -> bool:
        end_s = silence.start_s + silence.length_s
        return any(r.start_s < end_s and silence.start_s < r.start_s + r.length_s for r in self._reported)

    def _trim(self, mask: Mask) -> None:
        """Keep the last block alone, and when a silence that reaches it began."""
        keep = mask.size - 1
        self._open_start_s = None
        if mask[-1]:
            self._open_start_s = (self._first + mask.size) * self._block_s - self._open_s
        self._held = self._held[keep:]
        self._first += keep
