"""The stepped sine as a plan: which channel sounds at which frequency when, and the frames that play it.

Both channels run through the same frequencies from high to low, right two steps behind left, so that at any moment
they differ and neither reads the other's leakage as its own. A step changes its frequency at a peak of its sine: what a
coupling capacitor holds is then nearly what it needs to hold next, and little is left to settle. From high to low,
because the first step has no such peak, and a high tone settles soonest. What is heard of it: `stepped.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from station.analysis.stimuli import Frames, fade_in

LAG = 2
"""At third octaves the two tones are 1.59 apart: no harmonic of one falls on the other (at a lag of 3 it would)."""
SETTLE_S = 0.0095
SETTLE_CYCLES = 2.0
MEASURE_S = 0.018
MEASURE_CYCLES = 2.3
GUARD_S = 0.0015
"""Before a change: a converter's filter of linear phase rings ahead of it as it does after it."""
FADE_S = 0.008


@dataclass(frozen=True, slots=True)
class Slot:
    """One stretch of the sweep in frames: begins at `start`, is measured in [`measure`, `end`), then changes.

    `left` and `right` are indices into the sweep's frequencies, None where that channel rests; `phase_rad` is what each
    source's sine has come to at `measure` (0.0 at rest).
    """

    start: int
    measure: int
    end: int
    left: int | None
    right: int | None
    phase_rad: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A channel sounds at `frequency_hz` from `at` on, frames, as a rule between two of them; with that phase there."""

    at: float
    phase_rad: float
    frequency_hz: float


@dataclass(frozen=True, slots=True)
class Sweep:
    """The slots of a stepped sine, what each channel plays and until which frame, and its length in frames."""

    frequency_hz: tuple[float, ...]
    rate_hz: int
    slots: tuple[Slot, ...]
    stretches: tuple[tuple[Stretch, ...], tuple[Stretch, ...]]
    ends: tuple[int, int]
    frames: int


def plan_sweep(frequency_hz: tuple[float, ...], rate_hz: int) -> Sweep:
    """Lay the frequencies (Hz, each under 0.45 of the rate, in any order) out in time. Raises `ValueError`."""
    for f in frequency_hz:
        if not 5.0 <= f <= 0.45 * rate_hz:
            raise ValueError(f"{f:g} Hz is outside of 5 Hz to {0.45 * rate_hz:g} Hz")
    if not frequency_hz:
        raise ValueError("a stepped sine needs at least one frequency")
    order = sorted(range(len(frequency_hz)), key=lambda i: -frequency_hz[i])
    voices: tuple[list[Stretch], list[Stretch]] = ([], [])
    slots: list[Slot] = []
    ends, at = [0, 0], 0.0
    for j in range(len(order) + LAG):
        indices = [order[i] if 0 <= i < len(order) else None for i in (j, j - LAG)]
        sounding = [(c, frequency_hz[index]) for c, index in enumerate(indices) if index is not None]
        if not sounding:  # fewer frequencies than the lag
            continue
        for c, hz in sounding:
            voices[c].append(_begun(voices[c], at, hz, rate_hz))
        slowest, hz = min(sounding, key=lambda one: one[1])
        measure = round(at + max(SETTLE_S, SETTLE_CYCLES / hz) * rate_hz)
        least = measure + (max(MEASURE_S, MEASURE_CYCLES / hz) + GUARD_S) * rate_hz
        end = _peak(voices[slowest][-1], least, rate_hz)
        left, right = (0.0 if index is None else _phase(voices[c][-1], measure, rate_hz)
                       for c, index in enumerate(indices))  # fmt: skip
        slots.append(
            Slot(round(at), measure, math.floor(end - GUARD_S * rate_hz), indices[0], indices[1], (left, right))
        )
        at = end
        for c, _ in sounding:
            ends[c] = math.ceil(end)
    frames = math.ceil(at) + round(FADE_S * rate_hz)
    return Sweep(frequency_hz, rate_hz, tuple(slots), (tuple(voices[0]), tuple(voices[1])), (ends[0], ends[1]), frames)


def render_sweep(sweep: Sweep, peaks: tuple[float, float]) -> Frames:
    """The source (frames, 2): continuous in phase, amplitudes faded where a channel begins and ends."""
    out = np.zeros((sweep.frames, 2))
    ramp = fade_in(round(FADE_S * sweep.rate_hz))
    for channel, stretches in enumerate(sweep.stretches):
        begin, end = round(stretches[0].at), sweep.ends[channel] + ramp.size
        frame = np.arange(begin, end)
        at, phase, hz = np.array([(s.at, s.phase_rad, s.frequency_hz) for s in stretches]).T
        which = np.searchsorted(at, frame, side="right") - 1
        wave = peaks[channel] * np.sin(phase[which] + 2.0 * np.pi / sweep.rate_hz * hz[which] * (frame - at[which]))
        wave[: ramp.size] *= ramp
        wave[-ramp.size :] *= ramp[::-1]
        out[begin:end, channel] = wave
    return np.asarray(out, dtype=np.float32)


def _begun(before: list[Stretch], at: float, hz: float, rate_hz: int) -> Stretch:
    """The next stretch of a channel: from silence at `at`, else at the first peak from there on."""
    if not before:
        return Stretch(float(round(at)), 0.0, hz)
    begin = _peak(before[-1], at, rate_hz)
    return Stretch(begin, _phase(before[-1], begin, rate_hz) % (2.0 * math.pi), hz)


def _phase(stretch: Stretch, frame: float, rate_hz: int) -> float:
    return stretch.phase_rad + 2.0 * math.pi * stretch.frequency_hz * (frame - stretch.at) / rate_hz


def _peak(stretch: Stretch, frame: float, rate_hz: int) -> float:
    """The first frame from `frame` on (as a rule between two) where the sine is at a peak or a trough."""
    turns = math.ceil(_phase(stretch, frame, rate_hz) / math.pi - 0.5 - 1e-6)
    return stretch.at + ((turns + 0.5) * math.pi - stretch.phase_rad) * rate_hz / (2.0 * math.pi * stretch.frequency_hz)
