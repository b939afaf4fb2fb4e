"""A bar-code scanner that presents itself as a USB keyboard: read below the console, which is kept from its keys.

`/dev/input/by-id/usb-…-event-kbd` is the name that stays. The kernel's own stamps tell a scan from a hand, so a loop
that is late does not matter. Nothing here waits: the device is read when it has something.

Sources: Linux `include/uapi/linux/input.h` (`EVIOCGRAB` and the other requests), Documentation/input/input.rst.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import struct
import time
from collections.abc import Callable

from drivers.errors import PortError
from drivers.ports import Identity
from drivers.uart.key_events import EVENT, KeyReader
from drivers.uart.scans import Scans

GRAB = 0x40044590  # EVIOCGRAB, _IOW('E', 0x90, int)
SET_CLOCK = 0x400445A0  # EVIOCSCLOCKID, _IOW('E', 0xa0, int)
GET_ID = 0x80084502  # EVIOCGID, _IOR('E', 0x02, struct input_id)
TEXT_BYTES = 256
GET_NAME = 0x80004506 | TEXT_BYTES << 16  # EVIOCGNAME(256)
GET_UNIQUE = 0x80004508 | TEXT_BYTES << 16  # EVIOCGUNIQ(256)
_ID = struct.Struct("@HHHH")  # bus, vendor, product, version
_REMEDIES = {
    errno.ENOENT: "nothing is plugged in under this name; plug it in, or look under /dev/input/by-id",
    errno.EACCES: "no permission; add the station's user to the group input",
    errno.EBUSY: "another program has grabbed it; stop it",
    errno.ENOTTY: "this is no input device; name one of /dev/input/by-id that ends in -event-kbd",
    errno.EINVAL: "this is no input device; name one of /dev/input/by-id that ends in -event-kbd",
}

Ioctl = Callable[[int, int, int | bytearray], int]


def kernel(file: int, request: int, argument: int | bytearray) -> int:
    """The ioctl. Raises `OSError`."""
    return fcntl.ioctl(file, request, argument)


class KeyboardScanner:
    """One scanner; implements `drivers.ports.Scanner`. Keys further apart than `gap_s` are typed by hand."""

    def __init__(self, path: str, gap_s: float = 0.05, ioctl: Ioctl = kernel) -> None:
        """`ioctl` is for twins, which are no input devices."""
        self._path = path
        self._gap_s = gap_s
        self._ioctl = ioctl
        self._device = f"scanner {path}"
        self._file = -1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = asyncio.Lock()
        self._identity = Identity()
        self._keys = KeyReader(gap_s)
        self._scans = Scans()

    async def ensure_ready(self) -> Identity:
        """Open and grab it if need be. Raises `PortError`."""
        async with self._opening:
            if self._file < 0:
                file, self._identity = await asyncio.to_thread(self._open)
                self._keys, self._scans = KeyReader(self._gap_s), Scans()
                self._file, self._loop = file, asyncio.get_running_loop()
                self._loop.add_reader(file, self._readable)
        return self._identity

    async def read_line(self) -> str:
        """Wait for the next scan. Raises `PortError` when the scanner is gone; `ensure_ready` opens it again."""
        if self._file < 0 and not self._scans.waiting:
            await self.ensure_ready()
        return await self._scans.take()

    async def close(self) -> None:
        """Let go of it, and with it of the grab; safe to call twice. Whoever still waits for a scan is told."""
        if self._file >= 0:
            self._lose("closed")

    def _open(self) -> tuple[int, Identity]:
        file = -1
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            self._ioctl(file, SET_CLOCK, bytearray(struct.pack("@i", time.CLOCK_MONOTONIC)))
            self._ioctl(file, GRAB, 1)
            return file, self._who(file)
        except OSError as error:
            if file >= 0:
                os.close(file)
            remedy = _REMEDIES.get(error.errno or 0, "it was unplugged or has failed; plug it in again")
            raise PortError(self._device, f"cannot open: {error.strerror}: {remedy}") from error

    def _who(self, file: int) -> Identity:
        raw = bytearray(_ID.size)
        self._ioctl(file, GET_ID, raw)
        _, vendor, product, version = _ID.unpack(raw)
        model = f"{self._text(file, GET_NAME)} ({vendor:04x}:{product:04x})".strip()
        return Identity(model, self._text(file, GET_UNIQUE), f"{version:04x}")

    def _text(self, file: int, request: int) -> str:
        text = bytearray(TEXT_BYTES)
        try:
            self._ioctl(file, request, text)
        except OSError as error:
            if error.errno == errno.ENOENT:  # it has none
                return ""
            raise
        return bytes(text).partition(b"\0")[0].decode("utf-8", "replace").strip()

    def _readable(self) -> None:
        if self._file < 0:
            return
        try:
            received = os.read(self._file, EVENT.size * 64)
            if not received:
                raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(f"lost: {error.strerror}; plug it in again")
            return
        for line in self._keys.feed(received):
            self._scans.put(line)

    def _lose(self, why: str) -> None:
        file, self._file = self._file, -1
        if self._loop is not None:
            self._loop.remove_reader(file)
        with contextlib.suppress(OSError):
            os.close(file)
        self._scans.end(PortError(self._device, why))
