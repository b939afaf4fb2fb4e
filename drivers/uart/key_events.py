"""From the bytes of an input device to the lines that a scanner typed on it. Pure: no device, no clock of its own.

A scanner types like nobody can: each key within `gap_s` of the last. What is typed more slowly is a hand on a keyboard
and no scan. A line with a key that no text of ours needs (a control character, a function key) is thrown away whole.

Sources: Linux `include/uapi/linux/input.h` (`struct input_event`: a `timeval` of two longs, in 16 bytes on a 32-bit
kernel and 24 on a 64-bit one, which is what native sizes give), `input-event-codes.h`, and Documentation/input/
event-codes.rst (`SYN_DROPPED`: events were lost).
"""

from __future__ import annotations

import struct

from drivers.uart.scans import SCAN_MAX

EVENT = struct.Struct("@llHHi")  # seconds, microseconds, type, code, value
EV_SYN, EV_KEY, SYN_DROPPED = 0, 1, 3
PRESSED, RELEASED = 1, 0
SHIFTS, CONTROLS = frozenset({42, 54}), frozenset({29, 97})
ENDS = frozenset({28, 96, 15})
"""Enter, Enter of the keypad, Tab."""
CONTROL_ENDS = frozenset({36, 50, 23})
"""Control and J, M or I: how some scanners type LF, CR and Tab."""
KEYS: dict[int, str] = {
    2: "1!", 3: "2@", 4: "3#", 5: "4$", 6: "5%", 7: "6^", 8: "7&", 9: "8*", 10: "9(", 11: "0)", 12: "-_", 13: "=+",
    16: "qQ", 17: "wW", 18: "eE", 19: "rR", 20: "tT", 21: "yY", 22: "uU", 23: "iI", 24: "oO", 25: "pP",
    26: "[{", 27: "]}", 39: ";:", 40: "'\"", 41: "`~", 43: "\\|", 51: ",<", 52: ".>", 53: "/?", 57: "  ",
    30: "aA", 31: "sS", 32: "dD", 33: "fF", 34: "gG", 35: "hH", 36: "jJ", 37: "kK", 38: "lL",
    44: "zZ", 45: "xX", 46: "cC", 47: "vV", 48: "bB", 49: "nN", 50: "mM",
    55: "**", 71: "77", 72: "88", 73: "99", 74: "--", 75: "44", 76: "55", 77: "66", 78: "++", 79: "11",
    80: "22", 81: "33", 82: "00", 83: "..", 98: "//",
}  # fmt: skip
"""US layout: what a key types without and with shift; 55 and from 71 on the keypad."""


class KeyReader:
    """Takes bytes as they come, gives whole lines."""

    def __init__(self, gap_s: float) -> None:
        self._gap_us = round(gap_s * 1e6)
        self._rest = b""
        self._held: set[int] = set()
        self._text = ""
        self._spoilt = False
        self._lost = False  # events: what comes until the next end may be the rest of a scan
        self._last_us = 0

    def feed(self, received: bytes) -> list[str]:
        """The lines that `received` ended, without those that are no scan."""
        received = self._rest + received
        whole = len(received) - len(received) % EVENT.size
        self._rest = received[whole:]
        lines: list[str] = []
        for seconds, micros, kind, code, value in EVENT.iter_unpack(received[:whole]):
            if kind == EV_SYN and code == SYN_DROPPED:
                self._lost = True
                self._held.clear()
            elif kind == EV_KEY and value == RELEASED:
                self._held.discard(code)
            elif kind == EV_KEY and value == PRESSED:  # and no repetition of a key that is held
                self._keep_pace(seconds * 1_000_000 + micros)
                lines += self._press(code)
        return lines

    def _keep_pace(self, at_us: int) -> None:
        if at_us - self._last_us > self._gap_us:
            self._text, self._spoilt = "", False
        self._last_us = at_us

    def _press(self, code: int) -> list[str]:
        if code in SHIFTS | CONTROLS:
            self._held.add(code)
            return []
        controlled = bool(self._held & CONTROLS)
        if code in (CONTROL_ENDS if controlled else ENDS):
            line, good = self._text, not (self._spoilt or self._lost)
            self._text, self._spoilt, self._lost = "", False, False
            return [line] if good and line else []
        if controlled or code not in KEYS or len(self._text) >= SCAN_MAX:
            self._spoilt = True
        else:
            self._text += KEYS[code][bool(self._held & SHIFTS)]
        return []
