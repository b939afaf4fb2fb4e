"""`python -m station.report.paper`: one slip as the bytes that a printer takes. The daemon starts it for each print.

The record comes in on standard input, the job goes out on standard output; what could not be drawn is said on standard
error. Exit status 0; 2 with one line for what is no record or no slip of this run.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime

from station.realtime import drop_priority
from station.report.label_layout import PAPERS
from station.report.numbers import zone_of
from station.report.record_view import ReportError, plain_record
from station.report.slips import KINDS, LANGUAGES, Style, kind_for, make_slip
from station.report.words import LANGS


def main(argv: list[str] | None = None) -> int:
    """Read, draw, write."""
    parser = argparse.ArgumentParser(prog="python -m station.report.paper", description="One slip for a printer.")
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--language", choices=sorted(LANGUAGES), default="zpl", help="the printer's")
    parser.add_argument("--dpi", type=int, choices=sorted(PAPERS), default=203)
    parser.add_argument("--lang", choices=LANGS, default="zh", help="the reader's")
    parser.add_argument("--timezone", default="UTC", help="for the dates on the paper, e.g. Asia/Shanghai")
    parser.add_argument("--reprinted-at", type=datetime.fromisoformat, help="a second print, and its UTC moment")
    options = parser.parse_args(argv)
    drop_priority()
    try:
        record = plain_record(json.load(sys.stdin))
        if kind_for(record) != options.kind:
            raise ReportError(
                f"a run with verdict {record['verdict']} and purpose {record['purpose']} has no such slip"
            )
        style = Style(options.language, options.dpi, options.reprinted_at)
        slip = make_slip(options.kind, record, options.lang, zone_of(options.timezone)[0], style)
    except (ValueError, ReportError) as error:
        print(f"{options.kind}: {error}", file=sys.stderr)
        return 2
    for text in slip.undrawn:
        print(f"not all of {text!r} could be drawn; install the extra `fonts` and a CJK font", file=sys.stderr)
    sys.stdout.buffer.write(slip.job)
    return 0


if __name__ == "__main__":
    sys.exit(main())
