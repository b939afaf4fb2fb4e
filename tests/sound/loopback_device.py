"""An audio interface in software for the worker's tests: source to capture with gain, noise, distortion, latency.

Not a bench's twin (that is drivers/audio/twin.py): no plant, no wire. Its physics come as JSON in the port name.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from drivers.errors import AudioFault, AudioStuck
from drivers.kinds import Driver
from drivers.ports import Identity, Permit
from drivers.settings import AudioSettings

if TYPE_CHECKING:
    from drivers.ports import Frames

BLOCK = 480


@dataclass(frozen=True)
class Physics:
    """`pace` is audio seconds a wall second (0: as fast as can be); `dropouts` are (start_s, length_s) of a stream."""

    gain: tuple[float, float] = (1.0, 1.0)
    h2: float = 0.0
    h3: float = 0.0
    noise: float = 0.0
    latency: int = 144
    crosstalk: float = 0.0
    pace: float = 0.0
    dropouts: tuple[tuple[float, float], ...] = ()
    hang: bool = False
    stuck: bool = False
    nan: bool = False
    plugged_over: bool = False
    """Once something was captured, another interface answers."""


class LoopbackAudio:
    """`AudioDevice` over arithmetic; checks the permit for every block of 480 frames."""

    def __init__(self, settings: AudioSettings) -> None:
        self.sample_rate_hz = settings.sample_rate_hz
        self.identity = Identity("loopback", "0")
        self.physics = Physics(**json.loads(settings.port))
        self._random = np.random.default_rng(7)

    def play_and_capture(self, source: Frames, permit: Permit | None) -> Frames:
        if self.physics.hang:
            time.sleep(3600)
        if self.physics.stuck:
            raise AudioStuck("loopback", "a stream of it never ended")
        if self.physics.plugged_over:
            self.identity = Identity("loopback", "99")
        heard = np.zeros((source.shape[0] + self.physics.latency, 2))
        for at in range(0, source.shape[0], BLOCK):
            block = source[at : at + BLOCK]
            if permit is not None:
                permit.check()
            elif block.any():
                raise AudioFault("loopback", "sound without a permit")
            self.wait(block.shape[0])
            heard[self.physics.latency + at :][: block.shape[0]] = self.through(block)
        return self.captured(heard[: source.shape[0]])

    def stream(self, period: Frames, fade_in_frames: int, permit: Permit) -> LoopbackStream:
        return LoopbackStream(self, period, fade_in_frames, permit)

    def close(self) -> None:
        pass

    def wait(self, frames: int) -> None:
        if self.physics.pace:
            time.sleep(frames / self.sample_rate_hz / self.physics.pace)

    def through(self, block: Frames) -> Frames:
        """Gain, crosstalk, and the harmonics that a square and a cube of a full-scale sine give."""
        x = np.asarray(block, dtype=np.float64)
        bent = x + self.physics.h2 * 2.0 * x * x + self.physics.h3 * 4.0 * x**3
        return np.asarray((bent + self.physics.crosstalk * x[:, ::-1]) * np.asarray(self.physics.gain))

    def captured(self, heard: Any) -> Frames:
        out = heard.astype(np.float32)
        if self.physics.noise:
            noise = self._random.standard_normal(heard.shape, dtype=np.float32)
            out += np.float32(self.physics.noise) * noise
        np.clip(out, -1.0, 1.0, out=out)
        if self.physics.nan:
            out[out.shape[0] // 2, 0] = np.nan
        return out


class LoopbackStream:
    """`AudioStream`: one period through the device, repeated; dropouts cut it in source time."""

    def __init__(self, device: LoopbackAudio, period: Frames, fade_in_frames: int, permit: Permit) -> None:
        self._device = device
        self._period = device.through(period)
        self._fade = 0.5 - 0.5 * np.cos(np.pi * np.arange(fade_in_frames) / fade_in_frames)
        self._permit = permit
        self._at = -device.physics.latency
        self._closed = False

    def read(self, frames: int) -> Frames:
        for _ in range(0, frames, BLOCK):
            if self._closed:
                raise AudioFault("loopback", "closed")
            self._permit.check()
            self._device.wait(BLOCK)
        index = np.arange(self._at, self._at + frames)
        self._at += frames
        out = self._period[index % self._period.shape[0]].copy()
        out[index < 0] = 0.0
        fading = (index >= 0) & (index < self._fade.size)
        out[fading] *= self._fade[index[fading], None]
        rate = self._device.sample_rate_hz
        for start_s, length_s in self._device.physics.dropouts:
            out[(index >= start_s * rate) & (index < (start_s + length_s) * rate)] = 0.0
        return self._device.captured(out)

    def close(self) -> None:
        self._closed = True


def _make(settings: AudioSettings, buses: Mapping[str, Any]) -> LoopbackAudio:
    return LoopbackAudio(settings)


CATALOG = {"loopback": Driver("loopback", "audio", AudioSettings, _make)}
