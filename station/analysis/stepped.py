"""Stepped sine on two channels: the response at many frequencies in one capture.

Both channels run through the same frequencies, right two steps behind left, so that at any moment they differ
and neither reads the other's leakage as its own. Each step settles, is measured over whole cycles by least
squares (own tone, the other channel's tone, and a slow trend that takes what a coupling capacitor still does).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from station.analysis.errors import TooShort
from station.analysis.levels import Array, Samples, require_finite
from station.analysis.stimuli import Frames, fade_in

LAG = 2
SETTLE_S = 0.030
SETTLE_CYCLES = 3.0
MEASURE_S = 0.025
MEASURE_CYCLES = 3.0
FADE_S = 0.008
SETTLE_MAX_S = 0.12
TREND = 3
"""Order of the polynomial that is fitted beside the tones."""
LAST_HARMONIC = 10
DETECT_POWER = 4.0
"""Harmonics count as seen when their power is this many times what noise alone would put there."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One stretch of the sweep in frames: begins at `start`, is measured in [`measure`, `end`), then changes.

    `left` and `right` are indices into the sweep's frequencies, None where that channel rests.
    """

    start: int
    measure: int
    end: int
    left: int | None
    right: int | None


@dataclass(frozen=True, slots=True)
class Sweep:
    """The slots of a stepped sine and its length in frames."""

    frequency_hz: tuple[float, ...]
    rate_hz: int
    slots: tuple[Slot, ...]
    frames: int


@dataclass(frozen=True, slots=True)
class Step:
    """Amplitude (peak, full scale) of one channel at one frequency and its k=2 uncertainty from the fit's residual.

    `thd`: harmonics 2 to 10 under 0.45 of the rate over the fundamental; None where they drown in noise or there is
    no room for one.
    """

    amplitude: float
    amplitude_u: float
    phase_rad: float
    thd: float | None = None


def plan_sweep(frequency_hz: tuple[float, ...], rate_hz: int) -> Sweep:
    """Lay the frequencies (Hz, each under 0.45 of the rate) out in time. Raises `ValueError`."""
    for f in frequency_hz:
        if not 5.0 <= f <= 0.45 * rate_hz:
            raise ValueError(f"{f:g} Hz is outside of 5 Hz to {0.45 * rate_hz:g} Hz")
    if not frequency_hz:
        raise ValueError("a stepped sine needs at least one frequency")
    count, slots, at = len(frequency_hz), [], 0
    for j in range(count + LAG):
        left = j if j < count else None
        right = j - LAG if j >= LAG and j - LAG < count else None
        sounding = [frequency_hz[i] for i in (left, right) if i is not None]
        if not sounding:  # fewer frequencies than the lag
            continue
        slowest = min(sounding)
        settle = min(max(SETTLE_S, SETTLE_CYCLES / slowest), SETTLE_MAX_S)
        measure = max(MEASURE_S, math.ceil(MEASURE_S * slowest) / slowest, MEASURE_CYCLES / slowest)
        begin = at + round(settle * rate_hz)
        end = begin + round(measure * rate_hz)
        slots.append(Slot(at, begin, end, left, right))
        at = end
    return Sweep(frequency_hz, rate_hz, tuple(slots), at + round(FADE_S * rate_hz))


def render_sweep(sweep: Sweep, peaks: tuple[float, float]) -> Frames:
    """The source (frames, 2): continuous in phase, amplitudes faded where a channel begins and ends."""
    out = np.zeros((sweep.frames, 2))
    for channel in (0, 1):
        plan = [(s, s.left if channel == 0 else s.right) for s in sweep.slots]
        active = [(s, i) for s, i in plan if i is not None]
        begin, end = active[0][0].start, active[-1][0].end + round(FADE_S * sweep.rate_hz)
        speed = np.zeros(sweep.frames)
        for slot, index in active:
            speed[slot.start :] = sweep.frequency_hz[index]
        phase = 2.0 * np.pi * np.cumsum(speed[begin:end]) / sweep.rate_hz
        ramp = fade_in(round(FADE_S * sweep.rate_hz))
        wave = peaks[channel] * np.sin(phase)
        wave[: ramp.size] *= ramp
        wave[-ramp.size :] *= ramp[::-1]
        out[begin:end, channel] = wave
    return np.asarray(out, dtype=np.float32)


def analyse_sweep(captured: Samples, sweep: Sweep, latency: int = 0) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Levels of left and right at every frequency from the capture (n, 2); `latency` in frames is skipped.

    Raises `TooShort` when the capture ends before the sweep, `NotFinite`.
    """
    if captured.shape[0] < sweep.slots[-1].end + latency:
        raise TooShort(f"{captured.shape[0]} frames end before the sweep's {sweep.slots[-1].end + latency}")
    require_finite(captured)
    steps: tuple[dict[int, Step], dict[int, Step]] = ({}, {})
    for slot in sweep.slots:
        window = np.asarray(captured[slot.measure + latency : slot.end + latency], dtype=np.float64)
        for channel, own, other in ((0, slot.left, slot.right), (1, slot.right, slot.left)):
            if own is not None:
                foreign = None if other is None else sweep.frequency_hz[other]
                steps[channel][own] = _fit(window[:, channel], sweep.rate_hz, sweep.frequency_hz[own], foreign)
    order = range(len(sweep.frequency_hz))
    return tuple(steps[0][i] for i in order), tuple(steps[1][i] for i in order)


