"""The log, off the loop that scans the bench: a thread writes it to stderr, and where nobody reads that, nothing waits.

A pipe, a terminal or a journal that is full stops whoever writes to it, for as long as it likes.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque

LINES_MAX = 2000
"""Lines that wait to be written; what comes then is dropped and counted."""
FLUSH_S = 2.0
_FORMAT = "%(levelname)s %(name)s: %(message)s"
_STDERR = 2


class OffTheLoop(logging.Handler):
    """Lines in order. `flush`, which logging itself calls at exit, waits for what is written to be out, a while."""

    def __init__(self, flush_s: float = FLUSH_S) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(_FORMAT))
        self._flush_s = flush_s
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._written = True
        self._changed = threading.Condition(threading.Lock())
        threading.Thread(target=self._write, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Never waits."""
        try:
            line = self.format(record)
        except Exception as error:  # a wrong call of the log must not be heard by who made it
            line = f"ERROR {record.name}: {record.msg!r} with {record.args!r}: {error!r}"
        with self._changed:
            if len(self._lines) < LINES_MAX:
                self._lines.append(line)
            else:
                self._dropped += 1
            self._written = False
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until all is written, at most a while."""
        ends = time.monotonic() + self._flush_s
        with self._changed:
            while not self._written and (left := ends - time.monotonic()) > 0:
                self._changed.wait(left)

    def _write(self) -> None:
        while True:
            with self._changed:
                while not self._lines:
                    self._written = True
                    self._changed.notify_all()
                    self._changed.wait()
                lines, dropped = list(self._lines), self._dropped
                self._lines.clear()
                self._dropped = 0
            if dropped:
                lines.append(f"WARNING {__name__}: {dropped} lines of the log were dropped here: nobody took them")
            for line in lines:
                _write_all(f"{line}\n".encode(errors="backslashreplace"))


def _write_all(text: bytes) -> None:
    """To the file itself: Python's own buffer has a lock that a blocked thread would hold for ever."""
    while text:
        try:
            text = text[os.write(_STDERR, text) :]
        except OSError:  # closed, or its reader has gone
            return


def log_off_the_loop() -> None:
    """The daemon's log, from here on."""
    logging.basicConfig(level=logging.INFO, handlers=[OffTheLoop()])
