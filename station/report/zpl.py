"""ZPL II for a 50 x 30 mm label at 203 dpi: bitmaps, QR codes, fields. Source: Zebra ZPL II Programming Guide.

Text goes out as graphics (`^GFA`) where it can be drawn here, so that the paper looks the same on every printer
that speaks ZPL; only what cannot be drawn becomes a text field in UTF-8 (`^CI28`).
"""

from __future__ import annotations

import re

from station.report.glyphs import SMALL, Glyph, fit, line_bitmap

WIDTH, HEIGHT = 400, 240
"""Dots: 50 mm and 30 mm at 8 dots a mm."""
_QR_SAFE = re.compile(r"[0-9A-Za-z-]{1,64}")


class Label:
    """Collects fields; `text()` of the printer's language comes out of `zpl`."""

    def __init__(self) -> None:
        self._fields: list[str] = []
        self.undrawn: list[str] = []
        """Lines that had to be left to the printer's own font."""

    def line(self, x: int, y: int, text: str, size: int = SMALL, width: int = WIDTH) -> None:
        """One line of text, cut to `width` dots."""
        shown = fit(text, size, width)
        bitmap = line_bitmap(shown, size)
        if bitmap is not None:
            self._graphic(x, y, bitmap)
        elif shown.strip():
            self.undrawn.append(shown)
            self._fields.append(f"^FO{x},{y}^A0N,{size},{size}^FH_^FD{_escaped(shown)}^FS")

    def band(self, x: int, y: int, text: str, size: int, width: int, margin: int = 4) -> None:
        """White on black over `width` dots, in the middle."""
        bitmap = line_bitmap(fit(text, size, width), size)
        assert bitmap is not None, "a band holds only words that are drawn beforehand"
        left = (width - bitmap.width) // 2
        black = (1 << width) - 1
        inside = tuple(black ^ (row << (width - bitmap.width - left)) for row in bitmap.rows)
        edge = (black,) * margin
        self._graphic(x, y, Glyph(width, edge + inside + edge))

    def qr(self, x: int, y: int, data: str, magnification: int) -> None:
        """A QR code (model 2, error correction M). Raises `ValueError` for anything but letters, digits and `-`."""
        if not _QR_SAFE.fullmatch(data):
            raise ValueError(f"QR code: {data!r} must be 1 to 64 letters, digits or '-'")
        self._fields.append(f"^FO{x},{y}^BQN,2,{magnification}^FDMA,{data}^FS")

    def zpl(self, copies: int = 1) -> str:
        """The whole label."""
        head = f"^XA\n^CI28\n^PW{WIDTH}\n^LL{HEIGHT}\n^LH0,0\n"
        return head + "\n".join(self._fields) + f"\n^PQ{copies}\n^XZ\n"

    def _graphic(self, x: int, y: int, bitmap: Glyph) -> None:
        row_bytes = (bitmap.width + 7) // 8
        shift = row_bytes * 8 - bitmap.width
        total = row_bytes * len(bitmap.rows)
        data = "".join(f"{row << shift:0{row_bytes * 2}X}" for row in bitmap.rows)
        self._fields.append(f"^FO{x},{y}^GFA,{total},{total},{row_bytes},{data}^FS")


def _escaped(text: str) -> str:
    """Field data with everything but letters and digits as `_XX` (`^FH_`): no text can hold a command."""
    return "".join(
        char if char.isascii() and char.isalnum() else "".join(f"_{byte:02X}" for byte in char.encode("utf-8"))
        for char in text
    )
