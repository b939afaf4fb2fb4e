"""Whether what comes in pieces can be analysed at all: finite, not clipped, not silent, not only DC.

The streaming form of `levels.require_usable`: a run of full-scale samples across two pieces is found too.
"""

from __future__ import annotations

import math

import numpy as np

from station.analysis.errors import CaptureError, Clipped, DcOnly, NotFinite, Silent, TooShort
from station.analysis.levels import CLIP_LEVEL, CLIP_RUN, Samples

SILENT_RMS = 1e-4
"""-77 dBFS: noise alone under this is silence, above it a signal without a tone."""
FLOAT_STEP = 2.0**-24
FINEST = 2.0**31
"""Steps of full scale in the finest whole-number format."""


class CaptureWatch:
    """Looks at every sample of one channel once. `bits`: of a whole-number format; None for floats."""

    def __init__(self, bits: int | None) -> None:
        self.step = FLOAT_STEP if bits is None else 2.0 ** (1 - bits)
        self.frames = 0
        self.clipped_at: int | None = None
        self.bad_at: int | None = None
        self._extreme = 1.0 if bits is None else 1.0 - self.step
        self._sum = self._squares = self._peak = 0.0
        self._used: int | None = 0  # which bits of whole numbers are in use, None: finer than `FINEST`
        self._single = True
        self._tail: Samples = np.zeros(0)

    @property
    def usable(self) -> bool:
        """Neither NaN nor clipping so far."""
        return self.bad_at is None and self.clipped_at is None

    @property
    def mean(self) -> float:
        """Mean of all samples so far."""
        return self._sum / self.frames if self.frames else 0.0

    @property
    def alternating_rms(self) -> float:
        """Rms without DC of all samples so far."""
        return math.sqrt(max(self._squares / self.frames - self.mean**2, 0.0)) if self.frames else 0.0

    @property
    def floor(self) -> float:
        """Rms up to which noise without a tone counts as silence."""
        return max(SILENT_RMS, self.step)

    @property
    def rounding(self) -> float:
        """The step to which the samples were rounded at most, found in them; 0.0 where it is a double's.

        A 24 bit or float file may hold what was rounded to 16 bit; single floats are rounded to 2^-24 of the next
        power of two above them.
        """
        grid = 0.0 if self._used is None else (self._used & -self._used) / FINEST
        return max(grid, 2.0 ** (math.frexp(self._peak)[1] - 24) if self._single else 0.0)

    def push(self, x: Samples) -> None:
        """Take the next samples (n,), full scale."""
        finite = np.isfinite(x)
        if self.bad_at is None and not finite.all():
            self.bad_at = self.frames + int(np.argmin(finite))
        peak = float(np.abs(x).max()) if x.size else 0.0
        if self.clipped_at is None and peak >= CLIP_LEVEL:
            self._find_clipping(x)
        if self.usable:
            self._peak = max(self._peak, peak)
            self._find_rounding(x)
            self._sum += float(np.sum(x))
            self._squares += float(x @ x)
        self._tail = np.concatenate((self._tail, x[-2:]))[-2:]
        self.frames += x.size

    def _find_rounding(self, x: Samples) -> None:
        if self._used is not None and self._peak < FINEST:
            scaled = x * FINEST
            whole = scaled.astype(np.int64)
            self._used = self._used | int(np.bitwise_or.reduce(whole)) if np.array_equal(whole, scaled) else None
        if self._single:
            self._single = self._peak < float(np.finfo(np.float32).max) and np.array_equal(x.astype(np.float32), x)

    def _find_clipping(self, x: Samples) -> None:
        """Three in a row at full scale: at an end of the format's range or beyond, or stuck at one value beside it."""
        y = np.concatenate((self._tail, x))
        high, size = np.abs(y) >= CLIP_LEVEL, np.abs(y)
        run = high[2:] & high[1:-1] & high[:-2]
        stuck = (y[2:] == y[1:-1]) & (y[1:-1] == y[:-2])
        at_end = (size[2:] >= self._extreme) & (size[1:-1] >= self._extreme) & (size[:-2] >= self._extreme)
        places = np.flatnonzero(run & (stuck | at_end))
        if places.size:
            self.clipped_at = self.frames - self._tail.size + int(places[0])

    def error(self, least_frames: float) -> CaptureError | None:
        """Why this channel cannot be analysed, None when nothing speaks against it."""
        if self.bad_at is not None:
            return NotFinite(f"NaN or infinity at frame {self.bad_at}: nothing in it may be judged")
        if self.frames < least_frames:
            return TooShort(f"{self.frames} frames are too few: at least {math.ceil(least_frames)} are needed")
        if self.clipped_at is not None:
            return Clipped(
                f"{CLIP_RUN} full-scale samples in a row at frame {self.clipped_at}: the input was overdriven, "
                "lower its gain and record again"
            )
        if self.alternating_rms <= 1.5 * self.step and self.alternating_rms <= 1e-6:
            if abs(self.mean) > 10.0 * self.step:
                return DcOnly(f"nothing but DC of {self.mean:.3g} of full scale: check the coupling")
            return Silent("no signal at all: check the leads")
        return None
