"""By hand: draws the glyph files, the bitmaps of every character that the slips use, from an open CJK font.

    python -m station.report.glyph_maker /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc \\
        /usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc

Needed again when a word is added to `words.py` or `bench_words.py`; a test says so. Needs Pillow and the fonts (the
bold one is for titles); printing needs neither.
"""

from __future__ import annotations

import sys
from pathlib import Path

from station.report import bench_words, words
from station.report.glyphs import FILES, draw_glyph, is_wide
from station.report.label_layout import PAPERS
from station.report.slips import KINDS, WORDS

HEAD = """# Bitmaps of characters for slips: size, character, rows from top to bottom in hex, most significant bit left.
# Drawn by glyph_maker.py from Noto Sans CJK SC (SIL Open Font License 1.1).
"""
CONFIG = Path(__file__).resolve().parents[2] / "config"
"""The shipped plans: their titles and questions stand among the reasons."""
ASCII = "".join(map(chr, range(0x20, 0x7F)))
SIGNS = "ΩµµΩ°±×≤≥−…—–“”，。：；、（）～？！％"


def vocabulary(dpi: int) -> dict[int, str]:
    """Every character that must be there, by size: all words at the size of reasons, letters and few words else.

    Words are those of the house and of the shipped plans and products.
    """
    tables = (
        words.MEASUREMENTS, words.CHANNELS, words.VERDICTS, words.LABELS, words.PURPOSES, WORDS,
        bench_words.INTERLOCKS, bench_words.CAUSES,
    )  # fmt: skip
    said = "".join(half for table in tables for pair in table.values() for half in pair)
    slips = "".join(half for pair in WORDS.values() for half in pair)
    said += "".join(path.read_text(encoding="utf-8") for path in CONFIG.glob("*/*.toml"))
    paper = PAPERS[dpi]
    sizes = {size: _sorted(slips + ASCII + SIGNS) for size in paper.rows}
    sizes |= {size: _sorted("".join(half for kind in KINDS for half in WORDS[kind])) for size in paper.titles}
    return sizes | {paper.reason: _sorted(said + ASCII + SIGNS)}


def _sorted(text: str) -> str:
    return "".join(sorted(set(text) - {"\n", "\t", "\u202f"}))


def draw(dpi: int, regular: str, bold: str) -> list[str]:
    """The lines of one file."""
    lines = []
    for size, characters in vocabulary(dpi).items():
        font = bold if size in PAPERS[dpi].titles else regular
        for char in characters:
            glyph = draw_glyph(char, size, font)
            assert glyph is not None, "Pillow is needed for drawing"
            digits = (glyph.width + 3) // 4
            rows = "".join(f"{row << (digits * 4 - glyph.width):0{digits}x}" for row in glyph.rows)
            lines.append(f"{size} {ord(char):04x} {'w' if is_wide(char) else 'n'} {rows}")
    return lines


def main(regular: str, bold: str) -> None:
    """Draw all and write the files."""
    for dpi, file in FILES.items():
        lines = draw(dpi, regular, bold)
        file.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
        print(f"{file.name}: {len(lines)} characters, {file.stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
