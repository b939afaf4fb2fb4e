"""The log, off the loop that scans the bench: a thread writes it, and where nobody takes it, nothing waits.

A pipe, a terminal or a journal that is full stops whoever writes to it, for as long as it likes. Under systemd lines go
to the journal itself, with run and step as fields (`journal.py`); else to stderr as text.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from station.journal import Journal, entry, journal_of

LINES_MAX = 2000
"""Lines that wait to be written; what comes then is dropped and counted."""
FLUSH_S = 2.0
_FORMAT = "%(levelname)s %(name)s: %(message)s"
_STDERR = 2

log = logging.getLogger(__name__)


class _Now:
    """The run and the step that are under way: a bench has one at a time, and every line of the log belongs to it."""

    run = ""
    step = ""


def follow(kind: str, data: Mapping[str, Any]) -> None:
    """Hear an event of a run: what is logged from here on carries its run and step, and the run's course is logged."""
    match kind:
        case "run_started":
            _Now.run, _Now.step = str(data.get("run_id", "")), ""
            log.info("run %s begins", _Now.run)
        case "step_started":
            _Now.step = str(data.get("step", ""))
        case "step_ended":
            log.info("step %s: %s", data.get("step"), data.get("verdict"))
            _Now.step = ""
        case "run_ended":
            log.info("run %s ends: %s", _Now.run, data.get("verdict"))
            _Now.run = _Now.step = ""


class OffTheLoop(logging.Handler):
    """Lines in order. `flush`, which logging itself calls at exit, waits for what is written to be out, a while."""

    def __init__(self, flush_s: float = FLUSH_S, journal: Journal | None = None) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(_FORMAT if journal is None else "%(name)s: %(message)s"))
        self._flush_s = flush_s
        self._send: Callable[[bytes], object] = _write_all if journal is None else journal.send
        self._in_journal = journal is not None
        self._lines: deque[bytes] = deque()
        self._dropped = 0
        self._written = True
        self._changed = threading.Condition(threading.Lock())
        threading.Thread(target=self._write, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Never waits."""
        try:
            text = self.format(record)
        except Exception as error:  # a wrong call of the log must not be heard by who made it
            text = f"ERROR {record.name}: {record.msg!r} with {record.args!r}: {error!r}"
        line = self._line(text, record)
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

    def _line(self, text: str, record: logging.LogRecord) -> bytes:
        if not self._in_journal:
            return f"{text}\n".encode(errors="backslashreplace")
        return entry(text, record.levelno, record.pathname, record.lineno, _Now.run, _Now.step)

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
                text = f"WARNING {__name__}: {dropped} lines of the log were dropped here: nobody took them"
                record = logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, None, None)
                lines.append(self._line(text, record))
            for line in lines:
                self._send(line)


def _write_all(text: bytes) -> None:
    """To the file itself: Python's own buffer has a lock that a blocked thread would hold for ever."""
    while text:
        try:
            text = text[os.write(_STDERR, text) :]
        except OSError:  # closed, or its reader has gone
            return


def log_off_the_loop() -> None:
    """The daemon's log, from here on."""
    logging.basicConfig(level=logging.INFO, handlers=[OffTheLoop(journal=journal_of(_write_all))])
