"""Stepped sine on two channels: response, phase, distortion and crosstalk at many frequencies in one capture.

Each step settles, then its window is fitted by least squares, all at once: a slow trend (what a coupling capacitor
still does), the own tone with its harmonics, and the other channel's tone. The own tone gives level and phase, the
harmonics give THD, the other tone is what leaks over. How the tones are laid out in time: `sweep.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from station.analysis.errors import TooShort
from station.analysis.levels import Array, Samples, require_finite
from station.analysis.sweep import Slot, Sweep

TREND = 5
"""Order of the polynomial that is fitted beside the tones. Of the third order it leaves so much of a coupling
capacitor's settling that -70 dB of crosstalk at 25 Hz is read 0.5 dB off."""
LAST_HARMONIC = 10
DETECT_POWER = 4.0
"""Harmonics count as seen when their power is this many times what noise alone would put there."""
APART_CYCLES = 0.5
"""Two tones that differ by fewer cycles within a window are not told apart."""
DELAY_HZ = (500.0, 6300.0)
"""Where an amplifier's own phase bends least: the slope of the phase there is a delay."""
DELAY_TONES = 4


@dataclass(frozen=True, slots=True)
class Step:
    """Amplitude (peak, full scale) of one channel at one frequency and its k=2 uncertainty from the fit's residual.

    `phase_rad`: of what was captured less that of the source, in (-pi, pi], without what a delay common to all
    frequencies does (the interface's and the device's are one here). `thd`: harmonics 2 to 10 under 0.45 of the rate
    over the fundamental, without one on which the other channel's tone falls; None where they drown in noise or there
    is none. `leak`: peak of this tone in the *other* channel, `leak_u` its k=2 uncertainty; None where it cannot be
    told from what that channel plays itself.
    """

    amplitude: float
    amplitude_u: float
    phase_rad: float
    thd: float | None = None
    leak: float | None = None
    leak_u: float = 0.0


@dataclass(frozen=True, slots=True)
class _Line:
    amplitude: float
    amplitude_u: float
    phase_rad: float


@dataclass(frozen=True, slots=True)
class _Fit:
    """One channel in one slot: its own tone and THD (None where it rests), and the other channel's tone in it."""

    own: _Line | None
    thd: float | None
    other: _Line | None


def analyse_sweep(captured: Samples, sweep: Sweep, latency: int = 0) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Left and right at every frequency, in the sweep's order, from the capture (n, 2); `latency` in frames is skipped.

    Raises `TooShort` when the capture ends before the sweep, `NotFinite`.
    """
    if captured.shape[0] < sweep.slots[-1].end + latency:
        raise TooShort(f"{captured.shape[0]} frames end before the sweep's {sweep.slots[-1].end + latency}")
    require_finite(captured)
    steps: tuple[dict[int, Step], dict[int, Step]] = ({}, {})
    for slot in sweep.slots:
        window = np.asarray(captured[slot.measure + latency : slot.end + latency], dtype=np.float64)
        fits = [_fit(window[:, c], sweep.rate_hz, *_tones(slot, sweep, c)) for c in (0, 1)]
        for c, index in enumerate((slot.left, slot.right)):
            own, leak = fits[c].own, fits[1 - c].other
            if index is not None and own is not None:
                phase_rad = own.phase_rad - slot.phase_rad[c]
                steps[c][index] = Step(
                    own.amplitude, own.amplitude_u, phase_rad, fits[c].thd,
                    None if leak is None else leak.amplitude, 0.0 if leak is None else leak.amplitude_u,
                )  # fmt: skip
    order = range(len(sweep.frequency_hz))
    left, right = ([side[i] for i in order] for side in steps)
    louder = max((left, right), key=lambda side: sum(step.amplitude for step in side))
    turn_s = _delay_turn_s(sweep.frequency_hz, louder)
    return _turned(sweep.frequency_hz, left, turn_s), _turned(sweep.frequency_hz, right, turn_s)


def _tones(slot: Slot, sweep: Sweep, channel: int) -> tuple[float | None, float | None]:
    """Hz of a channel's own tone and of the other's."""
    own, other = (slot.left, slot.right) if channel == 0 else (slot.right, slot.left)
    return (None if own is None else sweep.frequency_hz[own]), (None if other is None else sweep.frequency_hz[other])


def _fit(x: Array, rate_hz: int, own_hz: float | None, other_hz: float | None) -> _Fit:
    """Least squares of a slow trend, the own tone with its harmonics and the other channel's tone."""
    n = x.size
    orders = (
        [] if own_hz is None else [k for k in range(1, LAST_HARMONIC + 1) if k == 1 or k * own_hz <= 0.45 * rate_hz]
    )
    apart_hz = APART_CYCLES * rate_hz / n
    mixed = [k for k in orders if own_hz and other_hz and abs(k * own_hz - other_hz) < apart_hz]
    if mixed:
        other_hz = None
    basis = _basis(n, rate_hz, own_hz, len(orders), other_hz)
    inverse = np.asarray(np.linalg.inv(basis @ basis.T), dtype=np.float64)
    weights = inverse @ (basis @ x)
    left = x - weights @ basis
    variance = float(left @ left) / max(n - len(basis), 1)
    first, past = TREND + 1, TREND + 1 + 2 * len(orders)
    own = None if own_hz is None else _line(weights, inverse, first, variance)
    other = None if other_hz is None else _line(weights, inverse, past, variance)
    told = [first + 2 * k - 2 + half for k in orders if k > 1 and k not in mixed for half in (0, 1)]
    return _Fit(own, None if own is None else _thd(weights[told], np.diag(inverse)[told] * variance, own), other)


