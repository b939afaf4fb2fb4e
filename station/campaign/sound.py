"""The sound process as the station sees it: readings out of the plant, silence as soon as the permit's page says so.

It plays in test time (`speed`): a capture of a second takes 1/speed of virtual time. No frames, no analysis: those
have their own tests. What is played is the plant's business.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from drivers.errors import AudioFault, PermitDenied
from station.campaign.ports import Wire
from station.domain.clock import TestClock
from station.domain.measurement import Channel
from station.domain.sound import (
    Kept,
    NoiseReading,
    ResponseReading,
    SoakBatch,
    Stimulus,
    ToneReading,
    TraceEvent,
    Value,
    Watch,
)

if TYPE_CHECKING:
    from station.campaign.bench import World

GAIN = 10 ** (29 / 20)
CLIP_V = 30.0
"""Where the amplifier begins to distort: 112 W into 8 ohm."""
FLOOR_V = 1e-5
LEAK = 1e-3
CHANNELS: tuple[Channel, Channel] = ("left", "right")


class SimulatedSound:
    """See `domain.sound.Sound`."""

    def __init__(self, wire: Wire, clock: TestClock) -> None:
        self._wire = wire
        self._clock = clock

    @property
    def _world(self) -> World:
        return self._wire.world

    async def measure_tone(self, stimulus: Stimulus) -> tuple[ToneReading, ToneReading]:
        await self._play(max(stimulus.left_v, stimulus.right_v), stimulus.duration_s)
        levels = [self._level(index, (stimulus.left_v, stimulus.right_v)) for index in (0, 1)]
        self._silence()
        left, right = (_tone(channel, level) for channel, level in zip(CHANNELS, levels, strict=True))
        return left, right

    async def measure_response(
        self, frequencies_hz: tuple[float, ...], left_v: float, right_v: float
    ) -> tuple[ResponseReading, ResponseReading]:
        await self._play(max(left_v, right_v), 2.1)
        levels = [self._level(index, (left_v, right_v)) for index in (0, 1)]
        self._silence()
        left, right = (
            ResponseReading(channel, frequencies_hz, tuple(_value(level) for _ in frequencies_hz))
            for channel, level in zip(CHANNELS, levels, strict=True)
        )
        return left, right

    async def measure_noise(self, duration_s: float) -> tuple[NoiseReading, NoiseReading]:
        await self._wait(duration_s)
        heard = self._world.plant.powered and self._world.plant.relays["capture"]
        noise = Value(60e-6 if heard else 8e-6, 1e-6)
        return NoiseReading("left", noise, noise), NoiseReading("right", noise, noise)

    async def start_soak(self, stimulus: Stimulus) -> SimulatedSoak:
        await self._begin(stimulus)
        return SimulatedSoak(self, stimulus)

    async def _begin(self, stimulus: Stimulus) -> None:
        await self._wire.alive()
        self._check()
        self._world.play(max(stimulus.left_v, stimulus.right_v))

    async def start_trace(self, stimulus: Stimulus, watch: Watch) -> SimulatedTrace:
        await self._begin(stimulus)
        return SimulatedTrace(self, stimulus)

    def keep_under(self, run_id: str) -> None:
        """Nothing is kept here."""

    async def mute(self) -> None:
        await self._wait(0.01)
        self._silence()

    def _silence(self) -> None:
        self._world.play(0.0)

    def _check(self) -> None:
        if not self._world.may_play:
            raise PermitDenied("drive", "the page says no")

    async def _play(self, level_v: float, duration_s: float) -> None:
        await self._wire.alive()
        if level_v > 0.0:
            self._check()
        self._world.play(level_v)
        await self._wait(duration_s)
        if level_v > 0.0 and self._world.plant.playing_v == 0.0:
            raise PermitDenied("drive", "the permit went while it played")

    async def _wait(self, test_s: float) -> None:
        await asyncio.sleep(test_s / self._clock.speed)
        self._clock.spent(test_s)
        await self._wire.alive()
        if self._wire.trouble.kind:
            self._silence()
            raise AudioFault("audio", "the sound process is gone")

    def _level(self, index: int, source_v: tuple[float, float]) -> float:
        """V rms at the terminals: what is driven, what leaks over, nothing from a dead channel."""
        plant = self._world.plant
        if not plant.powered or not plant.relays["capture"] or not plant.relays["source"]:
            return FLOOR_V
        if index == 0 and plant.dut.dead_left:
            return FLOOR_V
        loaded = plant.relays["load_left"] and plant.relays["load_right"]
        own = source_v[index] * GAIN * (1.0 if loaded else 1.005)
        return max(min(own, CLIP_V * 1.2), source_v[1 - index] * GAIN * LEAK, FLOOR_V)


class SimulatedSoak:
    """See `domain.sound.SoakStream`."""

    def __init__(self, sound: SimulatedSound, stimulus: Stimulus) -> None:
        self._sound = sound
        self._stimulus = stimulus
        self._at_s = 0.0

    async def advance(self, to_s: float) -> SoakBatch:
        """See `SoakStream`; levels of whole seconds, no silence ever."""
        sound, source = self._sound, self._stimulus
        await sound._wait(to_s - self._at_s)
        if sound._world.plant.playing_v == 0.0:
            raise PermitDenied("drive", "the permit went while it played")
        first_s, self._at_s = int(self._at_s), to_s
        seconds = max(0, int(to_s) - first_s)
        left, right = (
            (sound._level(index, (source.left_v, source.right_v)),) * seconds if seconds else () for index in (0, 1)
        )
        thd = (0.02,) * seconds
        return SoakBatch(first_s, to_s, (left, right), (thd, thd), (0.001, 0.001), ((), ()), (0.0, 0.0))

    async def close(self) -> None:
        self._sound._silence()


class SimulatedTrace(SimulatedSoak):
    """See `domain.sound.TraceStream`; keeps nothing."""

    async def mark(self, event: TraceEvent) -> None:
        await self._sound._wire.alive()

    async def kept(self) -> Kept:
        return Kept()


def _value(level_v: float) -> Value:
    if level_v <= FLOOR_V:
        return Value(FLOOR_V, 0.0, "below")
    return Value(level_v, level_v * 1e-4)


def _tone(channel: Channel, level_v: float) -> ToneReading:
    level = _value(level_v)
    if level.bound is not None:
        return ToneReading(channel, level, FLOOR_V, None, None, (None,) * 9)
    thd = Value(0.02 if level_v <= CLIP_V else 0.02 + (level_v / CLIP_V - 1.0) * 40.0, 0.001)
    return ToneReading(channel, level, level_v, thd, thd, (-75.0,) + (None,) * 8)
