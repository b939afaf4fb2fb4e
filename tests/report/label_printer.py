"""A label printer for tests: reads a job in ZPL or TSPL as a printer would and gives the picture that it prints.

Written from the printers' manuals and not from `station.report`: what it does not understand fails the test.
"""

from __future__ import annotations

import re

from PIL import Image

ZPL = re.compile(
    rb"\^XA\n\^PW(\d+)\n\^LL(\d+)\n\^LH0,0\n\^FO0,0\^GFA,(\d+),(\d+),(\d+),([0-9A-Fa-zG-Y,!:]+)\^FS\n\^PQ1\n\^XZ\n"
)
TSPL = re.compile(
    rb"SIZE 50 mm,30 mm\r\nGAP 2 mm,0 mm\r\nDIRECTION 1\r\nREFERENCE 0,0\r\nCLS\r\nBITMAP 0,0,(\d+),(\d+),0,", re.DOTALL
)


def printed(job: bytes, language: str) -> Image.Image:
    """The label as printed: mode "L", 0 is black. A dot outside of the paper is not there."""
    width, height, row_bytes, data = _read_zpl(job) if language == "zpl" else _read_tspl(job)
    picture = Image.frombytes("1", (row_bytes * 8, height), bytes(0xFF ^ byte for byte in data))
    return picture.crop((0, 0, width, height)).convert("L")


def _read_zpl(job: bytes) -> tuple[int, int, int, bytes]:
    found = ZPL.fullmatch(job)
    assert found is not None, f"a job that no printer should see: {job[:80]!r}"
    width, height, sent, total, row_bytes = (int(found[n]) for n in range(1, 6))
    data = decompress(found[6].decode("ascii"), row_bytes)
    assert sent == total == len(data) == row_bytes * height and row_bytes == (width + 7) // 8
    return width, height, row_bytes, data


def decompress(text: str, row_bytes: int) -> bytes:
    """ZPL's compressed hex: G-Y 1 to 19 times the next digit, g-z 20 to 400 times, `,` white to the end of the row,
    `!` black to the end of the row, `:` the row above."""
    rows: list[str] = []
    row, count = "", 0
    for sign in text:
        if "G" <= sign <= "Y":
            count += ord(sign) - ord("G") + 1
        elif "g" <= sign <= "z":
            count += 20 * (ord(sign) - ord("g") + 1)
        elif sign == ":":
            assert not row and not count and rows, "the row above, in the middle of a row or before the first"
            row = rows[-1]
        elif sign in ",!":
            assert not count, "a count before the end of a row"
            row += ("0" if sign == "," else "F") * (row_bytes * 2 - len(row))
        else:
            row, count = row + sign * max(1, count), 0
        assert len(row) <= row_bytes * 2, "a row that is longer than it says"
        if len(row) == row_bytes * 2:
            rows.append(row)
            row = ""
    assert not row and not count, "a row that does not end"
    return bytes.fromhex("".join(rows))


def _read_tspl(job: bytes) -> tuple[int, int, int, bytes]:
    found = TSPL.match(job)
    assert found is not None, f"a job that no printer should see: {job[:80]!r}"
    row_bytes, height = int(found[1]), int(found[2])
    end = found.end() + row_bytes * height
    assert job[end:] == b"\r\nPRINT 1,1\r\n"
    width = {50: 400, 74: 590}[row_bytes]
    return width, height, row_bytes, bytes(0xFF ^ byte for byte in job[found.end() : end])
