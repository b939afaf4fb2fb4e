"""Bytes into lines. A line ends with CR or LF, in any mixture; empty ones are nothing.

What cannot be a line of an instrument (longer than `MAX_LINE`, or with a byte that is not printable ASCII) is not
passed on as a shorter or a mended one: it becomes `GARBLED`, which no answer looks like.
"""

from __future__ import annotations

import re
from collections import deque

MAX_LINE = 512
MAX_LINES = 256
GARBLED = "\ufffd"
_PRINTABLE = re.compile(rb"[\x20-\x7e\t]*")


class Incoming:
    """The lines that have come and were not taken yet, and the half one behind them."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=MAX_LINES)
        self._half = b""
        self._overlong = False

    @property
    def has_half(self) -> bool:
        """Whether a line has begun that has not ended."""
        return bool(self._half) or self._overlong

    def feed(self, data: bytes) -> None:
        """Take bytes as they come."""
        *ended, half = re.split(rb"[\r\n]", self._half + data)
        for line in ended:
            if line or self._overlong:
                self.lines.append(GARBLED if self._overlong else _text(line))
            self._overlong = False
        self._overlong = self._overlong or len(half) > MAX_LINE
        self._half = b"" if self._overlong else half

    def forget(self) -> None:
        """Drop everything, the half line too."""
        self.lines.clear()
        self.forget_half()

    def forget_half(self) -> None:
        """Drop the half line; what is still to come of it makes a line of its own."""
        self._half, self._overlong = b"", False


def _text(line: bytes) -> str:
    return line.decode("ascii") if len(line) <= MAX_LINE and _PRINTABLE.fullmatch(line) else GARBLED
