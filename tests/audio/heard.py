"""Sources that tell on a capture: noise from a seed, which holds no two places that are alike, and permits."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from drivers.errors import PermitDenied

if TYPE_CHECKING:
    from drivers.ports import Frames

RATE_HZ = 48000
PROBE = 512
"""Frames that are enough to find a place again."""


class Allowed:
    """A permit that is there until it is revoked."""

    def __init__(self) -> None:
        self.revoked = threading.Event()
        self.checks = 0

    def check(self) -> None:
        self.checks += 1
        if self.revoked.is_set():
            raise PermitDenied("drive", "revoked")


def noise(frames: int, seed: int = 1, peak: float = 0.5) -> Frames:
    """Frames of noise, the two channels unlike; exact in 16 bit."""
    steps = np.random.default_rng(seed).integers(-32767 * peak, 32767 * peak, size=(frames, 2))
    return np.asarray(steps / 32768.0, dtype=np.float32)


def delay_of(captured: Frames, source: Frames) -> int:
    """How many frames `captured` is behind `source`, by the first frames of the left channel."""
    found = np.correlate(captured[: 2 * RATE_HZ // 4, 0], source[:PROBE, 0], "valid")
    return int(np.argmax(found))


def differing(captured: Frames, source: Frames, delay: int) -> int:
    """How many frames of the source came back other than they went, both channels looked at."""
    same = captured[delay:] == source[: len(source) - delay]
    return int(np.count_nonzero(~same.all(axis=1)))
