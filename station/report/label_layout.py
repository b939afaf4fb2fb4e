"""Where everything stands on a label of 50 x 30 mm: title and marks, rows of text, the QR code beside them.

Rows run down the left of the code and then below it over the whole width. What is long goes on in the next row;
where the rows do not fit, all of them take the next smaller letters, until they do: nothing is cut off that a person
must read. Only the reasons on a slip may be cut, and then say how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from station.report.bitmap import Bitmap, inverse, qr_code
from station.report.glyphs import break_at, fit, line_bitmap, line_width, wrap


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper at the printer's resolution; all lengths in dots, sizes from the largest to the smallest."""

    width: int
    height: int
    margin: int
    titles: tuple[int, ...]
    rows: tuple[int, ...]
    reason: int
    module: int

    @property
    def quiet(self) -> int:
        """White around the QR code: four modules (ISO/IEC 18004)."""
        return 4 * self.module


PAPERS = {
    203: Paper(400, 240, 8, (56, 34), (24, 18, 14), 20, 4),
    300: Paper(590, 354, 12, (84, 51), (35, 27, 21), 30, 6),
}
"""50 x 30 mm by dots to the inch."""
REASON_ROWS = 2
"""Rows that a slip keeps free for its reasons, whatever else it holds."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a label says. `groups`: texts that share a row where they fit; `spare` has a row only if one is left."""

    title: str
    code: str
    groups: tuple[tuple[str, ...], ...]
    marks: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    spare: str = ""


@dataclass(slots=True)
class _Sheet:
    """A label in the making: the bitmap, and how far down it is full."""

    paper: Paper
    bitmap: Bitmap
    left: int = 0
    code_bottom: int = 0
    y: int = 0
    undrawn: list[str] = field(default_factory=list)

    def width_at(self, y: int) -> int:
        """Dots that a row at `y` has."""
        return self.left if y < self.code_bottom else self.paper.width - 2 * self.paper.margin

    def line(self, text: str, y: int, size: int) -> None:
        picture, missing = line_bitmap(text, size)
        if missing:
            self.undrawn.append(text)
        self.bitmap.put(text, self.paper.margin, y, picture)


Row = tuple[int, str]


def lay_out(content: Content, dpi: int) -> tuple[Bitmap, tuple[str, ...]]:
    """The label, and the texts in which an empty box stands for a character. Raises `KeyError` for another `dpi`."""
    paper = PAPERS[dpi]
    for size, mark, kept in _sizes(paper, bool(content.reasons)):
        sheet = _Sheet(paper, Bitmap(paper.width, paper.height))
        _code(sheet, content.code)
        _head(sheet, content, mark)
        rows = _rows(sheet, content.groups, size)
        limit = _bottom(paper) - kept * _pitch(paper.reason)
        if rows[-1][0] + size <= limit:
            break
    for y, text in rows:
        if y + size <= limit:  # longer than any number that the bench takes (48 characters)
            sheet.line(text, y, size)
            sheet.y = y + _pitch(size)
    if content.reasons:
        _reasons(sheet, content.reasons)
    elif content.spare and sheet.y + size <= _bottom(paper):
        sheet.line(fit(content.spare, size, sheet.width_at(sheet.y)), sheet.y, size)
    return sheet.bitmap, tuple(sheet.undrawn)


def _sizes(paper: Paper, reasons: bool) -> Iterator[tuple[int, int, int]]:
    """What to try in turn: size of the rows, size of the marks, rows kept free for reasons."""
    kept = REASON_ROWS if reasons else 0
    yield from ((size, paper.rows[0], kept) for size in paper.rows)
    yield from ((paper.rows[-1], paper.rows[1], left) for left in range(kept, -1, -1))


def _bottom(paper: Paper) -> int:
    return paper.height - paper.margin


def _pitch(size: int) -> int:
    return size + max(2, size // 12)


def _code(sheet: _Sheet, text: str) -> None:
    """The QR code in the upper right corner, with white around it on the paper itself."""
    paper, code = sheet.paper, qr_code(text, sheet.paper.module)
    x, y = paper.width - paper.quiet - code.width, paper.quiet
    sheet.bitmap.put("qr", x, y, code)
    sheet.left = x - paper.quiet - paper.margin
    sheet.code_bottom = y + len(code.rows) + paper.quiet


def _head(sheet: _Sheet, content: Content, mark_size: int) -> None:
    """The title as large as it goes, and what must not be overlooked in white on black."""
    paper = sheet.paper
    sizes = paper.titles[1:] if content.marks else paper.titles
    size = next((size for size in sizes if line_width(content.title, size) <= sheet.left), sizes[-1])
    sheet.line(fit(content.title, size, sheet.left), paper.margin, size)
    sheet.y = paper.margin + size + paper.margin // 4
    for mark in content.marks:
        band = inverse(line_bitmap(mark, mark_size)[0], sheet.left, paper.margin // 4)
        sheet.bitmap.put(mark, paper.margin, sheet.y, band)
        sheet.y += len(band.rows) + paper.margin // 4
    sheet.y += paper.margin // 4


def _rows(sheet: _Sheet, groups: tuple[tuple[str, ...], ...], size: int) -> list[Row]:
    y = sheet.y
    rows: list[Row] = []
    for group in groups:
        joined = "  ".join(group)
        for text in (joined,) if line_width(joined, size) <= sheet.width_at(y) else group:
            rest = text
            while rest:
                width = sheet.width_at(y)
                cut = len(rest) if line_width(rest, size) <= width else break_at(rest, size, width)
                rows.append((y, rest[:cut].rstrip()))
                rest, y = rest[cut:].lstrip(), y + _pitch(size)
    return rows


def _reasons(sheet: _Sheet, reasons: tuple[str, ...]) -> None:
    """As many reasons as there is room for, and how many more there are."""
    size = sheet.paper.reason
    pitch = _pitch(size)
    sheet.y = max(sheet.y, sheet.code_bottom)
    width = sheet.paper.width - 2 * sheet.paper.margin
    room = (_bottom(sheet.paper) - sheet.y - size) // pitch + 1
    if room < 1:
        return
    for y, text in enumerate(_chosen(reasons, size, width, room)):
        sheet.line(text, sheet.y + y * pitch, size)


def _chosen(reasons: tuple[str, ...], size: int, width: int, room: int) -> list[str]:
    for count in range(len(reasons), 0, -1):
        more = f" (+{len(reasons) - count})" if count < len(reasons) else ""
        lines = [line for text in (*reasons[: count - 1], reasons[count - 1] + more)
                 for line in wrap(text, size, width, room + 1)]  # fmt: skip
        if len(lines) <= room:
            return lines
    *lines, last = wrap(reasons[0], size, width, room)
    return [*lines, fit(last, size, width - line_width(more, size)) + more]
