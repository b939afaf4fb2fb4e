"""Text from elsewhere (a file, a wire, the journal) as a terminal may have it: what would steer it is an escape.

Controls of C0 and C1 and DEL move the cursor, hide lines or answer as if typed; bidi controls show a line in another
order than it has. Pure.
"""

from __future__ import annotations

import re

_STEERS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT = {9: "\\t", 10: "\\n", 13: "\\r"}


def printable(text: object) -> str:
    """One line of it: a newline is an escape too. What is printable already comes back as it is."""
    return _STEERS.sub(_escape, str(text))


def printable_lines(text: object) -> str:
    """The same where several lines are meant."""
    return "\n".join(map(printable, str(text).split("\n")))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code in _SHORT:
        return _SHORT[code]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
