"""The audio device as the sound process uses it: the same, and every captured frame is counted.

Captured frames over rate are test time (DESIGN, Time); each reply carries what was captured since the last one.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from drivers.ports import AudioDevice, AudioStream, Identity, Permit

if TYPE_CHECKING:
    from drivers.ports import Frames


class CapturedFrames:
    """A counter that job, soak and reply threads share."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._frames = 0
        self._lock = threading.Lock()

    def add(self, frames: int) -> None:
        """So many more were captured."""
        with self._lock:
            self._frames += frames

    def take_s(self) -> float:
        """Seconds captured since the last call."""
        with self._lock:
            frames, self._frames = self._frames, 0
        return frames / self._rate_hz


class CountedStream:
    """Implements `drivers.ports.AudioStream` over another."""

    def __init__(self, stream: AudioStream, captured: CapturedFrames) -> None:
        self._stream = stream
        self._captured = captured

    def read(self, frames: int) -> Frames:
        found = self._stream.read(frames)
        self._captured.add(len(found))
        return found

    def close(self) -> None:
        self._stream.close()


class CountedDevice:
    """Implements `drivers.ports.AudioDevice` over another; `captured` is the count."""

    def __init__(self, device: AudioDevice) -> None:
        self._device = device
        self.captured = CapturedFrames(device.sample_rate_hz)

    @property
    def sample_rate_hz(self) -> int:
        return self._device.sample_rate_hz

    @property
    def identity(self) -> Identity:
        return self._device.identity

    def play_and_capture(self, source: Frames, permit: Permit | None) -> Frames:
        found = self._device.play_and_capture(source, permit)
        self.captured.add(len(found))
        return found

    def stream(self, period: Frames, fade_in_frames: int, permit: Permit) -> CountedStream:
        return CountedStream(self._device.stream(period, fade_in_frames, permit), self.captured)

    def close(self) -> None:
        self._device.close()
