"""How a printer that speaks ZPL II is asked how it is. Source: Zebra, ZPL II Programming Guide, `~HS`.

Three lines come back, `STX … ETX CR LF` each: paper out, pause, formats in the buffer, buffer full, partial format,
memory lost and temperature in the first; head, ribbon and labels left in the second. Newer guides say that a printer
does not answer at all while its media or ribbon is out or its head is open: silence is trouble, unless the
configuration says that this printer never answers.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from drivers.errors import PrinterNotReady, ProtocolError
from drivers.ports import PrinterFault, PrinterLanguage

_LINES = 3
_STATUS = re.compile(
    rb"\x02(\d{3}),([01]),([01]),(\d{4}),(\d{3}),([01]),([01]),([01]),(\d{3}),([01]),([01]),([01])\x03\r\n"
    rb"\x02(\d{3}),(\d),([01]),([01]),([01]),(.),(.),([01]),(\d{8}),(\d),(\d{3})\x03\r\n"
    rb"\x02[^\x03]*\x03\r\n"
)
_FAULTS: tuple[tuple[int, PrinterFault, str], ...] = (
    (2, "paper", "load labels"),
    (15, "head", "close the head"),
    (16, "ribbon", "load a ribbon"),
    (10, "memory", "its settings are lost; calibrate it"),
    (11, "temperature", "too cold; let it warm up"),
    (12, "temperature", "too hot; let it cool down"),
    (3, "pause", "press its pause button"),
)
"""Groups of `_STATUS` that bar a label, the worst first, and what to do."""


class HostStatus(NamedTuple):
    """What `~HS` said: the first fault, and whether anything is left to print."""

    fault: PrinterFault | None
    remedy: str
    busy: bool


def read_status(answer: bytes) -> HostStatus | None:
    """The three lines; None for what is not that."""
    found = _STATUS.fullmatch(answer)
    if found is None:
        return None
    fault, remedy = next(((name, what) for at, name, what in _FAULTS if found[at] == b"1"), (None, ""))
    busy = int(found[5]) > 0 or found[8] == b"1" or int(found[21]) > 0
    return HostStatus(fault, remedy, busy)


class Zpl:
    """The dialogue; implements `label_printer.Dialogue`. Not all that speak it know `~HI`: its name is not asked."""

    language: PrinterLanguage = "zpl"
    question = b"~HS"
    name = "~HS"

    def is_whole(self, heard: bytes) -> bool:
        return heard.count(b"\x03\r\n") >= _LINES

    def is_idle(self, device: str, answer: bytes) -> bool:
        status = read_status(answer)
        if status is None:
            raise ProtocolError(device, f"{answer[:40]!r} is no answer to ~HS; is it set to ZPL?")
        if status.fault is not None:
            raise PrinterNotReady(device, status.fault, status.remedy)
        return not status.busy
