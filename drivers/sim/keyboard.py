"""The keyboard scanner's twin: a FIFO that carries the kernel's events, and answers to the requests of its driver.

Its keys stand here a second time, as rows of a keyboard from left to right.
"""

from __future__ import annotations

import errno
import os
import struct
import time
from collections.abc import Iterable
from pathlib import Path

ROWS = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (57, " ", ""),
)
"""The first key's number in a row, and what the row types without and with shift."""
CODES = {char: (first + place, False) for first, plain, _ in ROWS for place, char in enumerate(plain)} | {
    char: (first + place, True) for first, _, shifted in ROWS for place, char in enumerate(shifted)
}
ENTER, LEFT_SHIFT = 28, 42
PRESS_S = 0.004
"""From one event of a scan to the next."""


class KeyboardTwin:
    """A scanner at `path`. `grabbed`: how often its driver took it from the console."""

    def __init__(self, path: Path, name: str = "Twin Bar Code Scanner", unique: str = "SIM-7") -> None:
        self.path, self._name, self._unique = path, name, unique
        self.grabbed = 0
        self._file = -1
        self._now_s = 0.0

    def start(self) -> str:
        """Plug it in; the same path again after `close`."""
        self.path.unlink(missing_ok=True)
        os.mkfifo(self.path)
        self._file = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        return str(self.path)

    def close(self) -> None:
        """Unplug it; safe to call twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            self.path.unlink(missing_ok=True)

    def scan(self, text: str, gap_s: float = PRESS_S, end: int = ENTER) -> None:
        """Type one code and its end; `gap_s` between two events, so that twice that is between two keys."""
        self.keys([*((code, shift) for code, shift in map(CODES.__getitem__, text)), (end, False)], gap_s)

    def keys(self, keys: Iterable[tuple[int, bool]], gap_s: float = PRESS_S) -> None:
        """Press and release keys by number, with shift or without."""
        self._now_s = max(self._now_s + 1.0, time.monotonic())
        for code, shift in keys:
            for number, value in ((LEFT_SHIFT, 1), (code, 1), (code, 0), (LEFT_SHIFT, 0)):
                if number != LEFT_SHIFT or shift:
                    self.event(1, number, value)
                    self.event(0, 0, 0)
            self._now_s += 2 * gap_s

    def event(self, kind: int, code: int, value: int) -> None:
        """One event, whole. What no longer fits (64 KB unread) is lost, and the kernel says so."""
        seconds = int(self._now_s)
        micros = int((self._now_s - seconds) * 1e6)
        self.raw(struct.pack("@llHHi", seconds, micros, kind, code, value))

    def raw(self, received: bytes) -> None:
        """Bytes as they are."""
        if self._file >= 0:
            os.write(self._file, received)

    def ioctl(self, file: int, request: int, argument: int | bytearray) -> int:
        """What the kernel would do; stands in for `fcntl.ioctl`."""
        kind, number = request >> 8 & 0xFF, request & 0xFF
        answers = {
            0x06: self._name.encode(),
            0x08: self._unique.encode(),
            0x02: struct.pack("@4H", 3, 0x5E0, 0x1200, 0x110),
        }
        if kind != ord("E") or file < 0:
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        if number == 0x90:
            self.grabbed += 1
        elif number == 0xA0:
            assert isinstance(argument, bytearray) and bytes(argument) == struct.pack("@i", time.CLOCK_MONOTONIC)
        elif not answers[number]:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        else:
            assert isinstance(argument, bytearray)
            argument[: len(answers[number])] = answers[number]
        return 0
