"""A label printer behind a file descriptor: a turn opens it, works on it in threads, and lets go of it.

Opening, writing, `fsync` and closing may all take their time, so none of it is done in the event loop. A turn that is
given up (cancelled, timed out) ends its thread within `PAUSE_S`, and the descriptor is closed only after that.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import select
import struct
import termios
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from drivers.errors import DriverError, PortError
from drivers.ports import Identity
from drivers.printer import wire
from drivers.printer.wire import Connection

PAUSE_S = 0.05
LOST = select.POLLERR | select.POLLHUP | select.POLLNVAL


class DescriptorWire:
    """Implements `wire.Wire`. Which file, and how it is opened, is said by `open_file` and its kin; all in threads."""

    def __init__(self, device: str) -> None:
        self.device = device
        self._lock = asyncio.Lock()

    def identity(self) -> Identity:
        return Identity()

    def open_file(self) -> int:
        """Open it, not to block. Raises `PortError`."""
        raise NotImplementedError

    def close_file(self, file: int, spoilt: bool) -> None:
        """Let go of it; `spoilt`: what is still on its way need not arrive."""
        os.close(file)

    def settle(self, file: int) -> None:
        """After the last byte of something was taken. Raises `OSError`."""

    def look_at(self, file: int) -> None:
        """What the port says of the printer by itself. Raises `PrinterNotReady`."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Connection]:
        async with self._lock:
            turn = _Turn(self)
            try:
                await asyncio.to_thread(turn.begin)
                yield turn
            finally:
                turn.given_up.set()
                await asyncio.shield(asyncio.to_thread(turn.end))


class _Turn:
    """Implements `wire.Connection`. `_busy` is held by the thread that works on the file."""

    def __init__(self, its: DescriptorWire) -> None:
        self._its = its
        self._file = -1
        self._spoilt = False
        self._busy = threading.Lock()
        self.given_up = threading.Event()

    def begin(self) -> None:
        with self._busy:
            if not self.given_up.is_set():
                self._file = self._its.open_file()

    def end(self) -> None:
        with self._busy:
            file, self._file = self._file, -1
            if file >= 0:
                self._its.close_file(file, self._spoilt)

    async def look(self) -> None:
        await asyncio.to_thread(self._work, lambda: self._its.look_at(self._file))

    async def send(self, data: bytes) -> None:
        await asyncio.to_thread(self._work, lambda: self._send(data))

    async def receive(self, until: Callable[[bytes], bool], question: str) -> bytes:
        heard = bytearray()
        await asyncio.to_thread(self._work, lambda: self._receive(heard, until, question))
        return bytes(heard)

    def _work(self, work: Callable[[], None]) -> None:
        with self._busy:
            if self._file < 0:
                raise self._lost(OSError(errno.EBADF, "the turn is over"))
            try:
                work()
            except OSError as error:
                raise self._lost(error) from error

    def _send(self, data: bytes) -> None:
        self._spoilt = True
        rest, until = memoryview(data), time.monotonic() + wire.WRITE_S
        while rest:
            try:
                rest = rest[os.write(self._file, rest) :]
                until = time.monotonic() + wire.WRITE_S
            except BlockingIOError:
                self.given_up.wait(PAUSE_S)
            self._wait_taken(until)
        self._its.settle(self._file)
        self._spoilt = False

    def _wait_taken(self, until: float) -> None:
        """Wait until nothing that was written is on its way any more; as long as it becomes less there is time."""
        room, before = select.poll(), 1 << 30
        room.register(self._file, select.POLLOUT)
        while True:
            told = dict(room.poll(PAUSE_S * 1000)).get(self._file, 0)
            if told & LOST:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            left = _queued(self._file)
            if told and not left:
                return
            if 0 < left < before:
                before, until = left, time.monotonic() + wire.WRITE_S
            if time.monotonic() >= until or self.given_up.is_set():
                raise wire.stuck(self._its.device)
            if told:
                self.given_up.wait(PAUSE_S)

    def _receive(self, heard: bytearray, until: Callable[[bytes], bool], question: str) -> None:
        some, deadline = select.poll(), time.monotonic() + wire.ANSWER_S
        some.register(self._file, select.POLLIN)
        while not until(bytes(heard)):
            if time.monotonic() >= deadline or self.given_up.is_set():
                raise wire.silent(self._its.device, question, bytes(heard))
            told = dict(some.poll(PAUSE_S * 1000)).get(self._file, 0)
            more = _read(self._file) if told & select.POLLIN else b""
            if not more and told & LOST:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            if not more and told:
                self.given_up.wait(PAUSE_S)  # usblp: a packet of no bytes
            heard += more
            wire.require_short(self._its.device, question, bytes(heard))

    def _lost(self, error: OSError) -> DriverError:
        return PortError(self._its.device, f"cannot be written to: {error.strerror}; is it on and plugged in?")


def _read(file: int) -> bytes:
    try:
        return os.read(file, 4096)
    except BlockingIOError:
        return b""


def _queued(file: int) -> int:
    """Bytes in the queue of a serial line, which has room for more long before it is empty; 0 of anything else."""
    if not os.isatty(file):
        return 0
    answer: bytes = fcntl.ioctl(file, termios.TIOCOUTQ, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])
