"""Recordings with known truth, made by other formulas than the station's: for the tests and the grid by hand.

The tone is a cosine by angle sum over integer frames; its harmonics come from a waveshaper of Chebyshev polynomials
(T_k(cos a) = cos k a), by their recurrence; hum is a sum of cosines; noise is Gaussian. Encoding is by hand: whole
numbers are rounded with dither and packed byte by byte, not by libsndfile.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """One channel. Levels as in contracts/cli.md; `snr_db` None: no noise; `hum_dbc` None: no hum."""

    frequency_hz: float = 997.37
    level_dbfs: float = -6.0
    dc_fs: float = 0.0
    thd_percent: float = 0.1
    orders: tuple[int, ...] = (2, 3, 4, 5, 6, 7, 8, 9, 10)
    snr_db: float | None = None
    hum_dbc: float | None = None
    mains_hz: float = 50.0
    multiples: tuple[int, ...] = (1, 2, 3, 6)
    seed: int = 1
    shares: tuple[float, ...] = field(default=())

    def orders_under(self, rate_hz: int) -> list[int]:
        """Those whose harmonics fit under Nyquist."""
        return [k for k in self.orders if k * self.frequency_hz < rate_hz / 2]

    def harmonics(self, rate_hz: int) -> dict[int, float]:
        """Amplitude of each harmonic over the fundamental: falling as 1 / k."""
        orders = self.orders_under(rate_hz)
        if not orders or not self.thd_percent:
            return {}
        size = math.sqrt(sum(k**-2 for k in orders))
        return {k: self.thd_percent / 100.0 / k / size for k in orders}

    def figures(self, rate_hz: int, bits: int | None = None) -> dict[str, float | None]:
        """What `analyze` should say of it; `bits`: encoded with dither, whose noise counts (a quarter step squared)."""
        harmonics = self.harmonics(rate_hz)
        thd = sum(h * h for h in harmonics.values())
        in_band = sum(h * h for k, h in harmonics.items() if k * self.frequency_hz <= 20000)
        hum = 0.0 if self.hum_dbc is None else 10 ** (self.hum_dbc / 10)
        noise = 0.0 if self.snr_db is None else 10 ** (-self.snr_db / 10)
        if bits is not None:
            noise += (2.0 ** (1 - bits)) ** 2 / 4 * 19980 / (rate_hz / 2) / (10 ** (self.level_dbfs / 10) / 2)
        rest = in_band + hum + noise
        found: dict[str, float | None] = {
            "frequency_hz": self.frequency_hz,
            "level_dbfs": self.level_dbfs,
            "dc_fs": self.dc_fs,
            "thd_percent": 100 * math.sqrt(thd),
            "thd_n_percent": 100 * math.sqrt(rest / (1 + rest)),
            "snr_db": -10 * math.log10(hum + noise) if hum + noise else None,
            "hum_dbc": self.hum_dbc,
        }
        found |= {f"h{k}": 20 * math.log10(h) for k, h in harmonics.items()}
        return found


def wave(truth: Truth, rate_hz: int, seconds: float) -> Wave:
    """The channel, full scale. `snr_db` is against noise in 20 Hz to 20 kHz, hum left out."""
    n = round(seconds * rate_hz)
    cycles = truth.frequency_hz / rate_hz
    whole = np.arange(n) // 4096
    angle = 2 * np.pi * ((whole * (4096 * cycles % 1.0)) % 1.0 + (np.arange(n) % 4096) * cycles + 0.17)
    c = np.cos(angle)
    before, now = np.ones(n), c
    total = c.copy()
    harmonics = truth.harmonics(rate_hz)
    for k in range(2, max(harmonics, default=1) + 1):
        before, now = now, 2 * c * now - before
        total += harmonics.get(k, 0.0) * now
    amplitude = 10 ** (truth.level_dbfs / 20)
    random = np.random.default_rng(truth.seed)
    if truth.hum_dbc is not None:
        share = 10 ** (truth.hum_dbc / 20) / math.sqrt(len(truth.multiples))
        for m in truth.multiples:
            phase = random.uniform(0, 1)
            total += share * np.cos(2 * np.pi * (m * truth.mains_hz / rate_hz * np.arange(n) + phase))
    total = amplitude * total + truth.dc_fs
    if truth.snr_db is not None:
        inside = 19980 / (rate_hz / 2)
        sigma = amplitude / math.sqrt(2) * 10 ** (-truth.snr_db / 20) / math.sqrt(inside)
        total += sigma * random.standard_normal(n)
    return total


def write_wav(path: Path, channels: list[Wave], rate_hz: int, kind: str = "24", dither: bool = True) -> Path:
    """Write a WAV by hand: `kind` 16, 24, 32 (whole numbers, clipped at the ends) or f32, f64."""
    frames = np.stack(channels, axis=1)
    bits = int(kind.lstrip("f"))
    if kind.startswith("f"):
        body = frames.astype(f"<f{bits // 8}").tobytes()
    else:
        full = 2.0 ** (bits - 1)
        random = np.random.default_rng(99)
        noise = random.random(frames.shape) - random.random(frames.shape) if dither else 0.0
        whole = np.clip(np.floor(frames * full + noise + 0.5), -full, full - 1).astype("<i8")
        body = whole.view(np.uint8).reshape(*frames.shape, 8)[:, :, : bits // 8].tobytes()
    width = bits // 8 * frames.shape[1]
    code = 3 if kind.startswith("f") else 1
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(body), b"WAVE", b"fmt ", 16, code, frames.shape[1], rate_hz,
                       rate_hz * width, width, bits)  # fmt: skip
    path.write_bytes(head + struct.pack("<4sI", b"data", len(body)) + body)
    return path
