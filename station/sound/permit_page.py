"""The drive permit as a page of memory that daemon and sound process share.

The page holds one deadline on CLOCK_MONOTONIC, which is the same in every process. Only the safety kernel moves it,
a little ahead with every completed scan; the sound process checks it for every block that drives. So sound
stops by itself when the kernel stops, whatever becomes of the daemon, the socket or the event loop. Layout: the
deadline in nanoseconds and its bitwise complement, so that a torn write reads as no permit.
"""

from __future__ import annotations

import math
import mmap
import os
import struct
import time

from drivers.errors import PermitDenied

_LAYOUT = struct.Struct("=qq")
_SIZE = mmap.PAGESIZE
_READS = 8


class PermitPage:
    """The kernel's end. `fd` is handed to the sound process; nothing is granted at first."""

    def __init__(self) -> None:
        self._fd = os.memfd_create("drive-permit", os.MFD_CLOEXEC)
        os.ftruncate(self._fd, _SIZE)
        self._page = mmap.mmap(self._fd, _SIZE)
        self.revoke()

    @property
    def fd(self) -> int:
        """File descriptor to pass on."""
        return self._fd

    def grant(self, until_monotonic_s: float) -> None:
        """Allow drive until this reading of `time.monotonic()`. Raises `ValueError` for NaN and infinity."""
        if not math.isfinite(until_monotonic_s):
            raise ValueError(f"a permit until {until_monotonic_s} has no end")
        self._write(int(until_monotonic_s * 1e9))

    def revoke(self) -> None:
        """Forbid drive from now on."""
        self._write(0)

    def close(self) -> None:
        """Forbid drive and let go of the page; safe to call twice."""
        if self._page.closed:
            return
        self.revoke()
        self._page.close()
        os.close(self._fd)

    def _write(self, deadline_ns: int) -> None:
        _LAYOUT.pack_into(self._page, 0, deadline_ns, ~deadline_ns)


class PagePermit:
    """The sound process's end: a `drivers.ports.Permit` over the inherited page, mapped for reading only."""

    def __init__(self, fd: int) -> None:
        self._page = mmap.mmap(fd, _SIZE, prot=mmap.PROT_READ)

    def check(self) -> None:
        """Return if drive is allowed now; raise `PermitDenied` otherwise."""
        for _ in range(_READS):
            deadline_ns, complement = _LAYOUT.unpack_from(self._page, 0)
            if complement == ~deadline_ns:
                break
        else:
            raise PermitDenied("drive", "the permit page cannot be read")
        if deadline_ns <= 0:
            raise PermitDenied("drive", "not granted")
        late_s = (time.monotonic_ns() - deadline_ns) / 1e9
        if late_s > 0.0:
            raise PermitDenied("drive", f"ran out {late_s:.3f} s ago")
