"""What the simulated interface captures: of a bounded play, and of a period that repeats for ever.

Both fill the frames that were granted, in order, and let plant time pass with them. The endless one is cheap: one
period as a table, computed again only when a switch between interface and loads has moved, plus noise from a pool.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from drivers.sim.audio_interface import Interface
from drivers.sim.audio_path import SILENT, AudioPath, Drive
from drivers.sim.plant import Plant

Frames = NDArray[np.float32]


class Burst:
    """A bounded play: the whole answer is computed at once for the switches as they are, and again if one moves."""

    def __init__(self, plant: Plant, interface: Interface, source: Frames) -> None:
        self._plant = plant
        self._interface = interface
        self._source = source
        self._at = 0
        self._path: AudioPath | None = None
        self._answer: Frames = np.zeros_like(source)
        self._drive = SILENT

    def fill(self, out: Frames) -> None:
        """The next `len(out)` frames, at most a second; plant time passes with them."""
        path = self._plant.audio_path()
        if path != self._path:
            self._path = path
            self._respond(path)
        at, count = self._at, len(out)
        np.add(self._answer[at : at + count], self._interface.noise(count, path), out=out)
        self._at += count
        self._plant.advance(count / self._interface.rate_hz, self._drive)

    def _respond(self, path: AudioPath) -> None:
        interface, frames = self._interface, len(self._source)
        self._answer = np.zeros_like(self._source)
        self._drive = SILENT
        if path.leads.looped:
            self._answer = interface.looped(self._source, path.leads)
            return
        if not path.live:
            return
        if path.source and self._source.any():
            leads = path.leads
            output = interface.voice.burst(
                interface.source_v(self._source, leads), leads.loaded(path.loads), leads.shorted(path.loads)
            )
            self._drive = Drive(output.mean_abs_a, output.load_w)
            shift = min(interface.latency, frames)
            self._answer[shift:] = interface.captured(output.terminals_v[: frames - shift], leads)
        if path.capture:
            self._answer += np.resize(interface.hum_through(path.leads), (frames, 2))
        else:
            self._answer[:] = 0.0


class Repeating:
    """A period of source for ever, faded in; both channels silent in the DUT's dropouts and once it protects itself."""

    _TABLE_S_MAX = 60

    def __init__(self, plant: Plant, interface: Interface, period: Frames, fade_frames: int) -> None:
        self._plant = plant
        self._interface = interface
        self._period = period
        self._fade = max(0, fade_frames)
        self._length = math.lcm(len(period), len(interface.hum))
        if self._length > self._TABLE_S_MAX * interface.rate_hz:
            raise ValueError(f"a period of {len(period)} frames is not served; take a multiple of {len(interface.hum)}")
        self._at = 0
        self._path: AudioPath | None = None
        self._signal: Frames = np.zeros_like(period)
        self._table: Frames = np.zeros_like(period)
        self._drive = SILENT
        device, rate_hz = plant.device, interface.rate_hz
        everywhere: tuple[int, ...] = (0, 1)
        self._cuts = [_Cuts(_silences(device.dropouts, rate_hz), everywhere)]
        self._cuts += [_Cuts(_silences(own, rate_hz), (side,)) for side, own in enumerate(device.side_dropouts) if own]

    def fill(self, out: Frames) -> None:
        """The next `len(out)` frames, at most a second; plant time passes with them."""
        path = self._plant.audio_path()
        if path != self._path:
            self._path = path
            self._respond(path)
        count = len(out)
        noise = self._interface.noise(count, path)
        if self._at < self._interface.latency + self._fade:
            self._begin(out, noise)
        else:
            first = self._at % self._length
            np.add(self._table[first : first + count], noise, out=out)
        silent = self._drop(out)
        self._at += count
        drive = self._drive if silent == 0 else self._drive.scaled(1.0 - silent / count)
        self._plant.advance(count / self._interface.rate_hz, drive)

    def _respond(self, path: AudioPath) -> None:
        """The table: signal and hum aligned to the count of captured frames, a second longer than its period."""
        interface = self._interface
        self._signal = np.zeros_like(self._period)
        self._drive = SILENT
        if path.live and path.source:
            leads = path.leads
            output = interface.voice.steady(
                interface.source_v(self._period, leads), leads.loaded(path.loads), leads.shorted(path.loads)
            )
            self._drive = Drive(output.mean_abs_a, output.load_w)
            late = np.roll(interface.captured(output.terminals_v, leads), interface.latency, axis=0)
            self._signal = late.astype(np.float32)
        if not (path.live and path.capture):
            self._signal[:] = 0.0
        table = np.resize(self._signal, (self._length, 2))
        if path.live and path.capture:
            table = table + np.resize(interface.hum_through(path.leads), (self._length, 2))
        self._table = np.resize(table, (self._length + interface.rate_hz, 2))

    def _begin(self, out: Frames, noise: Frames) -> None:
        """The latency's silence and the fade-in: table and noise, less the part of the signal that is not there yet."""
        count = len(out)
        at = self._at + np.arange(count)
        ramp = np.clip((at - self._interface.latency) / max(1, self._fade), 0.0, 1.0)
        if self._fade == 0:
            ramp = (at >= self._interface.latency).astype(np.float64)
        missing = 1.0 - np.sin(ramp * np.pi / 2.0) ** 2
        out[:] = self._table[at % self._length] + noise
        out -= self._signal[at % len(self._signal)] * missing[:, None].astype(np.float32)

    def _drop(self, out: Frames) -> int:
        """Silence what lies in a dropout, to the frame; how many frames both channels lost."""
        begin, end = self._at, self._at + len(out)
        dropped = 0
        for cuts in self._cuts:
            for first, last in cuts.within(begin, end):
                where = slice(first - begin, last - begin)
                count = where.stop - where.start
                dry = self._interface.dry_noise(count)
                for side in cuts.sides:
                    out[where, side] = dry[:, side]
                dropped += count if len(cuts.sides) > 1 else 0
        return dropped


class _Cuts:
    """Stretches of silence of one channel or of both, taken in order."""

    def __init__(self, silent: list[tuple[int, int]], sides: tuple[int, ...]) -> None:
        self.sides = sides
        self._silent = silent
        self._next = 0

    def within(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """What of them lies in [begin, end), which follows what was asked for before."""
        while self._next < len(self._silent):
            first, last = self._silent[self._next]
            if first >= end:
                return
            yield max(first, begin), min(last, end)
            if last > end:
                return
            self._next += 1


def _silences(dropouts: tuple[tuple[float, float], ...], rate_hz: int) -> list[tuple[int, int]]:
    """Frames [first, last) of every dropout, in order, overlapping ones joined, empty ones left out."""
    joined: list[tuple[int, int]] = []
    for at_s, for_s in sorted(dropouts):
        first, last = round(at_s * rate_hz), round((at_s + for_s) * rate_hz)
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        elif first < last:
            joined.append((first, last))
    return joined
