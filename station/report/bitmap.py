"""A label as one picture in black and white: what every printer language is written from. Dots, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import segno

from station.report.glyphs import Glyph


class Box(NamedTuple):
    """A rectangle in dots, from the upper left."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column beyond it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row beyond it."""
        return self.y + self.height

    def overlaps(self, other: Box) -> bool:
        """Whether they share a dot."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom


@dataclass
class Bitmap:
    """`rows` from top to bottom; in each, the most significant of `width` bits is the left dot; 1 is black.

    `boxes`: what was put where, by name, so that a test can tell that nothing is cut off or hides something else.
    """

    width: int
    height: int
    rows: list[int] = field(default_factory=list)
    boxes: list[tuple[str, Box]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows = self.rows or [0] * self.height

    def put(self, name: str, x: int, y: int, picture: Glyph) -> None:
        """Lay a picture over what is there. Raises `ValueError` where it does not lie on the paper whole."""
        box = Box(x, y, picture.width, len(picture.rows))
        if x < 0 or y < 0 or box.right > self.width or box.bottom > self.height:
            raise ValueError(f"{name}: {box} does not lie on a paper of {self.width} x {self.height} dots")
        shift = self.width - box.right
        for offset, row in enumerate(picture.rows):
            self.rows[y + offset] |= row << shift
        self.boxes.append((name, box))

    def packed(self) -> Iterator[bytes]:
        """Each row in whole bytes, white behind the last dot."""
        row_bytes = self.row_bytes
        for row in self.rows:
            yield (row << (row_bytes * 8 - self.width)).to_bytes(row_bytes, "big")

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return (self.width + 7) // 8


def qr_code(text: str, dots: int) -> Glyph:
    """A QR code (ISO/IEC 18004, error correction M) without its quiet zone; `dots` a module."""
    rows = []
    for modules in segno.make(text, error="m", micro=False).matrix:
        row = 0
        for module in modules:
            row = row << dots | ((1 << dots) - 1 if module else 0)
        rows += [row] * dots
    return Glyph(len(rows), tuple(rows))


def inverse(picture: Glyph, width: int, margin: int) -> Glyph:
    """White on black over `width` dots, the picture in the middle."""
    left = (width - picture.width) // 2
    black = (1 << width) - 1
    inside = tuple(black ^ (row << (width - picture.width - left)) for row in picture.rows)
    return Glyph(width, (black,) * margin + inside + (black,) * margin)
