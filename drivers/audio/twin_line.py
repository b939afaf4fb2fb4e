"""The line between the audio driver and the audio twin: small JSON messages, frames through shared memory.

A Unix socket of sequenced packets; one message is one packet, answered by one. The driver brings the memory: a file
descriptor travels with `play` and `stream`.

    {"do": "hello", "rate": 48000}                  {"model": …, "serial": …}
    {"do": "play", "frames": n}                     {}      memory of 2n frames: source, then captured
    {"do": "stream", "period": p, "fade": f, "area": a}
                                                    {}      memory of p + a frames: one period of source, then an area
    {"do": "next", "frames": m}                     {"frames": k}    k <= m new captured frames, 0 after a short wait
    {"do": "end"}                                   {}      mute, let go of the memory

`next` puts frames of a play where they belong in its second half, frames of a stream at the start of its area.
Trouble is answered {"error": text}.
"""

from __future__ import annotations

import json
import mmap
import os
import socket
from typing import Any

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]

FRAME_BYTES = 8
WAIT_S = 0.05
"""How long `next` may be held back by the twin before it answers 0 frames."""
_MESSAGE_BYTES = 4096


def send(line: socket.socket, message: dict[str, Any], *descriptors: int) -> None:
    """One packet, with file descriptors. Raises `OSError`."""
    socket.send_fds(line, [json.dumps(message).encode()], list(descriptors))


def receive(line: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """One packet and its descriptors. Raises `ConnectionError` at the end of the line, `OSError`, `ValueError`."""
    packet, descriptors, _, _ = socket.recv_fds(line, _MESSAGE_BYTES, 1)
    if not packet:
        raise ConnectionResetError("the other end closed the line")
    message = json.loads(packet)
    if not isinstance(message, dict):
        raise ValueError("a message is no object")
    return message, list(descriptors)


class Memory:
    """Shared frames, shape (n, 2), over a file descriptor that this end closes."""

    def __init__(self, descriptor: int, frames: int) -> None:
        try:
            if os.fstat(descriptor).st_size < frames * FRAME_BYTES:
                raise ValueError(f"shared memory holds less than {frames} frames")
            self._map = mmap.mmap(descriptor, frames * FRAME_BYTES)
        finally:
            os.close(descriptor)
        self.frames: Frames = np.frombuffer(self._map, dtype=np.float32).reshape(frames, 2)

    def close(self) -> None:
        """Drop the array; the pages go when nobody looks at them any more."""
        self.frames = np.zeros((0, 2), dtype=np.float32)


def make_memory(frames: int) -> tuple[Memory, int]:
    """New shared memory, and a descriptor of it to send and then to close."""
    descriptor = os.memfd_create("bench-audio-twin", os.MFD_CLOEXEC)
    try:
        os.ftruncate(descriptor, frames * FRAME_BYTES)
        return Memory(os.dup(descriptor), frames), descriptor
    except BaseException:
        os.close(descriptor)
        raise
