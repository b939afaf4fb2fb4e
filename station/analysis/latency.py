"""How late a capture is behind its source.

A single tone has no unique correlation peak; its onset has: with the gain known from the steady part, the energy that
is missing at a moment inside the steady part, over the power, is the delay, sub-sample fine on a clean tone. A stepped
sine has a peak: tones a third of an octave apart agree at one delay alone.
"""

from __future__ import annotations

import numpy as np

from station.analysis.levels import Samples

CORRELATED_HZ = 300.0
"""Lower tones say nothing of single frames, and a coupling capacitor shifts them."""
ALIKE = 0.6
"""Correlation, of 1.0, under which a capture is not the sweep that was played: hum, crossed leads. A dead channel
beside a live one leaves 0.7."""


def onset_latency(captured: Samples, source: Samples, steady: slice) -> float | None:
    """Delay in frames of `captured` (n,) behind `source` (n,); `steady` lies where both have settled, whole cycles.

    None when there is nothing to compare (either silent).
    """
    heard = np.square(np.asarray(captured, dtype=np.float64))
    sent = np.square(np.asarray(source, dtype=np.float64))
    power, heard_power = float(sent[steady].mean()), float(heard[steady].mean())
    if power <= 0.0 or heard_power <= 1e-9:
        return None
    missing = float(sent[: steady.stop].sum()) - float(heard[: steady.stop].sum()) * power / heard_power
    return missing / power


def first_heard(x: Samples) -> int:
    """The frame at which `x` (n,) first reaches half of its peak: where a tone sets in, to within its fade and a
    quarter of its cycle; what comes of that is the same in source and capture."""
    loud = np.abs(x)
    return int(np.argmax(loud >= 0.5 * float(loud.max())))


def sweep_latency(
    captured: Samples, source: Samples, rate_hz: int, latest: int, least_hz: float = CORRELATED_HZ
) -> int | None:
    """Whole frames, 0 to `latest`, by which `captured` (n, 2) follows `source` (n, 2), many tones one after the other.

    By the peak of their correlation above `least_hz`, each channel with its own and of either sign. None where they are
    not alike; so are crossed leads, of which one would be 2 steps late and the other early.
    """
    n = 1 << (len(captured) + latest).bit_length()
    first = round(least_hz * n / rate_hz)
    heard, sent = (np.fft.rfft(x, n, axis=0)[first:] for x in (captured, source))
    energy = float(np.linalg.norm(heard) * np.linalg.norm(sent))
    if energy <= 0.0:
        return None
    spectrum = np.zeros((n // 2 + 1, 2), dtype=np.complex128)
    spectrum[first:] = heard * np.conj(sent)
    correlation = np.abs(np.fft.irfft(spectrum, n, axis=0)[: latest + 1]).sum(axis=1) * (n / 2.0 / energy)
    best = int(np.argmax(correlation))
    return best if correlation[best] >= ALIKE else None
