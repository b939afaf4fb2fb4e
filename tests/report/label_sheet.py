"""By hand: the picture of docs/labels.md, from jobs as the printer gets them.

python -m tests.report.label_sheet docs/pictures/labels.png
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from PIL import Image

from station.domain.record import Record
from station.report.record_view import plain_record
from station.report.slips import Style, kind_for, make_slip
from station.report.words import Lang
from tests.report.conftest import make_error, make_fail, make_pass
from tests.report.label_printer import printed

GAP, EDGE, TABLE = 16, 2, 0xB0


def label(record: Record, lang: Lang, language: str = "zpl", *, again: bool = False) -> Image.Image:
    """One label with the edge of its paper."""
    plain = plain_record(record)
    kind = kind_for(plain)
    assert kind is not None
    style = Style(language, 203, datetime(2026, 11, 24, 1, 0, tzinfo=UTC) if again else None)
    picture = printed(make_slip(kind, plain, lang, ZoneInfo("Asia/Shanghai"), style).job, language)
    edged = Image.new("L", (picture.width + 2 * EDGE, picture.height + 2 * EDGE), 0xFF)
    edged.paste(picture, (EDGE, EDGE))
    return edged


def main(path: str) -> None:
    """Draw six of them."""
    good, bad, broken = make_pass(), make_fail(), make_error()
    rows = (
        (label(good, "zh"), label(bad, "zh"), label(replace(broken, simulated=False), "zh")),
        (label(good, "en", "tspl"), label(replace(good, simulated=True), "zh"), label(good, "zh", again=True)),
    )
    width, height = rows[0][0].size
    sheet = Image.new("L", (3 * (width + GAP) + GAP, 2 * (height + GAP) + GAP), TABLE)
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            sheet.paste(picture, (GAP + x * (width + GAP), GAP + y * (height + GAP)))
    sheet.save(path, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
