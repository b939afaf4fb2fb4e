"""The audio device as the sound process uses it: the same one for as long as the process lives, its frames counted.

A driver that lost its interface opens what answers next, which may be another one. So it is asked who it is before
and after each capture, and a process that meets another ends: what it knows (full scale, latency, who was told to the
daemon) is of the first. The daemon starts a new one, which asks anew.

Captured frames over rate are test time (DESIGN, Time); each reply carries what was captured since the last one.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from drivers.errors import AudioStuck
from drivers.ports import AudioDevice, AudioStream, Identity, Permit

if TYPE_CHECKING:
    from drivers.ports import Frames

DEVICE = "audio"


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
    """Implements `drivers.ports.AudioDevice` over another; `captured` is the count.

    Raises `AudioStuck` wherever it meets another interface than at first.
    """

    def __init__(self, device: AudioDevice) -> None:
        self._device = device
        self.captured = CapturedFrames(device.sample_rate_hz)
        self._first: Identity | None = None

    @property
    def sample_rate_hz(self) -> int:
        return self._device.sample_rate_hz

    @property
    def identity(self) -> Identity:
        """Opens the device where it is not open."""
        found = self._device.identity
        first = self._first = self._first or found
        if (found.serial_number or found.model) != (first.serial_number or first.model):
            raise AudioStuck(DEVICE, f"another interface answers: {_said(found)}, and it was {_said(first)} before")
        return found

    def play_and_capture(self, source: Frames, permit: Permit | None) -> Frames:
        self._require_first()
        found = self._device.play_and_capture(source, permit)
        self.captured.add(len(found))
        self._require_first()
        return found

    def stream(self, period: Frames, fade_in_frames: int, permit: Permit) -> CountedStream:
        self._require_first()
        found = CountedStream(self._device.stream(period, fade_in_frames, permit), self.captured)
        try:
            self._require_first()
        except BaseException:
            found.close()
            raise
        return found

    def close(self) -> None:
        self._device.close()

    def _require_first(self) -> None:
        _ = self.identity


def _said(who: Identity) -> str:
    return f"serial number {who.serial_number}" if who.serial_number else f"{who.model}, without a serial number"
