"""The audio twin's driver: an interface of the simulated bench behind the same port as a real one.

Frames come only as the twin grants them (after completed scans, at most `speed` times real time), so `read` blocks as
a sound card would. The permit is checked before every block that is asked for.
"""

from __future__ import annotations

import os
import socket
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.audio.twin_line import Memory, make_memory, receive, send
from drivers.errors import AudioFault, PortError
from drivers.ports import Identity, Permit

Frames = NDArray[np.float32]

_ANSWER_S = 10.0
_AREA_S = 2


class TwinAudio:
    """Implements `drivers.ports.AudioDevice`. Connects at the first use; raises `PortError` if no twin is there."""

    def __init__(self, socket_path: str, sample_rate_hz: int = 48000) -> None:
        self._path = socket_path
        self._rate_hz = sample_rate_hz
        self._line: socket.socket | None = None
        self._identity = Identity()
        self._stream: TwinStream | None = None

    @property
    def sample_rate_hz(self) -> int:
        return self._rate_hz

    @property
    def identity(self) -> Identity:
        self._connect()
        return self._identity

    def play_and_capture(self, source: Frames, permit: Permit | None) -> Frames:
        source = _checked(source)
        if permit is None and source.any():
            raise ValueError(f"{self._path}: a source that is not silent needs a permit")
        self._end_stream()
        total = len(source)
        memory, descriptor = make_memory(2 * total)
        memory.frames[:total] = source
        self.ask({"do": "play", "frames": total}, descriptor)
        try:
            at, last = 0, time.monotonic()
            while at < total:
                if permit is not None:
                    permit.check()
                got = int(self.ask({"do": "next", "frames": total - at})["frames"])
                at, last = at + got, self.waited(got, last)
            return memory.frames[total:].copy()
        finally:
            self.end()
            memory.close()

    def stream(self, period: Frames, fade_in_frames: int, permit: Permit) -> TwinStream:
        period = _checked(period)
        self._end_stream()
        permit.check()
        area = _AREA_S * self._rate_hz
        memory, descriptor = make_memory(len(period) + area)
        memory.frames[: len(period)] = period
        self.ask({"do": "stream", "period": len(period), "fade": fade_in_frames, "area": area}, descriptor)
        self._stream = TwinStream(self, memory, memory.frames[len(period) :], permit)
        return self._stream

    def close(self) -> None:
        self._end_stream()
        self.end()
        self._drop()

    # ---- the line ------------------------------------------------------------------------------------------
    def ask(self, message: dict[str, Any], descriptor: int | None = None) -> dict[str, Any]:
        """Send one message, return its answer. Raises `AudioFault` if the twin is gone, mute or refuses."""
        try:
            line = self._connect()
            send(line, message, *([] if descriptor is None else [descriptor]))
            answer, _ = receive(line)
        except (OSError, ValueError) as error:
            self._drop()
            raise AudioFault(
                self._path, f"the audio twin is gone ({error}); start the simulated bench again"
            ) from error
        finally:
            if descriptor is not None:
                os.close(descriptor)
        if "error" in answer:
            raise AudioFault(self._path, f"the audio twin refused {message['do']}: {answer['error']}")
        return answer

    def waited(self, got: int, last: float) -> float:
        """The time of the last frames; raises `AudioFault` if none came for too long."""
        now = time.monotonic()
        if got == 0 and now - last > _ANSWER_S:
            raise AudioFault(self._path, f"no frame was granted for {_ANSWER_S:g} s; see whether scans complete")
        return now if got else last

    def end(self) -> None:
        """Mute and let the twin end what runs; a twin that is gone is mute."""
        if self._line is not None:
            try:
                self.ask({"do": "end"})
            except AudioFault:
                self._drop()

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _connect(self) -> socket.socket:
        if self._line is None:
            line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            line.settimeout(_ANSWER_S)
            try:
                line.connect(self._path)
                send(line, {"do": "hello", "rate": self._rate_hz})
                answer, _ = receive(line)
            except (OSError, ValueError) as error:
                line.close()
                raise PortError(self._path, f"no audio twin answers ({error}); start the simulated bench") from error
            if "error" in answer:
                line.close()
                raise PortError(self._path, f"the audio twin refused: {answer['error']}")
            self._identity = Identity(str(answer.get("model", "")), str(answer.get("serial", "")))
            self._line = line
        return self._line

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


class TwinStream:
    """Implements `drivers.ports.AudioStream`."""

    def __init__(self, device: TwinAudio, memory: Memory, area: Frames, permit: Permit) -> None:
        self._device = device
        self._memory = memory
        self._area = area
        self._permit = permit
        self._open = True

    def read(self, frames: int) -> Frames:
        if not self._open:
            raise AudioFault("audio twin", "the stream is closed; start a new one")
        found = np.empty((frames, 2), dtype=np.float32)
        at, last = 0, time.monotonic()
        while at < frames:
            self._permit.check()
            want = min(frames - at, len(self._area))
            got = int(self._device.ask({"do": "next", "frames": want})["frames"])
            found[at : at + got] = self._area[:got]
            at, last = at + got, self._device.waited(got, last)
        return found

    def close(self) -> None:
        if self._open:
            self._open = False
            self._device.end()
            self._area = self._area[:0].copy()
            self._memory.close()


def _checked(frames: Frames) -> Frames:
    checked = np.asarray(frames, dtype=np.float32)
    if checked.ndim != 2 or checked.shape[1] != 2 or len(checked) == 0:
        raise ValueError(f"audio twin: frames of shape {checked.shape}; give (n, 2) with n of at least 1")
    if not np.isfinite(checked).all():
        raise ValueError("audio twin: the source holds NaN or infinity; give finite frames")
    return checked
