"""A label printer behind a device file (`/dev/usb/lp0`, a serial line's node), or a plain file that takes the jobs.

It tells nothing of itself: that it is gone or takes no more shows as an error of a write, and only then. A plain file
is made where there is none and grows by each job; below `/dev` nothing is made, because what is missing there is a
printer. Source: Linux, `Documentation/usb` and `drivers/usb/class/usblp.c` (a write that cannot go on is EAGAIN).
"""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

from drivers.errors import DeviceTimeout, PortError
from drivers.ports import Identity, PrinterLanguage

WRITE_S = 10.0
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
        os.close(self._open())
        return Identity()

    async def check(self) -> None:
        """The same: more it does not tell."""
        await self.ensure_ready()

    async def print_job(self, job: bytes) -> None:
        """Write it. Raises `DeviceTimeout` where it takes no more for `WRITE_S`, `PortError` where it is gone."""
        file = self._open()
        try:
            async with asyncio.timeout(WRITE_S):
                await self._write(file, job)
        except TimeoutError:
            raise DeviceTimeout(self._device, f"takes no data for {WRITE_S:g} s; look at its paper") from None
        except OSError as error:
            raise PortError(
                self._device, f"cannot be written to: {error.strerror}; is it on and plugged in?"
            ) from error
        finally:
            os.close(file)

    async def close(self) -> None:
        """Nothing is held open between two jobs."""

    async def _write(self, file: int, job: bytes) -> None:
        rest = memoryview(job)
        while rest:
            try:
                rest = rest[os.write(file, rest) :]
            except BlockingIOError:
                await asyncio.sleep(PAUSE_S)
        if stat.S_ISREG(os.fstat(file).st_mode):
            os.fsync(file)

    def _open(self) -> int:
        make = 0 if self._path.is_relative_to("/dev") else os.O_CREAT
        try:
            return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | make, 0o640)
        except OSError as error:
            raise PortError(
                self._device, f"cannot be opened: {error.strerror}; is it on, plugged in, and yours to write to?"
            ) from error
