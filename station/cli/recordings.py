"""Recordings on disk as stretches of floats: WAV, FLAC and what else holds plain samples, however long."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
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
UNKNOWN_SIZE = 0xFFFFFFFF


class UnreadableRecording(CaptureError):
    """The file is no recording that could be analysed."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file says of itself. `bits` None: floats. `remark`: what is wrong with the file, if it can be analysed."""

    path: Path
    rate_hz: int
    channels: int
    frames: int
    bits: int | None
    remark: str = ""

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
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise SettingsError(f"{path}: a pipe or a device, not a file; name a recording (WAV or FLAC)")
        promised, present = _samples_bytes(path)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; name a recording (WAV or FLAC)") from None
    try:
        head = sound.info(os.fsencode(path))
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
    if promised == 0 and present > 0:
        raise UnreadableRecording(
            f"{path}: its head says that there are no samples, and {present} bytes follow: what recorded it did not "
            "finish the file; record again, or have the head mended"
        )
    remark = ""
    if promised > present:
        remark = (
            f"{path.name}: cut off: its head promises {promised} bytes of samples and {present} are there; the figures "
            f"are of these {head.frames / head.samplerate:.6g} s: copy it or record again"
        )
    return Recording(path, head.samplerate, head.channels, head.frames, BITS[head.subtype], remark)


def _samples_bytes(path: Path) -> tuple[int, int]:
    """Bytes of samples that a WAV's head promises, and bytes that follow it; 0, 0 where it promises none or is no WAV.

    RIFF and RF64 (EBU Tech 3306): a size of 0xFFFFFFFF is that of `ds64`, or unknown, as a pipe's is.
    """
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(0)
        head, large = file.read(12), 0
        if head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
            return 0, 0
        while len(chunk := file.read(8)) == 8:
            name, size, first = chunk[:4], int.from_bytes(chunk[4:], "little"), file.tell()
            if name == b"data":
                present = end - first
                return (size, present) if size != UNKNOWN_SIZE else (large or present, present)
            if name == b"ds64":
                large = int.from_bytes(file.read(16)[8:], "little")
            file.seek(first + size + size % 2)
    return 0, 0


def read_stretches(recording: Recording) -> Iterator[Array]:
    """Every stretch in order, each (n, channels) of full scale. Raises `UnreadableRecording` where the file breaks."""
    with _opened(recording) as file:
        for first, end in stretches(recording.frames):
            yield _read(file, end - first)


def read_middle(recording: Recording) -> Array:
    """The stretch in the middle, (n, channels) of full scale. Raises `UnreadableRecording`."""
    parts = stretches(recording.frames)
    first, end = parts[len(parts) // 2]
    with _opened(recording) as file:
        file.seek(first)
        return _read(file, end - first)


@contextmanager
def _opened(recording: Recording) -> Iterator[Any]:
    sound = _soundfile()
    try:
        with sound.SoundFile(os.fsencode(recording.path)) as file:
            yield file
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
