"""`python -m tests.torture --minutes 30 --seed N`: the torture by hand. Exit status 1 where anything was found."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.torture.settings import beside, for_long, in_ci
from tests.torture.storm import torture


def main() -> int:
    """Play it and print what it came to."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, help="length of the storm; default: the size that the tests play")
    parser.add_argument("--small", action="store_true", help="the small size: iotcore and SQLite unless told otherwise")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="default: by chance, printed")
    parser.add_argument("--results", type=int, help="how many to make")
    parser.add_argument("--database", choices=("sqlite", "postgresql"))
    parser.add_argument("--broker", choices=("mosquitto", "iotcore"))
    parser.add_argument("--only", action="append", metavar="MISHAP", help="nothing but this one; may be repeated")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="play it there, and leave it")
    options = parser.parse_args()
    settings = beside(options.seed) if options.small else in_ci(options.seed)
    settings = for_long(options.seed, options.minutes) if options.minutes else settings
    told = {name: getattr(options, name) for name in ("results", "database", "broker") if getattr(options, name)}
    settings = replace(settings, **told, only=tuple(options.only) if options.only else None)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="torture-"))
    print(f"seed {settings.seed} in {folder}", flush=True)
    outcome = torture(settings, folder)
    print(outcome, flush=True)
    if outcome.held and options.keep is None:
        shutil.rmtree(folder)
    return 0 if outcome.held else 1


if __name__ == "__main__":
    sys.exit(main())
