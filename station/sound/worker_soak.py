"""The soak in the sound process: a thread that reads a gapless stream to its end and looks at every frame.

The thread reads whether or not anyone asks, a second at a time, and analyses as it reads (far faster than
real time), so no frames pile up: what is kept are two levels, two THD and the silences. The stream's first
frames, as many as the interface is late, are read and left out, so that second 0 begins with the first driven frame.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from drivers.errors import AudioFault, AudioStuck, DriveEnded
from drivers.ports import Permit
from station.analysis import stimuli
from station.analysis.envelope import Silence, SilenceFinder, block_power
from station.analysis.fold import FoldedSecond, Folder
from station.analysis.levels import Array, require_finite
from station.analysis.stimuli import Frames
from station.analysis.tones import analyse_tone
from station.domain.sound import SoakBatch, Stimulus
from station.sound.trace_events import Heard
from station.sound.trace_keeper import Keeper
from station.sound.worker_captures import DEVICE, Interface
from station.sound.worker_readings import Scale

PERIOD_S = 0.010
FADE_IN_S = 0.020
SETTLE_S = 0.3
"""Left out of the first second's level and THD: fade-in and coupling capacitors."""
LEAST_HZ = 500.0
"""Under it a millisecond does not hold half a cycle, and the envelope would dip by itself."""
FLOOR_DBFS = -90.0
CROSS_CHECK_S = 60
PACE = 0.99
"""Wall seconds a second of stream that nobody asked for: a little fast, so that a fast audio clock never piles up."""
PERMIT_POLL_S = 0.05
BEHIND_POLL_S = 0.005
END_S = 3.0
CUT_POWER = 0.25
"""A millisecond under this part of its second's median is a cut, and the second is left out."""
EDGE_POWER = 0.9
EDGE_BLOCKS = 2
START_BLOCKS = 25
"""Milliseconds at the very start that may be silent: fade-in and what was not known of the latency."""


def require_soak(stimulus: Stimulus, rate_hz: int) -> None:
    """Raise `ValueError` for a stimulus that the stream cannot repeat or the envelope cannot watch."""
    if rate_hz % 1000:
        raise ValueError(f"a soak needs whole milliseconds: {rate_hz} Hz is no multiple of 1000 Hz")
    if stimulus.frequency_hz < LEAST_HZ:
        raise ValueError(f"a soak at {stimulus.frequency_hz:g} Hz: at least {LEAST_HZ:g} Hz are needed")
    if not 1.0 <= stimulus.duration_s <= 100_000.0:
        raise ValueError(f"a soak of {stimulus.duration_s:g} s: 1 to 100000 s are possible")
    if stimulus.left_v <= 0.0 and stimulus.right_v <= 0.0:
        raise ValueError("a soak needs a level on at least one channel")


@dataclass(slots=True)
class _Channel:
    """What was found on one channel and not yet handed over."""

    scale: Scale
    finder: SilenceFinder | None
    level_v: list[float | None] = field(default_factory=list)
    thd_percent: list[float | None] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    thd_u: float = 0.0


