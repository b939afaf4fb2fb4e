"""A label printer behind a device file (`/dev/usb/lp0`), or a plain file that takes the jobs.

That it is gone or takes no more shows as an error of a write, and only then. A plain file is made where there is none
and grows by each job; below `/dev`, or where it is to answer, nothing is made: what is missing there is a printer.

Source: Linux, `drivers/usb/class/usblp.c`: a write that cannot go on is EAGAIN; the last one is still on its way when
`write` returns, and closing throws it away, so one has to `poll` for POLLOUT before; an unplugged printer is ENODEV at
the next write, also at an empty one. LPGETSTATUS gives the port status of the USB printer class 1.1, 4.2.2: bit 5 paper
empty, bit 4 selected, bit 3 no error; a printer that cannot tell answers 0x18.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
from pathlib import Path

from drivers.errors import PortError, PrinterNotReady
from drivers.ports import Identity, PrinterFault
from drivers.printer.descriptor_wire import DescriptorWire
from drivers.usb_identity import usb_identity

LPGETSTATUS = 0x060B
FAULTS: tuple[tuple[int, int, PrinterFault, str], ...] = (
    (0x20, 0x20, "paper", "load labels"),
    (0x10, 0x00, "pause", "it is off line; press its pause button"),
    (0x08, 0x00, "other", "an error of its own; look at its lamps"),
)
"""A bit of the port status, its value that bars a label, and what to do; the likeliest first."""
NO_PRINTER = frozenset({errno.ENOTTY, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS})


class FileWire(DescriptorWire):
    """`asked`: the printer answers questions over this file, so it is opened to be read, too. `port_status` False: the
    USB port is not asked, for a printer that does not keep to its class."""

    def __init__(self, path: str, *, asked: bool = False, port_status: bool = True) -> None:
        super().__init__(f"label printer {path}")
        self._path = Path(path)
        self._mode = os.O_RDWR if asked else os.O_WRONLY
        self._port_status = port_status

    def identity(self) -> Identity:
        return usb_identity(str(self._path))

    def open_file(self) -> int:
        make = 0 if self._mode == os.O_RDWR or self._path.is_relative_to("/dev") else os.O_CREAT
        try:
            return os.open(self._path, self._mode | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | make, 0o640)
        except OSError as error:
            raise PortError(
                self.device, f"cannot be opened: {error.strerror}; is it on, plugged in, and yours to write to?"
            ) from error

    def settle(self, file: int) -> None:
        os.write(file, b"")
        if stat.S_ISREG(os.fstat(file).st_mode):
            os.fsync(file)

    def look_at(self, file: int) -> None:
        answer = bytearray(4)
        try:
            if self._port_status:
                fcntl.ioctl(file, LPGETSTATUS, answer)
        except OSError as error:
            if error.errno in NO_PRINTER:
                return
            raise
        (status,) = struct.unpack("i", answer)
        for bit, bars, fault, remedy in FAULTS if self._port_status else ():
            if status & bit == bars:
                raise PrinterNotReady(self.device, fault, remedy)
