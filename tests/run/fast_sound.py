"""The sound of the simulated bench without a process and without wires: the station's own analysis of the plant.

Stands in for `station/sound/client.py`. Captures, tones, sweeps and soak are the sound process's, run where the caller
is; the device under them hands out the frames of `drivers/sim` as fast as they can be made.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from drivers.ports import Identity, Permit
from drivers.settings import AudioSettings
from drivers.sim.audio_capture import Burst, Repeating
from drivers.sim.audio_interface import Interface as SimInterface
from drivers.sim.plant import Plant
from station.domain.sound import (
    Kept,
    NoiseReading,
    ResponseReading,
    SoakBatch,
    Stimulus,
    ToneReading,
    TraceEvent,
    Watch,
)
from station.sound.worker_captures import Interface
from station.sound.worker_soak import Soak

if TYPE_CHECKING:
    from drivers.ports import Frames


TURNS = 20
"""Turns of the loop in which meters that are read beside a stretch get theirs: during it, not after its end."""


class _Granted:
    """The kernel grants what the rig's bench allows: a trip ends the step, not the frame."""

    def check(self) -> None:
        return


class _Stream:
    def __init__(self, plant: Plant, repeating: Repeating, rate_hz: int) -> None:
        self._plant = plant
        self._repeating: Repeating | None = repeating
        self._rate_hz = rate_hz
        plant.hold()

    def read(self, frames: int) -> Frames:
        out = np.zeros((frames, 2), dtype=np.float32)
        assert self._repeating is not None
        for first in range(0, frames, self._rate_hz):
            self._repeating.fill(out[first : first + self._rate_hz])
        return out

    def close(self) -> None:
        if self._repeating is not None:
            self._repeating = None
            self._plant.release()


class PlantAudio:
    """`drivers.ports.AudioDevice` on the plant."""

    def __init__(self, plant: Plant, settings: AudioSettings, seed: int) -> None:
        self._plant = plant
        self._interface = SimInterface(
            plant, settings.sample_rate_hz, seed, settings.output_full_scale_v, settings.input_full_scale_v
        )
        self.sample_rate_hz = settings.sample_rate_hz
        self.identity = Identity("audio of the rig")

    def play_and_capture(self, source: Frames, permit: Permit | None) -> Frames:
        out = np.zeros((len(source), 2), dtype=np.float32)
        self._plant.hold()
        try:
            burst = Burst(self._plant, self._interface, source.astype(np.float32))
            for first in range(0, len(out), self.sample_rate_hz):
                burst.fill(out[first : first + self.sample_rate_hz])
        finally:
            self._plant.release()
        return out

    def stream(self, period: Frames, fade_in_frames: int, permit: Permit) -> _Stream:
        repeating = Repeating(self._plant, self._interface, period.astype(np.float32), fade_in_frames)
        return _Stream(self._plant, repeating, self.sample_rate_hz)

    def close(self) -> None:
        return


class _Stretch:
    """A soak or a trace. Keeps no sound: files are tested elsewhere."""

    def __init__(self, soak: Soak) -> None:
        self._soak = soak

    async def advance(self, to_s: float) -> SoakBatch:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return self._soak.advance(to_s)

    async def close(self) -> None:
        self._soak.close()

    async def mark(self, event: TraceEvent) -> None:
        return

    async def kept(self) -> Kept:
        return Kept()


class FastSound:
    """`station.domain.sound.Sound`, in the caller's own process and time."""

    def __init__(self, plant: Plant, settings: AudioSettings, seed: int) -> None:
        self._interface = Interface(PlantAudio(plant, settings, seed), settings)
        self._permit = _Granted()

    async def measure_tone(self, stimulus: Stimulus) -> tuple[ToneReading, ToneReading]:
        return self._interface.measure_tone(stimulus, self._permit)

    async def measure_response(
        self, frequencies_hz: tuple[float, ...], left_v: float, right_v: float
    ) -> tuple[ResponseReading, ResponseReading]:
        return self._interface.measure_response(frequencies_hz, left_v, right_v, self._permit)

    async def measure_noise(self, duration_s: float) -> tuple[NoiseReading, NoiseReading]:
        return self._interface.measure_noise(duration_s)

    async def start_soak(self, stimulus: Stimulus) -> _Stretch:
        return _Stretch(Soak(self._interface, stimulus, self._permit))

    async def start_trace(self, stimulus: Stimulus, watch: Watch) -> _Stretch:
        return _Stretch(Soak(self._interface, stimulus, self._permit))

    def keep_under(self, run_id: str) -> None:
        return

    async def mute(self) -> None:
        return
