"""`python -m station.cli.paper`: the pages of one run, signed where there is a key; the process that makes the paper.

The command line and the demo start it, so that nobody else carries templates, keys and browser. Prints the paths
written, one a line. Exit status 0; 2 with one line for what cannot be made; a PDF without a browser is a warning.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from station.contract.canonical import canonical
from station.contract.keys import load_key
from station.domain.errors import StationError
from station.report.html import Reader, Signer
from station.report.numbers import zone_of
from station.report.papers import NAMES, Kind, kinds_for, page_of, require_kind, write_page
from station.report.pdf import NoBrowser, print_pdf
from station.report.record_view import plain_record
from station.report.words import LANGS

BEST = "best"
"""Every paper beside the report that the run may have."""


def main(argv: list[str] | None = None) -> int:
    """Read, write, say where."""
    options = _options(argv)
    try:
        record = plain_record(json.loads(options.record.read_text(encoding="utf-8")))
        found = json.loads(options.found.read_text(encoding="utf-8")) if options.found else None
        zone, zone_name = zone_of(options.timezone)
        reader = Reader(options.lang, zone, zone_name)
        signer = signer_of(options.key) if options.key else None
        for kind in _kinds(options.kind, record):
            path = write_page(page_of(record, kind, reader, found, signer), options.out, kind)
            print(path, flush=True)
            if options.pdf:
                _print_pdf(path)
    except (OSError, ValueError, OverflowError, StationError) as error:
        print(f"{options.record}: {error}", file=sys.stderr)
        return 2
    return 0


def signer_of(file: Path) -> Signer:
    """Who signs, from the station's key file. Raises `SettingsError`."""
    key = load_key(file)

    def sign(message: Mapping[str, Any]) -> str:
        return canonical(key.sign(message)).decode()

    return Signer(key.key_id, sign)


def _kinds(asked: list[str], record: Mapping[str, Any]) -> list[Kind]:
    kinds: list[Kind] = []
    for name in asked:
        if name == BEST:
            kinds += [kind for kind in kinds_for(record) if kind != "report"]
        else:
            require_kind(record, cast(Kind, name))
            kinds.append(cast(Kind, name))
    return kinds


def _print_pdf(path: Path) -> None:
    try:
        print(print_pdf(path, path.with_suffix(".pdf")), flush=True)
    except NoBrowser as why:
        print(f"station: {why}", file=sys.stderr)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m station.cli.paper", description="The pages of a run.")
    parser.add_argument("--record", type=Path, required=True, help="record.json: the body of a result")
    parser.add_argument("--found", type=Path, help="the run as found, as JSON of an EarlierRun")
    parser.add_argument("--out", type=Path, required=True, help="directory to write to")
    parser.add_argument("--kind", action="append", choices=[*NAMES, BEST], required=True)
    parser.add_argument("--lang", choices=LANGS, default="zh")
    parser.add_argument("--timezone", default="UTC", help="for the times on the paper, e.g. Asia/Shanghai")
    parser.add_argument("--key", type=Path, help="the station's key file; without one a certificate is not signed")
    parser.add_argument("--pdf", action="store_true", help="as PDF as well, where Chromium is")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
