"""A label in TSPL, the language of TSC and of many printers beside it: one `BITMAP`.
Source: TSC, TSPL/TSPL2 Programming Language: SIZE, GAP, DIRECTION, CLS, BITMAP, PRINT.

Here a 0 is a black dot. The data is binary, of the length that its head announces, so that nothing in it is a command.
"""

from __future__ import annotations

from station.report.bitmap import Bitmap

WIDTH_MM, HEIGHT_MM, GAP_MM = 50, 30, 2


def tspl(bitmap: Bitmap) -> bytes:
    """The job: one label."""
    head = (
        f"SIZE {WIDTH_MM} mm,{HEIGHT_MM} mm\r\nGAP {GAP_MM} mm,0 mm\r\nDIRECTION 1\r\nREFERENCE 0,0\r\nCLS\r\n"
        f"BITMAP 0,0,{bitmap.row_bytes},{bitmap.height},0,"
    )
    data = bytes(0xFF ^ byte for row in bitmap.packed() for byte in row)
    return head.encode("ascii") + data + b"\r\nPRINT 1,1\r\n"