def _basis(n: int, rate_hz: int, own_hz: float | None, orders: int, other_hz: float | None) -> Array:
    """Columns as rows (m, n): trend, cosine and sine of each of the own tone's multiples, then of the other tone."""
    scaled = np.linspace(-1.0, 1.0, n)
    rows = [scaled**k for k in range(TREND + 1)]
    frame = np.arange(n)
    if own_hz is not None:
        turn = np.exp(2j * np.pi * (own_hz / rate_hz) * frame)
        wave = np.ones(n, dtype=np.complex128)
        for _ in range(orders):
            wave = wave * turn
            rows += [wave.real, wave.imag]
    if other_hz is not None:
        angle = 2.0 * np.pi * (other_hz / rate_hz) * frame
        rows += [np.cos(angle), np.sin(angle)]
    return np.stack(rows)


def _line(weights: Array, inverse: Array, at: int, variance: float) -> _Line:
    """The tone of the columns `at` (cosine) and `at + 1` (sine), its phase that of a sine."""
    a, b = float(weights[at]), float(weights[at + 1])
    spread = (float(inverse[at, at]) + float(inverse[at + 1, at + 1])) / 2.0 * variance
    return _Line(math.hypot(a, b), 2.0 * math.sqrt(spread), math.atan2(a, b))


def _thd(weights: Array, variances: Array, own: _Line) -> float | None:
    """Harmonics over the fundamental, noise power subtracted; None where they drown or there are none."""
    noise = float(variances.sum())
    power = float(weights @ weights) - noise
    return math.sqrt(power) / own.amplitude if own.amplitude > 0.0 and power > DETECT_POWER * noise else None


def _delay_turn_s(frequency_hz: tuple[float, ...], steps: Sequence[Step]) -> float:
    """Radians a Hz by which the phase falls over the middle of the band: what the latency's whole frames left."""
    known = sorted(
        (f, step.phase_rad) for f, step in zip(frequency_hz, steps, strict=True) if DELAY_HZ[0] <= f <= DELAY_HZ[1]
    )
    if len(known) < DELAY_TONES:
        return 0.0
    f, phase_rad = (np.array(column) for column in zip(*known, strict=True))
    columns = np.stack((f, np.ones_like(f), 1.0 / f), axis=1)  # delay, an inverting stage, a coupling capacitor
    return float(np.linalg.lstsq(columns, np.unwrap(phase_rad), rcond=None)[0][0])


def _turned(frequency_hz: tuple[float, ...], steps: Sequence[Step], turn_s: float) -> tuple[Step, ...]:
    """The steps with the delay's part taken off their phases."""
    return tuple(
        replace(step, phase_rad=math.pi - (math.pi - step.phase_rad + turn_s * f) % (2.0 * math.pi))
        for f, step in zip(frequency_hz, steps, strict=True)
    )
