"""What is played: tones with smooth starts and ends, and the period that a stream repeats.

Frames are float32 (n, 2), left and right, 1.0 is full scale. A tone starts at phase 0 with a raised-cosine fade.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from station.analysis.levels import Array

Frames = NDArray[np.float32]


def fade_in(frames: int) -> Array:
    """A raised cosine from 0 to 1, shape (frames,)."""
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * (np.arange(frames) + 0.5) / max(frames, 1)))


def sine(frames: int, rate_hz: int, frequency_hz: float, peak: float, fade_frames: int) -> Array:
    """A sine (frames,) of `peak` full scale, faded in and out over `fade_frames` each."""
    wave = peak * np.sin(2.0 * np.pi * (frequency_hz / rate_hz) * np.arange(frames))
    ramp = fade_in(fade_frames)
    wave[:fade_frames] *= ramp
    wave[frames - fade_frames :] *= ramp[::-1]
    return np.asarray(wave)


def tone(frames: int, rate_hz: int, frequency_hz: float, peaks: tuple[float, float], fade_frames: int) -> Frames:
    """The same tone on both channels with a peak each, shape (frames, 2)."""
    wave = sine(frames, rate_hz, frequency_hz, 1.0, fade_frames)
    return np.asarray(wave[:, None] * np.asarray(peaks), dtype=np.float32)


def silence(frames: int) -> Frames:
    """Nothing, shape (frames, 2)."""
    return np.zeros((frames, 2), dtype=np.float32)


def whole_period(frames: int, rate_hz: int, frequency_hz: float, peaks: tuple[float, float]) -> Frames:
    """`frames` frames that repeat seamlessly, shape (frames, 2).

    Raises `ValueError` when they do not hold a whole number of cycles.
    """
    cycles = frames * frequency_hz / rate_hz
    if abs(cycles - round(cycles)) > 1e-9 or round(cycles) < 1:
        raise ValueError(
            f"{frequency_hz:g} Hz does not repeat in {frames} frames at {rate_hz} Hz: "
            f"use a multiple of {rate_hz / frames:g} Hz"
        )
    wave = np.sin(2.0 * np.pi * round(cycles) / frames * np.arange(frames))
    return np.asarray(wave[:, None] * np.asarray(peaks), dtype=np.float32)