class SoakMonitor:
    """Looks at every frame, in order; pure but for its state. `push` takes seconds, `take` hands a batch over."""

    def __init__(self, interface: Interface, stimulus: Stimulus) -> None:
        require_soak(stimulus, interface.rate_hz)
        self._rate_hz = interface.rate_hz
        self._frequency_hz = stimulus.frequency_hz
        self._block = interface.rate_hz // 1000
        period = round(PERIOD_S * interface.rate_hz)
        self._folder = Folder(period, round(period * stimulus.frequency_hz / interface.rate_hz))
        peaks = interface.peaks(stimulus.left_v, stimulus.right_v)
        floor = 10.0 ** (FLOOR_DBFS / 20.0)
        # 40 dB under what the channel gave in earlier captures counts as silent too: it never spoke
        expected = (0.01 * peak * gain for peak, gain in zip(peaks, interface.gain, strict=True))
        self._channels = tuple(
            _Channel(scale, SilenceFinder(max(floor, level) ** 2 / 2.0) if peak > 0.0 else None)
            for scale, peak, level in zip(interface.scales, peaks, expected, strict=True)
        )
        self._frames = 0
        self._taken_s = 0

    @property
    def end_s(self) -> float:
        """Seconds of the stream looked at so far."""
        return self._frames / self._rate_hz

    def push(self, frames: Frames) -> Heard:
        """Look at the next second (rate, 2), or at the rest of a last one. Raises `AudioFault` for NaN."""
        require_finite(frames)
        powers = block_power(frames, self._block).astype(float)
        whole = frames.shape[0] == self._rate_hz
        settle, grace = (round(SETTLE_S * self._rate_hz), START_BLOCKS) if self._frames == 0 else (0, 0)
        folded = self._folder.fold(frames[settle:]) if whole else None
        ended: list[tuple[Silence, ...]] = [(), ()]
        for c, channel in enumerate(self._channels):
            if channel.finder is not None:
                ended[c] = channel.finder.push(powers[:, c])
                channel.silences.extend(ended[c])
            if folded is not None:
                cut = _is_cut(powers[settle // self._block :, c]) or _holds_silence(channel, powers[:, c], grace)
                self._keep(channel, None if cut else folded[c])
                if not cut and (self._frames // self._rate_hz) % CROSS_CHECK_S == CROSS_CHECK_S // 2:
                    self._cross_check(channel, frames[:, c], folded[c])
        second, self._frames = self._frames // self._rate_hz, self._frames + frames.shape[0]
        return self._heard(second, whole, ended)

    def _heard(self, second: int, whole: bool, ended: list[tuple[Silence, ...]]) -> Heard:
        left, right = self._channels
        return Heard(
            second=second,
            end_s=self.end_s,
            level_v=(left.level_v[-1], right.level_v[-1]) if whole else (None, None),
            thd_percent=(left.thd_percent[-1], right.thd_percent[-1]) if whole else (None, None),
            silences=(_pairs(ended[0]), _pairs(ended[1])),
            open_s=(_open_s(left), _open_s(right)),
        )

    def take(self) -> SoakBatch:
        """What was found since the last call."""
        left, right = self._channels
        first_s = self._taken_s
        self._taken_s += len(left.level_v)
        batch = SoakBatch(
            first_s=first_s,
            end_s=self.end_s,
            level_v=(tuple(left.level_v), tuple(right.level_v)),
            thd_percent=(tuple(left.thd_percent), tuple(right.thd_percent)),
            thd_uncertainty_percent=(self._thd_u(left), self._thd_u(right)),
            silences=(_pairs(left.silences), _pairs(right.silences)),
            open_silence_s=(_open_s(left), _open_s(right)),
        )
        for channel in self._channels:
            channel.level_v, channel.thd_percent, channel.silences, channel.thd_u = [], [], [], 0.0
        return batch

    def _keep(self, channel: _Channel, second: FoldedSecond | None) -> None:
        channel.level_v.append(None if second is None else second.amplitude * channel.scale.full_scale_v)
        channel.thd_percent.append(None if second is None else 100.0 * second.thd)
        if second is not None:
            channel.thd_u = max(channel.thd_u, second.thd_u)

    def _cross_check(self, channel: _Channel, x: Frames, folded: FoldedSecond) -> None:
        """The windowed transform of the same second: what the two methods differ by is uncertainty too."""
        windowed = analyse_tone(x, self._rate_hz, self._frequency_hz)
        channel.thd_u = max(channel.thd_u, abs(windowed.thd - folded.thd))

    def _thd_u(self, channel: _Channel) -> float:
        return 100.0 * math.hypot(channel.thd_u, channel.scale.own_thd_u)


def _is_cut(power: Array) -> bool:
    """True when a block of the second is largely missing, or one at its edges partly (the rest lies next door)."""
    median = float(np.median(power))
    if float(power.min()) < CUT_POWER * median:
        return True
    edges = float(min(power[:EDGE_BLOCKS].min(), power[-EDGE_BLOCKS:].min()))
    return edges < EDGE_POWER * median or _has_gap(power)


def _has_gap(power: Array) -> bool:
    """True for a silence too short to empty a block: it would read as distortion. A longer sag is no silence."""
    usual = float(np.partition(power, power.size // 20)[power.size // 20])
    low = power < EDGE_POWER * usual
    if not low.any():
        return False
    edges = np.flatnonzero(np.diff(np.concatenate(([False], low, [False])).astype(np.int8)))
    return bool((edges[1::2] - edges[0::2] <= EDGE_BLOCKS).any())


def _holds_silence(channel: _Channel, power: Array, grace: int) -> bool:
    """True when the finder takes more than `grace` blocks of the second as silent."""
    return channel.finder is not None and int((power < channel.finder.silent_power).sum()) > grace


def _pairs(silences: Sequence[Silence]) -> tuple[tuple[float, float], ...]:
    return tuple((silence.start_s, silence.length_s) for silence in silences)


def _open_s(channel: _Channel) -> float:
    return 0.0 if channel.finder is None else channel.finder.open_s


class _StopPermit:
    """The job's permit, until the soak is closed: so a reader that waits for frames is mute within a block."""

    def __init__(self, permit: Permit) -> None:
        self._permit = permit
        self.closed = False

    def check(self) -> None:
        """Raise `PermitDenied` when the job's permit goes, or once closed."""
        self._permit.check()
        if self.closed:
            raise DriveEnded("drive", "the soak was closed")


class Soak:
    """A running soak: the stream, its reader thread, and what it has found.

    The reader goes on by itself at the pace of the wall clock, so on a real interface it never falls behind, and
    faster where someone asks and frames are there. Frames nobody asked for do not come early. With a `keeper` it is
    a trace: every frame goes there too.
    """

    def __init__(self, interface: Interface, stimulus: Stimulus, permit: Permit, keeper: Keeper | None = None) -> None:
        self._keeper = keeper
        self._monitor = SoakMonitor(interface, stimulus)
        self._rate_hz = interface.rate_hz
        self._duration_s = stimulus.duration_s
        self._frames = round(stimulus.duration_s * interface.rate_hz)
        self._late_frames = interface.latency_frames or 0
        self._permit = _StopPermit(permit)
        self._asked_s = 0.0
        self._error: Exception | None = None
        self._moved = threading.Condition()
        rate, peaks = interface.rate_hz, interface.peaks(stimulus.left_v, stimulus.right_v)
        period = stimuli.whole_period(round(PERIOD_S * rate), rate, stimulus.frequency_hz, peaks)
        self._stream = interface.device.stream(period, round(FADE_IN_S * rate), self._permit)
        self._thread = threading.Thread(target=self._run, name="soak", daemon=True)
        self._thread.start()

    def advance(self, to_s: float) -> SoakBatch:
        """Wait until every frame up to `to_s` was looked at. Raises what ended the stream before."""
        if not 0.0 <= to_s <= self._duration_s + 1e-9:
            raise ValueError(f"{to_s:g} s lies outside of the soak's {self._duration_s:g} s")
        with self._moved:
            self._asked_s = max(self._asked_s, to_s)
            self._moved.notify_all()
            self._moved.wait_for(lambda: self._error is not None or self._reached(to_s))
            if self._error is not None and not self._reached(to_s):
                raise self._error
            return self._monitor.take()

    def close(self) -> None:
        """Mute and end the thread; safe to call twice. Raises `AudioFault` when the device will not end."""
        with self._moved:
            self._permit.closed = True
            self._moved.notify_all()
        self._thread.join(timeout=END_S)
        if self._thread.is_alive():
            raise AudioStuck(DEVICE, f"the stream did not end within {END_S:g} s")
        if isinstance(self._error, AudioStuck):
            raise self._error

    def _reached(self, to_s: float) -> bool:
        return self._monitor.end_s >= to_s - 1e-9

    def _run(self) -> None:
        try:
            try:
                self._read_all()
            finally:
                self._stream.close()
        except Exception as error:  # kept for whoever asks next: this is the thread's end
            with self._moved:
                self._error = error
        finally:
            with self._moved:
                self._moved.notify_all()

    def _read_all(self) -> None:
        started_s = time.monotonic()
        if self._late_frames:
            self._stream.read(self._late_frames)
        left = self._frames
        while left > 0:
            count = min(self._rate_hz, left)
            self._wait_turn(started_s + PACE * (self._monitor.end_s + count / self._rate_hz))
            frames = self._stream.read(count)
            if frames.shape != (count, 2):
                raise AudioFault(DEVICE, f"{frames.shape[0]} frames came for {count}: frames were lost")
            left -= count
            with self._moved:
                heard = self._monitor.push(frames)
                if self._keeper is not None:
                    self._keeper.push(frames, heard)
                self._moved.notify_all()

    def _wait_turn(self, due_s: float) -> None:
        """Until the next frames are asked for, or due by the wall clock; the permit is looked at all the while."""
        with self._moved:
            while self._asked_s <= self._monitor.end_s + 1e-9 and (wait_s := due_s - time.monotonic()) > 0.0:
                self._permit.check()
                self._moved.wait(min(wait_s, PERMIT_POLL_S))
            while self._keeper is not None and self._keeper.is_behind and time.monotonic() < due_s:
                self._permit.check()  # faster than real time, which only a simulated bench is: its disk may follow
                self._moved.wait(BEHIND_POLL_S)
        self._permit.check()
