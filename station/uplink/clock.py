"""How far this machine's clock can be trusted: what the kernel knows of it (adjtimex), read and never set."""

from __future__ import annotations

import ctypes
import time
from datetime import UTC, datetime
from pathlib import Path

from station.contract.envelope import Stamp
from station.domain.clock import utc_text
from station.domain.record import ClockQuality, ClockStamp

_TIME_ERROR = 5
_STA_UNSYNC = 0x0040
_SYNCED_MAX_ERROR_US = 1_500_000
"""timesyncd and chrony set the error anew at least every 2,048 s, and the kernel adds 500 ppm: 1.02 s at most.
More says that nobody has disciplined the clock for a while."""


_SYNCED_IN_THIS_BOOT = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd makes it at its first synchronisation; it lives as long as the boot does."""


class _Timex(ctypes.Structure):
    """`struct timex` up to `maxerror`'s neighbours (adjtimex(2)); the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("room", ctypes.c_byte * 256),
    )


def judge_clock(state: int, status: int, max_error_us: int, *, was_synced: bool) -> ClockQuality:
    """`synced` while it is disciplined, `holdover` when it was in this boot and no longer is, else `unsynced`."""
    if state == _TIME_ERROR or status & _STA_UNSYNC:
        return "holdover" if was_synced else "unsynced"
    return "synced" if max_error_us <= _SYNCED_MAX_ERROR_US else "holdover"


class ClockReader:
    """Reads UTC with its quality. One per process: it remembers whether the clock was synced in this boot, also by the
    word of timesyncd where the process is younger than that."""

    def __init__(self, synced_in_this_boot: Path = _SYNCED_IN_THIS_BOOT) -> None:
        self._adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
        self._boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        self._was_synced = synced_in_this_boot.exists()

    def read_clock(self) -> ClockStamp:
        """How far a stamp taken now can be trusted; `max_error_ms` is None where the kernel does not know."""
        timex = _Timex()
        state = self._adjtimex(ctypes.byref(timex))
        if state < 0:
            return ClockStamp("unsynced", None, self._boot_id)
        quality = judge_clock(state, timex.status, timex.maxerror, was_synced=self._was_synced)
        self._was_synced = self._was_synced or quality == "synced"
        known = quality != "unsynced"
        return ClockStamp(quality, timex.maxerror / 1000.0 if known else None, self._boot_id)

    def read_now(self) -> tuple[datetime, ClockQuality]:
        """UTC now, and how far it can be trusted."""
        return datetime.now(UTC), self.read_clock().quality

    def read_stamp(self) -> Stamp:
        """Now, in UTC, with clock quality and the monotonic clock beside it."""
        return Stamp(utc_text(datetime.now(UTC)), self.read_clock(), time.monotonic_ns())
