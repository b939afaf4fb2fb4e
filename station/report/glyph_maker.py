"""By hand: draws `glyphs.txt`, the bitmaps of every character that the slips use, from an open CJK font.

    python -m station.report.glyph_maker /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc

Needed again when a word is added to `words.py` or `bench_words.py`; a test says so. Needs Pillow and a font;
printing needs neither.
"""

from __future__ import annotations

import sys
from pathlib import Path

from station.report import bench_words, words
from station.report.glyphs import FILE, SMALL, TITLE, draw_glyph, is_wide
from station.report.slips import WORDS

HEAD = """# Bitmaps of characters for slips: size, character, rows from top to bottom in hex, most significant bit left.
# Drawn by glyph_maker.py from Noto Sans CJK SC (SIL Open Font License 1.1).
"""
ASCII = "".join(map(chr, range(0x20, 0x7F)))
SIGNS = "ΩµµΩ°±×≤≥−…—–“”，。：；、（）～？！％"


def vocabulary() -> dict[int, str]:
    """Every character that must be there, by size."""
    tables = (
        words.MEASUREMENTS, words.CHANNELS, words.VERDICTS, words.LABELS, words.PURPOSES, WORDS,
        bench_words.INTERLOCKS, bench_words.CAUSES,
    )  # fmt: skip
    said = "".join(half for table in tables for pair in table.values() for half in pair)
    titles = "".join(half for name in ("label", "return", "retest", "simulated") for half in WORDS[name])
    return {SMALL: _sorted(said + ASCII + SIGNS), TITLE: _sorted(titles + ASCII)}


def _sorted(text: str) -> str:
    return "".join(sorted(set(text) - {"\n", "\t", "\u202f"}))


def main(font: str) -> None:
    """Draw all and write the file."""
    lines = []
    for size, characters in vocabulary().items():
        for char in characters:
            glyph = draw_glyph(char, size, font)
            assert glyph is not None, "Pillow is needed for drawing"
            digits = (glyph.width + 3) // 4
            rows = "".join(f"{row << (digits * 4 - glyph.width):0{digits}x}" for row in glyph.rows)
            lines.append(f"{size} {ord(char):04x} {'w' if is_wide(char) else 'n'} {rows}")
    FILE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} characters, {Path(FILE).stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
