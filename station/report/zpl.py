"""A label in ZPL II: one graphic field, compressed. Source: Zebra, ZPL II Programming Guide, `^GF` and
"Alternative Data Compression Scheme for ~DG and ~DB graphics".

The whole label is a bitmap, QR code included: no font, no code page and no bar-code engine of a printer has a say
in what is on the paper, and no text of a record can become a command.
"""

from __future__ import annotations

from station.report.bitmap import Bitmap


def zpl(bitmap: Bitmap) -> bytes:
    """The job: one label."""
    total = bitmap.row_bytes * bitmap.height
    head = f"^XA\n^PW{bitmap.width}\n^LL{bitmap.height}\n^LH0,0\n"
    graphic = f"^FO0,0^GFA,{total},{total},{bitmap.row_bytes},{compressed(bitmap)}^FS\n"
    return (head + graphic + "^PQ1\n^XZ\n").encode("ascii")


def compressed(bitmap: Bitmap) -> str:
    """Rows in hex: `G`…`Y` repeat the next digit 1 to 19 times, `g`…`z` 20 to 400 times; `,` fills the rest of a row
    with white, `!` with black, `:` repeats the row above."""
    above, parts = "", []
    for packed in bitmap.packed():
        row = packed.hex().upper()
        parts.append(":" if row == above else _row(row))
        above = row
    return "".join(parts)


def _row(row: str) -> str:
    for fill, end in (("0", ","), ("F", "!")):
        if row.endswith(fill):
            return _runs(row.rstrip(fill)) + end
    return _runs(row)


def _runs(digits: str) -> str:
    made, at = "", 0
    while at < len(digits):
        digit = digits[at]
        count = len(digits[at:]) - len(digits[at:].lstrip(digit))
        made += _count(count) + digit if count > 1 else digit
        at += count
    return made


def _count(count: int) -> str:
    """A repeat count: 400s, then a twenties letter, then a ones letter."""
    twenties, ones = divmod(count % 400, 20)
    letters = "z" * (count // 400)
    letters += chr(ord("g") + twenties - 1) if twenties else ""
    return letters + (chr(ord("G") + ones - 1) if ones else "")
