"""Text as bitmaps, so that any label printer prints Chinese whatever fonts it has.

The words of the slips are drawn beforehand (`glyphs.txt`, see `glyph_maker`). A character that is not among them
(a maker's name, say) is drawn with a CJK font of this machine if there is one and Pillow is installed; if not,
an empty box stands in its place, and the slip names what could not be drawn.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILES: Mapping[int, Path] = {
    203: Path(__file__).with_name("glyphs.txt"),
    300: Path(__file__).with_name("glyphs-300.txt"),
}
"""By the dots to the inch of the printer that they are drawn for."""
FONTS = ("NotoSansCJK*.ttc", "SourceHanSans*.ttc", "wqy-*.ttc", "DroidSansFallback*.ttf", "uming.ttc")
FONT_DIRS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))

SIMPLIFIED, SIMPLIFIED_MONO = 2, 7
"""Noto's collection holds JP, KR, SC, TC, HK in this order, then the same with Latin letters of half a square."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """`rows` from top to bottom; in each, the most significant of `width` bits is the left dot; 1 is black."""

    width: int
    rows: tuple[int, ...]


def is_wide(char: str) -> bool:
    """Chinese characters take a square, others half of one."""
    return unicodedata.east_asian_width(char) in "WF"


def width_of(char: str, size: int) -> int:
    """Dots that a character takes in a line."""
    return size if is_wide(char) else size // 2


@cache
def drawn() -> Mapping[tuple[int, str], Glyph]:
    """The characters of `FILES` by size and character."""
    found: dict[tuple[int, str], Glyph] = {}
    lines = (line for file in FILES.values() for line in file.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line.startswith("#"):
            continue
        height, code, breadth, rows = line.split(" ")
        size = int(height)
        width = size if breadth == "w" else size // 2
        digits = (width + 3) // 4
        bits = [int(rows[at : at + digits], 16) >> (digits * 4 - width) for at in range(0, len(rows), digits)]
        found[size, chr(int(code, 16))] = Glyph(width, tuple(bits))
    return found


def glyph(char: str, size: int) -> Glyph | None:
    """The bitmap of a character, or None where it can be drawn from nowhere."""
    char = " " if char in "\u202f\u00a0" else char
    known = drawn().get((size, char))
    if known is not None or not char.isprintable():
        return known
    font = system_font()
    return draw_glyph(char, size, font) if font else None


def empty_box(char: str, size: int) -> Glyph:
    """What stands in the place of a character that can be drawn from nowhere."""
    width, edge = width_of(char, size), size // 6
    full, sides = (1 << (width - 2)) - 1 << 1, 1 << (width - 2) | 2
    inner = size - 2 * edge - 2
    return Glyph(width, (0,) * edge + (full, *(sides,) * inner, full) + (0,) * edge)


@cache
def system_font() -> str | None:
    """A CJK font of this machine."""
    for directory in FONT_DIRS:
        for pattern in FONTS:
            for path in sorted(directory.rglob(pattern)) if directory.is_dir() else ():
                return str(path)
    return None


@cache
def draw_glyph(char: str, size: int, font: str) -> Glyph | None:
    """Draw one character with Pillow; None without Pillow."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError:
        return None
    width = width_of(char, size)
    points = float(size)
    index = 0
    if Path(font).name.startswith("NotoSansCJK"):
        index = SIMPLIFIED if is_wide(char) else SIMPLIFIED_MONO
    face = ImageFont.truetype(font, points, index=index)
    while not is_wide(char) and face.getlength(char) > width and points > 6:
        points -= 0.5
        face = ImageFont.truetype(font, points, index=index)
    picture = Image.new("L", (width, size), 0)
    baseline = round(size * 0.84)
    left = (width - face.getlength(char)) / 2
    ImageDraw.Draw(picture).text((left, baseline), char, font=face, fill=255, anchor="ls")
    dots = picture.tobytes()
    rows = tuple(sum(1 << (width - 1 - x) for x in range(width) if dots[y * width + x] >= 105) for y in range(size))
    return Glyph(width, rows)


def line_bitmap(text: str, size: int) -> tuple[Glyph, str]:
    """A line of text as one bitmap, and the characters of it that an empty box stands for."""
    width, rows, missing = 0, [0] * size, ""
    for char in text:
        one = glyph(char, size)
        if one is None:
            one, missing = empty_box(char, size), missing + char
        rows = [(row << one.width) | part for row, part in zip(rows, one.rows, strict=True)]
        width += one.width
    return Glyph(width, tuple(rows)), missing


def line_width(text: str, size: int) -> int:
    """Dots that a line takes."""
    return sum(width_of(char, size) for char in text)


def fit(text: str, size: int, width: int) -> str:
    """`text`, cut with an ellipsis where it does not fit in `width` dots."""
    if line_width(text, size) <= width:
        return text
    room = width - width_of("…", size)
    kept = ""
    for char in text:
        if line_width(kept + char, size) > room:
            break
        kept += char
    return kept.rstrip() + "…"


def wrap(text: str, size: int, width: int, lines: int) -> list[str]:
    """`text` in at most `lines` lines of `width` dots, broken at spaces or between Chinese characters."""
    made: list[str] = []
    rest = text.strip()
    while rest and len(made) < lines:
        if len(made) == lines - 1 or line_width(rest, size) <= width:
            made.append(fit(rest, size, width))
            break
        cut = break_at(rest, size, width)
        made.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return made


def break_at(text: str, size: int, width: int) -> int:
    """How many characters of a `text` that is too long stay on a line of `width` dots."""
    most = next(n for n in range(len(text), 0, -1) if n == 1 or line_width(text[:n], size) <= width)
    for cut in range(most, most // 2, -1):
        if text[cut] == " " or text[cut - 1] == " " or (is_wide(text[cut]) and text[cut] not in "，。：、）"):
            return cut
    return most