def _fit(x: Array, rate_hz: int, own_hz: float, other_hz: float | None) -> Step:
    """Least squares of a slow trend, the own tone and (where it can be told apart) the other channel's."""
    n = x.size
    time = np.arange(n) / rate_hz
    scaled = np.linspace(-1.0, 1.0, n)
    columns = [scaled**k for k in range(TREND + 1)]
    tones = [own_hz]
    if other_hz is not None and abs(other_hz - own_hz) * n / rate_hz >= 1.0:
        tones.append(other_hz)
    for f in tones:
        columns += [np.cos(2.0 * np.pi * f * time), np.sin(2.0 * np.pi * f * time)]
    basis = np.stack(columns)
    gram = basis @ basis.T
    weights = np.linalg.solve(gram, basis @ x)
    residual = x - weights @ basis
    variance = float(residual @ residual) / max(n - len(columns), 1)
    a, b = float(weights[TREND + 1]), float(weights[TREND + 2])
    spread = float(np.linalg.inv(gram)[TREND + 1, TREND + 1]) * variance
    amplitude = math.hypot(a, b)
    thd = _thd(residual, basis, time, own_hz, rate_hz, amplitude)
    return Step(amplitude, 2.0 * math.sqrt(spread), math.atan2(-b, a), thd)


def _thd(residual: Array, beside: Array, time: Array, own_hz: float, rate_hz: int, amplitude: float) -> float | None:
    """Harmonics in what the fit left, fitted beside the columns of that fit (`beside`); noise power subtracted."""
    orders = [k for k in range(2, LAST_HARMONIC + 1) if k * own_hz <= 0.45 * rate_hz]
    free = time.size - beside.shape[0] - 2 * len(orders)
    if not orders or free < 1 or amplitude <= 0.0:
        return None
    angle = 2.0 * np.pi * own_hz * time
    waves = [wave(k * angle) for k in orders for wave in (np.cos, np.sin)]
    basis = np.concatenate((beside, np.stack(waves)))
    inverse = np.linalg.inv(basis @ basis.T)
    weights = inverse @ (basis @ residual)
    left = residual - weights @ basis
    first = beside.shape[0]
    noise = float(np.trace(inverse[first:, first:])) * float(left @ left) / free
    power = float(weights[first:] @ weights[first:]) - noise
    return math.sqrt(power) / amplitude if power > DETECT_POWER * noise else None
