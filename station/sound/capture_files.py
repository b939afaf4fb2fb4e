"""Captures as files: a thread that writes FLAC, and the bounds of the folder they lie in.

    <folder>/<run id>/<n>-<event>-<at_s>.flac        24 bit, both channels, full scale as captured

Whoever hands frames over never waits for the disk. What cannot be written is told in words and the trace goes on; a
disk is never filled so far that the store beside it would suffer. The oldest runs give way.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import queue
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from station.domain.record import Capture
from station.sound.capture_folder import PART, runs_of
from station.sound.protocol import CapturePlace

if TYPE_CHECKING:
    from drivers.ports import Frames

log = logging.getLogger(__name__)

BACKLOG_S = 60.0
"""Sound that waits to be written before whoever reads faster than real time should wait."""
BACKLOG_S_MAX = 150.0
"""… and before a capture is given up: the disk is too slow."""
RESERVE_BYTES = 200_000_000
"""Of the disk; left to the store, which must never lack room for a result."""
NICE = 10


@dataclass(frozen=True, slots=True)
class Whole:
    """A capture whose frames were all handed over: what its file is called and what it holds."""

    name: str
    event: str
    at_s: float
    before_s: float
    after_s: float


Item = tuple[int, "Frames | Whole"]


class CaptureWriter:
    """Writes the captures of one run, by number, one at a time; `frames` and `whole` never wait."""

    def __init__(self, place: CapturePlace, rate_hz: int, about: str) -> None:
        self._folder = Path(place.folder)
        self._run = self._folder / place.run_id
        self._max_bytes = round(place.max_mb * 1e6)
        self._rate_hz = rate_hz
        self._about = about
        self._items: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._moved = threading.Condition()
        self._waiting_frames = 0
        self._waiting_items = 0
        self._captures: list[Capture] = []
        self._lost: dict[int, str] = {}
        self._file: Any = None
        self._open = 0
        self._thread = threading.Thread(target=self._run_items, name="captures", daemon=True)
        self._thread.start()

    @property
    def is_behind(self) -> bool:
        """Whether so much waits that a reader who can wait should."""
        return self._waiting_frames > BACKLOG_S * self._rate_hz

    @property
    def is_idle(self) -> bool:
        """Whether all that was handed over is written."""
        return self._waiting_items == 0

    @property
    def captures(self) -> tuple[Capture, ...]:
        """What is written."""
        with self._moved:
            return tuple(self._captures)

    @property
    def lost(self) -> tuple[str, ...]:
        """What could not be, and why."""
        with self._moved:
            return tuple(f"capture {number} is missing: {why}" for number, why in sorted(self._lost.items()))

    def frames(self, number: int, frames: Frames) -> None:
        """The next frames of capture `number`; they must not change any more."""
        if self._waiting_frames + len(frames) > BACKLOG_S_MAX * self._rate_hz:
            self._lose(number, f"more than {BACKLOG_S_MAX:g} s of sound waited for the disk, which is too slow")
        elif number not in self._lost:
            self._put((number, frames), len(frames))

    def whole(self, number: int, whole: Whole) -> None:
        """Capture `number` has all its frames."""
        self._put((number, whole), 0)

    def close(self) -> None:
        """No more captures; what was handed over is still written."""
        self._items.put(None)

    # ---- the thread ----------------------------------------------------------------------------------------
    def _put(self, item: Item, frames: int) -> None:
        with self._moved:
            self._waiting_frames += frames
            self._waiting_items += 1
        self._items.put(item)

    def _lose(self, number: int, why: str) -> None:
        with self._moved:
            self._lost.setdefault(number, why)

    def _run_items(self) -> None:
        with contextlib.suppress(OSError):  # the capture goes before
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        while (item := self._items.get()) is not None:
            number, content = item
            try:
                if number not in self._lost:
                    self._take(number, content)
            except Exception as error:  # whatever a disk or a library comes up with costs this capture and no more
                self._lose(number, _words(error))
            if number in self._lost:
                self._discard()
            with self._moved:
                self._waiting_items -= 1
                self._waiting_frames -= 0 if isinstance(content, Whole) else len(content)
        self._discard()

    def _take(self, number: int, content: Frames | Whole) -> None:
        if isinstance(content, Whole):
            self._finish(number, content)
            return
        if self._open != number:
            self._begin(number)
        free = shutil.disk_usage(self._run).free
        if free < RESERVE_BYTES:
            raise OSError(f"{free / 1e6:.0f} MB are free on the disk; {RESERVE_BYTES / 1e6:.0f} MB are left to results")
        self._file.write(content)

    def _begin(self, number: int) -> None:
        from soundfile import SoundFile  # here alone: whoever keeps no sound needs no library for it

        self._discard()
        self._run.mkdir(parents=True, exist_ok=True)
        self._file = SoundFile(
            str(self._part), "w", samplerate=self._rate_hz, channels=2, format="FLAC", subtype="PCM_24"
        )
        self._open = number
        self._file.comment = self._about

    def _finish(self, number: int, whole: Whole) -> None:
        if self._open != number:
            raise OSError("no frame of it was there")
        frames = round((whole.before_s + whole.after_s) * self._rate_hz)
        self._file.close()
        self._file, self._open = None, 0
        _require_whole(self._part, frames)
        with self._part.open("rb+") as file:
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        target = self._run / whole.name
        self._part.replace(target)
        self._keep_in_bounds(target)
        capture = Capture(
            f"{self._run.name}/{whole.name}", whole.event, round(whole.at_s, 3), round(whole.before_s, 3),
            round(whole.after_s, 3), self._rate_hz, target.stat().st_size, digest,
        )  # fmt: skip
        with self._moved:
            self._captures.append(capture)

    def _keep_in_bounds(self, newest: Path) -> None:
        """The oldest runs give way; where this run alone is too much, its newest capture does."""
        try:
            runs = sorted(runs_of(self._folder), key=lambda run: run.stat().st_mtime)
            sizes = {run: sum(file.stat().st_size for file in run.iterdir()) for run in runs}
        except OSError as error:  # a folder that cannot be measured costs no capture that is whole
            log.warning("captures.max_mb is not kept to this time: %s", error)
            return
        for run in runs:
            if sum(sizes.values()) <= self._max_bytes:
                return
            if run != self._run:
                shutil.rmtree(run, ignore_errors=True)
                del sizes[run]
        if sum(sizes.values()) > self._max_bytes:
            newest.unlink()
            raise OSError(f"captures.max_mb of {self._max_bytes / 1e6:g} is used up by this run alone")

    @property
    def _part(self) -> Path:
        return self._run / f"capture{PART}"

    def _discard(self) -> None:
        """Let go of a file that will not be whole."""
        if self._file is not None:
            with contextlib.suppress(Exception):
                self._file.close()
            self._file, self._open = None, 0
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)


def _require_whole(path: Path, frames: int) -> None:
    """Raise `OSError` where the file holds other than `frames`: a full disk is not always told."""
    from soundfile import info

    held = info(str(path)).frames
    if held != frames:
        raise OSError(f"{held} of {frames} frames were written; see whether the disk is full")


def _words(error: Exception) -> str:
    if isinstance(error, ImportError):
        return 'the package "soundfile" is not installed (extra "audio"), which writes FLAC'
    return str(error) or repr(error)
