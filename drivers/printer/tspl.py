"""How a printer that speaks TSPL is asked how it is. Source: TSC, TSPL/TSPL2 Programming Language, `<ESC>!?`, and
Gprinter's manual of the same language, which gives the bits of the byte one by one.

One byte comes back: 0 ready; bit 0 head open, 1 paper jam, 2 out of paper, 3 out of ribbon, 4 pause, 5 printing,
6 cover open (option), 7 another error. It is answered at any time, also in an error.
"""

from __future__ import annotations

from drivers.errors import PrinterNotReady, ProtocolError
from drivers.ports import PrinterFault, PrinterLanguage

PRINTING = 0x20
FAULTS: tuple[tuple[int, PrinterFault, str], ...] = (
    (0x04, "paper", "load labels"),
    (0x01, "head", "close the head"),
    (0x40, "cover", "close the cover"),
    (0x02, "jam", "take the jammed labels out"),
    (0x08, "ribbon", "load a ribbon"),
    (0x80, "other", "an error of its own (too hot, its cutter); look at it"),
    (0x10, "pause", "press its pause button"),
)
"""Bits that bar a label, the worst first, and what to do."""


class Tspl:
    """The dialogue; implements `label_printer.Dialogue`."""

    language: PrinterLanguage = "tspl"
    question = b"\x1b!?"
    name = "<ESC>!?"

    def is_whole(self, heard: bytes) -> bool:
        return bool(heard)

    def is_idle(self, device: str, answer: bytes) -> bool:
        if len(answer) != 1:
            raise ProtocolError(
                device, f"{answer[:40]!r} is no answer to <ESC>!?, which is one byte; is it set to TSPL?"
            )
        status = answer[0]
        for bit, fault, remedy in FAULTS:
            if status & bit:
                raise PrinterNotReady(device, fault, remedy)
        return not status & PRINTING
