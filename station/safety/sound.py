"""The sound process, guarded: no driving call without the drive permit, silence whenever a call does not end by itself.

The frames themselves are held back in the sound process by the shared permit page; this is the daemon's side of it.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from drivers.errors import PermitDenied
from station.domain.sound import (
    Kept,
    NoiseReading,
    ResponseReading,
    SoakBatch,
    SoakStream,
    Sound,
    Stimulus,
    ToneReading,
    TraceEvent,
    TraceStream,
    Watch,
)
from station.safety.kernel import Kernel
from station.safety.settled import settle
from station.safety.snapshot import DriveWish

T = TypeVar("T")
ROUNDING = 1.001


class GuardedSound:
    """See `domain.sound.Sound`. `bound_v`: V rms at the DUT's input that may be driven while a load is out."""

    def __init__(self, kernel: Kernel, sound: Sound) -> None:
        self._kernel = kernel
        self._sound = sound
        self.bound_v: float | None = None

    async def measure_tone(self, stimulus: Stimulus) -> tuple[ToneReading, ToneReading]:
        """See `Sound`; raises `PermitDenied` without the permit or above the bound."""
        self._check(stimulus.left_v, stimulus.right_v)
        return await self.or_mute(self._sound.measure_tone(stimulus))

    async def measure_response(
        self, frequencies_hz: tuple[float, ...], left_v: float, right_v: float
    ) -> tuple[ResponseReading, ResponseReading]:
        """See `Sound`."""
        self._check(left_v, right_v)
        return await self.or_mute(self._sound.measure_response(frequencies_hz, left_v, right_v))

    async def measure_noise(self, duration_s: float) -> tuple[NoiseReading, NoiseReading]:
        """See `Sound`; the source is silent, so no permit is needed."""
        return await self._sound.measure_noise(duration_s)

    async def start_soak(self, stimulus: Stimulus) -> SoakStream:
        """See `Sound`; only with the loads in circuit."""
        self._check_loaded(stimulus)
        return GuardedSoak(self, await self.or_mute(self._sound.start_soak(stimulus)))

    async def start_trace(self, stimulus: Stimulus, watch: Watch) -> TraceStream:
        """See `Sound`; only with the loads in circuit."""
        self._check_loaded(stimulus)
        return GuardedTrace(self, await self.or_mute(self._sound.start_trace(stimulus, watch)))

    def keep_under(self, run_id: str) -> None:
        """See `Sound`."""
        self._sound.keep_under(run_id)

    async def mute(self) -> None:
        """Silence now."""
        await self._sound.mute()

    def _check_loaded(self, stimulus: Stimulus) -> None:
        if self._kernel.wishes.drive is not DriveWish.FULL:
            raise PermitDenied("drive", "a soak needs both loads in circuit; prepare drive first")
        self._check(stimulus.left_v, stimulus.right_v)

    def _check(self, *levels_v: float) -> None:
        kernel = self._kernel
        kernel.permits.drive.check()
        if kernel.wishes.drive is DriveWish.FULL:
            return
        bound_v = (self.bound_v or 0.0) * ROUNDING
        if not all(level_v <= bound_v for level_v in levels_v):
            raise PermitDenied("drive", f"{levels_v} V rms with a load out; at most {bound_v:g} V")

    async def or_mute(self, call: Coroutine[Any, Any, T]) -> T:
        """Await a call into the sound process; if it does not end by itself, the source is silenced."""
        try:
            return await call
        except BaseException:
            await settle(self._sound.mute())
            raise


class GuardedSoak:
    """A running soak that falls silent as soon as a look at it does not end by itself."""

    def __init__(self, sound: GuardedSound, stream: SoakStream) -> None:
        self._sound = sound
        self._stream = stream

    async def advance(self, to_s: float) -> SoakBatch:
        """See `SoakStream`."""
        return await self._sound.or_mute(self._stream.advance(to_s))

    async def close(self) -> None:
        """Mute and end, even if the caller is cancelled meanwhile."""
        await settle(self._stream.close())


class GuardedTrace(GuardedSoak):
    """A running trace, guarded as a soak is."""

    def __init__(self, sound: GuardedSound, stream: TraceStream) -> None:
        super().__init__(sound, stream)
        self._trace = stream

    async def mark(self, event: TraceEvent) -> None:
        """See `TraceStream`."""
        await self._sound.or_mute(self._trace.mark(event))

    async def kept(self) -> Kept:
        """See `TraceStream`; to its end even if the caller is cancelled meanwhile."""
        return await settle(self._trace.kept())
