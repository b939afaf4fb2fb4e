"""What daemon and sound process say to each other: frozen requests and replies, and how they are framed.

A frame is a length (4 bytes, big-endian) and a pickle, over a socket pair between parent and child; nobody else
can reach it. Every request has a number; its reply carries it back, in any order. No numpy on this page.
"""

from __future__ import annotations

import pickle
import socket
import struct
from dataclasses import dataclass
from typing import Any, Literal

from drivers.errors import AudioFault, PermitDenied
from drivers.settings import AudioSettings
from station.domain.calibration import Revision
from station.domain.sound import Stimulus, TraceEvent, Watch

MAX_FRAME_BYTES = 16 * 1024 * 1024
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Open:
    """First request: open the device. Answered by an `Identity`."""

    kind: str
    settings: AudioSettings
    catalog: str
    calibration: Revision | None = None


@dataclass(frozen=True, slots=True)
class AskWho:
    """Who hangs there now. Answered by an `Identity`: the first one's, for a process that meets another ends."""


@dataclass(frozen=True, slots=True)
class MeasureTone:
    """Answered by two `ToneReading`."""

    stimulus: Stimulus


@dataclass(frozen=True, slots=True)
class MeasureResponse:
    """Answered by two `ResponseReading`."""

    frequencies_hz: tuple[float, ...]
    left_v: float
    right_v: float


@dataclass(frozen=True, slots=True)
class MeasureNoise:
    """Answered by two `NoiseReading`."""

    duration_s: float


@dataclass(frozen=True, slots=True)
class CapturePlace:
    """Where a run's captures are kept, and how large the folder of all runs may become (in 10^6 bytes)."""

    folder: str
    run_id: str
    max_mb: float


@dataclass(frozen=True, slots=True)
class KeepSound:
    """What makes a soak a trace. Without a place nothing can be kept, and what would have been is told."""

    watch: Watch
    place: CapturePlace | None


@dataclass(frozen=True, slots=True)
class StartSoak:
    """Answered by None once the stream runs."""

    stimulus: Stimulus
    keep: KeepSound | None = None


@dataclass(frozen=True, slots=True)
class MarkEvent:
    """Something that another meter saw while a trace runs. Answered by None."""

    event: TraceEvent


@dataclass(frozen=True, slots=True)
class TakeKept:
    """Of the last trace, once it is closed. Answered by a `Kept`, or None while files are being written."""

    last_call: bool = False
    """What is not written by now is named as missing."""


@dataclass(frozen=True, slots=True)
class Advance:
    """Answered by a `SoakBatch` once every frame up to `to_s` was looked at."""

    to_s: float


@dataclass(frozen=True, slots=True)
class CloseSoak:
    """Answered by None once the stream is muted and closed."""


@dataclass(frozen=True, slots=True)
class Mute:
    """Stop whatever drives; answered by None once it has. Overtakes every job."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Answered by None at once: the sound process lives."""


Job = (
    Open
    | AskWho
    | MeasureTone
    | MeasureResponse
    | MeasureNoise
    | StartSoak
    | Advance
    | MarkEvent
    | TakeKept
    | CloseSoak
)
Request = Job | Mute | Ping


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception on its way to the caller. `about` is the permit or the device."""

    kind: Literal["permit", "value", "busy", "audio"]
    about: str
    message: str

    def exception(self) -> Exception:
        """The exception that the caller sees."""
        match self.kind:
            case "permit":
                return PermitDenied(self.about, self.message)
            case "value":
                return ValueError(self.message)
            case "busy":
                return RuntimeError(self.message)
            case "audio":
                return AudioFault(self.about, self.message)


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to request `number`: a value or a `Failure`; `captured_s` was captured since the last reply."""

    number: int
    body: Any
    captured_s: float = 0.0


def encode(message: tuple[int, Request] | Reply) -> bytes:
    """One frame."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    if len(body) > MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {len(body)} bytes is above {MAX_FRAME_BYTES}")
    return _LENGTH.pack(len(body)) + body


def length_of(header: bytes) -> int:
    """Bytes that follow a header. Raises `ValueError` above the limit."""
    size = int(_LENGTH.unpack(header)[0])
    if size > MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {size} bytes is above {MAX_FRAME_BYTES}")
    return size


HEADER_BYTES = _LENGTH.size


def decode(body: bytes) -> Any:
    """The message of a frame."""
    return pickle.loads(body)


def receive(sock: socket.socket) -> Any | None:
    """Block for the next message; None when the other end is gone."""
    header = _receive_exactly(sock, HEADER_BYTES)
    if header is None:
        return None
    body = _receive_exactly(sock, length_of(header))
    return None if body is None else decode(body)


def _receive_exactly(sock: socket.socket, size: int) -> bytes | None:
    parts: list[bytes] = []
    while size > 0:
        part = sock.recv(size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
