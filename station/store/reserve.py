"""Room that is kept for the run under way: a file beside the store that holds nothing and is let go of when the disk
is too full for that run. Before each run it is made whole; without it no run begins. Runs in the store's thread.
"""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

RESERVE_BYTES = 4 << 20
"""A run of 100 steps writes 1.5 MB into the log, its record of at most 256 KiB and the message with it 0.6 MB more."""


class Reserve:
    """`<store>.reserve`, of `RESERVE_BYTES` or gone."""

    def __init__(self, store: Path) -> None:
        self._file = store.with_name(store.name + ".reserve")
        self._whole = False
        self.spent = False
        """Whether the room was given back and not taken again since."""

    def make_whole(self) -> bool:
        """Take the room, if it is not taken already. False: there is not so much on the disk."""
        if not self._whole:
            self._whole = self._take()
            self.spent = self.spent and not self._whole
        return self._whole

    def release(self) -> bool:
        """Give the room back. False: there was none to give."""
        self._whole = False
        try:
            self._file.unlink()
        except FileNotFoundError:
            return False
        self.spent = True
        log.error("the disk is full: the reserve of %d MB is used for the run under way", RESERVE_BYTES >> 20)
        return True

    def _take(self) -> bool:
        handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            os.posix_fallocate(handle, 0, RESERVE_BYTES)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            self._file.unlink(missing_ok=True)
            return False
        finally:
            os.close(handle)
        return True
