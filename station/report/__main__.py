"""`python -m station.report --record record.json --out DIR --lang zh`: the report and the slip of one run.

Prints the paths written, one a line. Exit status 0, or 2 with one line for a file that is no record.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from station.report.record_view import ReportError
from station.report.words import LANGS
from station.report.write import write_report, write_slips


def main(argv: list[str] | None = None) -> int:
    """Read, write, say where."""
    parser = argparse.ArgumentParser(
        prog="python -m station.report", description="The paper of a run, from its record."
    )
    parser.add_argument("--record", type=Path, required=True, help="record.json: the body of a result")
    parser.add_argument("--out", type=Path, required=True, help="directory to write to")
    parser.add_argument("--lang", choices=LANGS, default="zh")
    parser.add_argument("--timezone", default="UTC", help="for the times on the paper, e.g. Asia/Shanghai")
    parser.add_argument("--no-slips", action="store_true", help="the report alone")
    options = parser.parse_args(argv)
    try:
        record = json.loads(options.record.read_text(encoding="utf-8"))
        written = write_report(record, options.out, options.lang, options.timezone)
        if not options.no_slips:
            written += write_slips(record, options.out, options.lang, options.timezone)
    except (OSError, ValueError, ReportError) as error:
        print(f"{options.record}: {error}", file=sys.stderr)
        return 2
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
