"""Recordings on disk as stretches of floats: WAV, FLAC and what else holds plain samples, however long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from station.analysis.errors import CaptureError, WrongRate
from station.analysis.levels import Array
from station.analysis.recording import stretches
from station.domain.errors import SettingsError

RATES_HZ = (44100, 192000)
CHANNELS_MOST = 8
BITS: dict[str, int | None] = {
    "PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": None, "DOUBLE": None,
}  # fmt: skip


class UnreadableRecording(CaptureError):
    """The file is no recording that could be analysed."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file says of itself. `bits` None: floats."""

    path: Path
    rate_hz: int
    channels: int
    frames: int
    bits: int | None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the channels: `mono`; `left`, `right`; else `ch1` …"""
        if self.channels <= 2:
            return ("mono",) if self.channels == 1 else ("left", "right")
        return tuple(f"ch{i}" for i in range(1, self.channels + 1))


def open_recording(path: Path) -> Recording:
    """Read the head of the file. Raises `SettingsError` (no such file) and `UnreadableRecording`."""
    sound = _soundfile()
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; name a recording (WAV or FLAC)") from None
    try:
        head = sound.info(str(path))
    except sound.LibsndfileError as error:
        raise UnreadableRecording(f"{path}: {error.error_string.rstrip('.')}; analyze reads WAV and FLAC") from None
    if head.subtype not in BITS:
        raise UnreadableRecording(
            f"{path}: {head.subtype} in {head.format} does not hold the samples as they were; "
            "record 16, 24 or 32 bit or float as WAV, or FLAC"
        )
    if not RATES_HZ[0] <= head.samplerate <= RATES_HZ[1]:
        raise WrongRate(
            f"{path}: wrong rate: {head.samplerate} Hz; {RATES_HZ[0]} to {RATES_HZ[1]} Hz are analysed "
            "(the band is 20 Hz to 20 kHz)"
        )
    if head.channels > CHANNELS_MOST:
        raise UnreadableRecording(f"{path}: {head.channels} channels; at most {CHANNELS_MOST}")
    return Recording(path, head.samplerate, head.channels, head.frames, BITS[head.subtype])


def read_stretches(recording: Recording) -> Iterator[Array]:
    """Every stretch in order, each (n, channels) of full scale. Raises `UnreadableRecording` where the file breaks."""
    sound = _soundfile()
    try:
        with sound.SoundFile(str(recording.path)) as file:
            for first, end in stretches(recording.frames):
                yield _read(file, end - first)
    except sound.LibsndfileError as error:
        raise UnreadableRecording(f"{recording.path}: {error.error_string.rstrip('.')}; the file is damaged") from None


def read_middle(recording: Recording) -> Array:
    """The stretch in the middle, (n, channels) of full scale. Raises `UnreadableRecording`."""
    sound = _soundfile()
    parts = stretches(recording.frames)
    first, end = parts[len(parts) // 2]
    try:
        with sound.SoundFile(str(recording.path)) as file:
            file.seek(first)
            return _read(file, end - first)
    except sound.LibsndfileError as error:
        raise UnreadableRecording(f"{recording.path}: {error.error_string.rstrip('.')}; the file is damaged") from None


def _read(file: Any, frames: int) -> Array:
    return np.asarray(file.read(frames, dtype="float64", always_2d=True))


def _soundfile() -> Any:
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise SettingsError(f"soundfile is missing ({error}); install the extra `audio`") from None
    return soundfile
