"""A label printer behind a device file (`/dev/usb/lp0`, a serial line's node), or a plain file that takes the jobs.

It tells nothing of itself: that it is gone or takes no more shows as an error of a write, and only then. A plain file
is made where there is none and grows by each job; below `/dev` nothing is made, because what is missing there is a
printer. All of it is done in a thread: opening, `fsync` and closing may take their time.

Source: Linux, `drivers/usb/class/usblp.c`: a write that cannot go on is EAGAIN; the last one is still on its way when
`write` returns, and closing throws it away, so one has to `poll` for POLLOUT before; an unplugged printer is ENODEV at
the next write, also at an empty one.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import select
import stat
import struct
import termios
import threading
import time
from pathlib import Path

from drivers.errors import DeviceTimeout, PortError
from drivers.ports import Identity, PrinterLanguage

WRITE_S = 10.0
"""So long may it take no byte; a slow line may take longer for a label."""
PAUSE_S = 0.05


class LabelFile:
    """Implements `drivers.ports.LabelPrinter`."""

    def __init__(self, path: str, language: PrinterLanguage, dpi: int = 203) -> None:
        self._path = Path(path)
        self._language = language
        self._dpi = dpi
        self._device = f"label printer {path}"

    @property
    def language(self) -> PrinterLanguage:
        """What its jobs are written in."""
        return self._language

    @property
    def dpi(self) -> int:
        """Dots to the inch."""
        return self._dpi

    async def ensure_ready(self) -> Identity:
        """Whether it can be opened for writing; it cannot say who it is. Raises `PortError`."""
        await asyncio.to_thread(lambda: os.close(self._open()))
        return Identity()

    async def check(self) -> None:
        """The same: more it does not tell."""
        await self.ensure_ready()

    async def print_job(self, job: bytes) -> None:
        """Hand over all of it. `DeviceTimeout`: it takes no more for `WRITE_S`. `PortError`: it is gone."""
        given_up = threading.Event()
        try:
            await asyncio.to_thread(self._hand_over, job, given_up)
        except OSError as error:
            raise PortError(
                self._device, f"cannot be written to: {error.strerror}; is it on and plugged in?"
            ) from error
        finally:
            given_up.set()  # cancelled: the thread ends soon

    async def close(self) -> None:
        """Nothing is held open between two jobs."""

    def _hand_over(self, job: bytes, given_up: threading.Event) -> None:
        file = self._open()
        try:
            rest, until = memoryview(job), time.monotonic() + WRITE_S
            while rest:
                try:
                    rest = rest[os.write(file, rest) :]
                    until = time.monotonic() + WRITE_S
                except BlockingIOError:
                    given_up.wait(PAUSE_S)
                self._wait_taken(file, until, given_up)
            os.write(file, b"")
            if stat.S_ISREG(os.fstat(file).st_mode):
                os.fsync(file)
        finally:
            os.close(file)

    def _wait_taken(self, file: int, until: float, given_up: threading.Event) -> None:
        """Wait until nothing that was written is on its way any more."""
        room = select.poll()
        room.register(file, select.POLLOUT)
        while True:
            told = dict(room.poll(PAUSE_S * 1000)).get(file, 0)
            if told & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            if told and not _queued(file):
                return
            if time.monotonic() >= until or given_up.is_set():
                raise DeviceTimeout(self._device, f"takes no data for {WRITE_S:g} s; look at its paper")
            if told:
                given_up.wait(PAUSE_S)

    def _open(self) -> int:
        make = 0 if self._path.is_relative_to("/dev") else os.O_CREAT
        try:
            return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | make, 0o640)
        except OSError as error:
            raise PortError(
                self._device, f"cannot be opened: {error.strerror}; is it on, plugged in, and yours to write to?"
            ) from error


def _queued(file: int) -> int:
    """Bytes in the queue of a serial line, which has room for more long before it is empty; 0 of anything else."""
    if not os.isatty(file):
        return 0
    answer: bytes = fcntl.ioctl(file, termios.TIOCOUTQ, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])
