"""Levels and the sanity of a capture: rms, DC, decibels, clipping, finiteness.

Samples are floats with 1.0 as full scale. A level in full scale is a *peak* (1.0 is a full-scale sine); volts are
rms, so volts = peak times the interface's V rms for a full-scale sine. No weighting and no spectra here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from station.analysis.errors import Clipped, DcOnly, NotFinite, Silent, TooShort

Samples = NDArray[np.floating[Any]]
Array = NDArray[np.float64]
Phasors = NDArray[np.complex128]

CLIP_LEVEL = 1.0 - 2.0**-15
CLIP_RUN = 3


def db(ratio: float) -> float:
    """Amplitude ratio as decibels; -inf for 0."""
    return 20.0 * math.log10(ratio) if ratio > 0.0 else -math.inf


def ratio(decibels: float) -> float:
    """Decibels as amplitude ratio."""
    return float(10.0 ** (decibels / 20.0))


def rms(x: Samples) -> float:
    """Root mean square of all samples, DC included, in the unit of `x`."""
    flat = np.asarray(x, dtype=np.float64).ravel()
    return math.sqrt(float(flat @ flat) / flat.size)


def clipped(x: Samples) -> bool:
    """True when three samples in a row of `x` (n,) sit at full scale (contracts/cli.md)."""
    at_end = np.abs(x) >= CLIP_LEVEL
    if not at_end.any():
        return False
    run = at_end[2:] & at_end[1:-1] & at_end[:-2]
    return bool(run.any())


def require_finite(x: Samples) -> None:
    """Raise `NotFinite` when any sample is NaN or infinite."""
    if not np.isfinite(x).all():
        raise NotFinite("the capture holds NaN or infinity: the audio driver is broken, nothing in it may be judged")


def require_usable(x: Samples, frames: int, floor: float = 0.0) -> None:
    """Raise the `CaptureError` that says why `x` (n,) cannot be analysed.

    `frames`: least number of frames; `floor`: rms without DC (full scale) at or under which it counts as silent.
    """
    if x.size < frames:
        raise TooShort(f"{x.size} frames are too few: at least {frames} are needed")
    require_finite(x)
    if clipped(x):
        raise Clipped(f"{CLIP_RUN} full-scale samples in a row: the input is overdriven, lower its gain")
    mean = float(np.mean(x, dtype=np.float64))
    alternating = rms(x - mean)
    if alternating <= max(floor, 1e-9):
        if abs(mean) > max(10.0 * floor, 1e-6):
            raise DcOnly(f"nothing but DC of {mean:.3g} of full scale: check the coupling")
        raise Silent(f"rms {alternating:.2g} of full scale is at or under the floor {floor:.2g}: check the leads")
