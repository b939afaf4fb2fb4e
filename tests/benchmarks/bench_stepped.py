"""The stepped sine: worst errors of response, THD over frequency, crosstalk and phase, and what it takes.

By hand: python tests/benchmarks/bench_stepped.py [seeds]. 31 third octaves on both channels behind coupling capacitors
of several corners, harmonics 2 to 10 at 1/k (THD -64 dB), -70 dB of crosstalk both ways, SNR 95 dB in 20 Hz to 20 kHz,
late by frames that nobody tells. Goals (reference/measurement.md): 2.1 s of audio, response within 0.001 dB, THD from
20 Hz to 10 kHz within 1.5 dB, crosstalk within 1.6 dB. The truth is that of the harmonics that have room under Nyquist.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from station.analysis.latency import sweep_latency
from station.analysis.stepped import Step, analyse_sweep
from station.analysis.sweep import Sweep, plan_sweep, render_sweep
from station.steps.response import THIRD_OCTAVES_HZ

Array = NDArray[np.float64]

PEAK, THD_DB, LEAK_DB, SNR_DB, LATE = 0.3, -64.0, -70.0, 95.0, 143.7
HARMONICS = range(2, 11)
SHARE = 10 ** (THD_DB / 20.0) / math.sqrt(sum(k**-2 for k in HARMONICS))
THD_HZ_MAX = 10000.0
GOALS = {"response, dB": 0.001, "THD to 10 kHz, dB": 1.5, "crosstalk, dB": 1.6}
CORNERS = ((0.0, 1), (1.0, 1), (4.0, 1), (8.0, 1), (20.0, 1), (3.0, 2), (8.0, 2))


@dataclass
class Worst:
    """The worst error by name, and at which frequency."""

    errors: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, name: str, error: float, at_hz: float) -> None:
        self.errors[name] = max(self.errors.get(name, (0.0, 0.0)), (abs(error), at_hz))


def coupling(hz: NDArray[np.floating[Any]], corner_hz: float, order: int) -> NDArray[np.complex128]:
    """A high-pass of the first order, or of the second (Butterworth); without one at 0 Hz."""
    if corner_hz == 0.0:
        return np.ones(hz.shape, dtype=np.complex128)
    s = 1j * hz / corner_hz
    return np.asarray(s / (1.0 + s) if order == 1 else s * s / (1.0 + math.sqrt(2.0) * s + s * s))


def through(x: Array, rate_hz: int, corner_hz: float, order: int) -> Array:
    """`x` (n,) behind the coupling, late by `LATE` frames, through converters that are flat up to 0.45 of the rate."""
    size = 1 << (2 * x.size).bit_length()
    hz = np.fft.rfftfreq(size, 1.0 / rate_hz)
    gain = coupling(hz, corner_hz, order) * np.exp(-2j * np.pi * hz * LATE / rate_hz)
    gain *= np.cos(np.pi / 2.0 * np.clip((hz / rate_hz - 0.45) / 0.05, 0.0, 1.0)) ** 2
    return np.asarray(np.fft.irfft(np.fft.rfft(x, size) * gain, size)[: x.size])


def bent(sweep: Sweep, source: Array, channel: int) -> Array:
    """One channel of the source (n,) with its harmonics, those that have room."""
    stretches = sweep.stretches[channel]
    at, phase, hz = np.array([(s.at, s.phase_rad, s.frequency_hz) for s in stretches]).T
    frame = np.arange(round(at[0]), sweep.ends[channel])
    which = np.searchsorted(at, frame, side="right") - 1
    angle = phase[which] + 2.0 * np.pi / sweep.rate_hz * hz[which] * (frame - at[which])
    out = source.copy()
    for k in HARMONICS:
        room = k * hz[which] <= 0.45 * sweep.rate_hz
        out[frame] += PEAK * SHARE / k * np.where(room, np.sin(k * angle + k), 0.0)
    return out


def look(worst: Worst, steps: tuple[Step, ...], rate_hz: int, corner_hz: float, order: int) -> None:
    """Compare one channel's steps with the truth."""
    for f, step in zip(THIRD_OCTAVES_HZ, steps, strict=False):
        one = complex(coupling(np.array([f]), corner_hz, order)[0])
        worst.take("response, dB", 20.0 * math.log10(step.amplitude / (PEAK * abs(one))), f)
        orders = np.array([k for k in HARMONICS if k * f <= 0.45 * rate_hz])
        if orders.size and f <= THD_HZ_MAX:
            truth = float(np.linalg.norm(SHARE / orders * np.abs(coupling(orders * f, corner_hz, order) / one)))
            worst.take("THD to 10 kHz, dB", 20.0 * math.log10(step.thd / truth) if step.thd else math.inf, f)
        told = math.inf if step.leak is None else 20.0 * math.log10(step.leak / step.amplitude) - LEAK_DB
        worst.take("crosstalk, dB", told, f)
        turn = (step.phase_rad - float(np.angle(one)) + math.pi) % (2.0 * math.pi) - math.pi
        worst.take("phase, deg", math.degrees(turn), f)


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    print("| rate, Hz | coupling | " + " | ".join((*GOALS, "phase, deg")) + " |\n| --- | --- | --- | --- | --- | --- |")
    for rate_hz in (48000, 96000):
        sweep = plan_sweep(THIRD_OCTAVES_HZ, rate_hz)
        source = np.zeros((sweep.frames + rate_hz // 10, 2))
        source[: sweep.frames] = render_sweep(sweep, (PEAK, PEAK))
        noise = PEAK / math.sqrt(2.0) * 10 ** (-SNR_DB / 20.0) * math.sqrt(rate_hz / 2.0 / 19980.0)
        found, whole_s, passed = set(), [], True
        for corner_hz, order in CORNERS:
            clean = [bent(sweep, source[:, c], c) + 10 ** (LEAK_DB / 20.0) * source[:, 1 - c] for c in (0, 1)]
            heard = np.stack([through(x, rate_hz, corner_hz, order) for x in clean], axis=1)
            worst = Worst()
            for seed in range(seeds):
                captured = heard + noise * np.random.default_rng(seed).standard_normal(heard.shape)
                began_s = time.perf_counter()
                latency = sweep_latency(captured, source, rate_hz, rate_hz // 10) or 0
                both = analyse_sweep(captured, sweep, latency)
                whole_s.append(time.perf_counter() - began_s)
                found.add(latency)
                for steps in both:
                    look(worst, steps, rate_hz, corner_hz, order)
            passed &= all(worst.errors[name][0] <= goal for name, goal in GOALS.items())
            name = f"{corner_hz:g} Hz, order {order}" if corner_hz else "none"
            print(f"| {rate_hz} | {name} | " + " | ".join(f"{e:.5f} at {f:g}" for e, f in worst.errors.values()) + " |")
        print(f"\n{rate_hz} Hz: {sweep.frames / rate_hz:.3f} s of audio (goal: at most 2.1), {len(sweep.slots)} slots; "
              f"latency {LATE} frames found as {sorted(found)}; analysed in {1000 * min(whole_s):.0f} to "
              f"{1000 * max(whole_s):.0f} ms; goals {'reached' if passed else 'MISSED'}\n")  # fmt: skip


if __name__ == "__main__":
    main()
