"""`station check [DIR]`: every error of a configuration tree, without hardware. Exit 0 clean, 1 errors, 2 wrong use."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from station.domain.printable import printable

if TYPE_CHECKING:
    from station.settings import Problem
    from station.settings.tree import StationSettings

TEXT_MAX = 500
"""Characters of each text of a problem where only the first are asked for."""


def check_tree(directory: Path, as_json: bool = False, shared: Path | None = None, most: int | None = None) -> int:
    """Check the tree in `directory` and print what is wrong, a line a problem, or one line that says it is clean.

    Its shared part is the revision in use where this bench has one, or what is in `shared`.
    With `as_json` standard output gets one JSON list of `{file, line, key, wrong, remedy}` and people's text goes
    to standard error. With `most` only the first are printed, in JSON as `{count, problems}` with each text cut.
    Returns the exit status of contracts/cli.md: 0 clean, 1 errors, 2 no such directory.
    """
    if not directory.is_dir():
        print(f"{directory}: no such directory; name the configuration directory, e.g. config", file=sys.stderr)
        return 2
    from drivers.catalog import CATALOG
    from station.settings import check
    from station.steps.catalog import STEPS

    problems = check(directory, STEPS, CATALOG, shared)
    for_people = sys.stderr if as_json else sys.stdout
    if as_json:
        print(json.dumps(_document(problems, most), ensure_ascii=False))
    else:
        for problem in problems[:most]:
            print(printable(problem))
    print(printable(_summary(directory, len(problems), shared)), file=for_people)
    if not problems and shared is None:
        for note in _notes(directory):
            print(printable(f"note: {note}"), file=sys.stderr)
    return 1 if problems else 0


def _notes(directory: Path) -> Sequence[str]:
    """What is no error and yet limits what this bench may claim."""
    from drivers.catalog import CATALOG
    from station.doctor.interface import interface_of
    from station.settings import load
    from station.steps.catalog import STEPS

    tree = load(directory, STEPS, CATALOG)
    interface = interface_of(tree)
    poor = () if interface.good else (f"{interface.name}: {interface.words}; {interface.remedy}",)
    return (*poor, *_of_calibrations(tree.station))


def _of_calibrations(station: StationSettings) -> Iterator[str]:
    """What has ended, ends soon or has not begun; who hangs on the wire is asked by `doctor`, not here."""
    if not station.calibrations:
        return
    from zoneinfo import ZoneInfo

    from station.domain.calibration import Standing
    from station.run.wall import bench_day
    from station.uplink.clock import ClockReader

    today = bench_day(ClockReader().read_now, ZoneInfo(station.timezone), simulated=station.simulated)()
    if today is None:
        yield "the clock is not set: whether the calibrations are in force cannot be told; set it (timedatectl)"
        return
    for role, one in sorted(station.calibrations.items()):
        standing, current = one.standing(one.serial_number, today), one.current
        goes_on = "no PASS is made by it, and readings stay corrected by it"
        if standing is Standing.EXPIRED:
            yield f"calibration of {role}: expired, it was due on {current.due}; {goes_on}; have it calibrated"
        elif standing is Standing.FUTURE:
            yield f"calibration of {role}: made on {current.made}, today is {today}; {goes_on}; see clock and file"
        elif standing is Standing.DUE_SOON:
            yield f"calibration of {role}: due on {current.due}, in {(current.due - today).days} days; renew it"


def _document(problems: Sequence[Problem], most: int | None) -> Any:
    if most is None:
        return [asdict(problem) for problem in problems]
    first = [
        {key: value[:TEXT_MAX] if isinstance(value, str) else value for key, value in asdict(problem).items()}
        for problem in problems[:most]
    ]
    return {"count": len(problems), "problems": first}


def _summary(directory: Path, count: int, shared: Path | None) -> str:
    if count:
        return f"{count} error{'s' if count > 1 else ''}: not usable until put right"
    from station.settings.calibrations import names_of
    from station.settings.revisions import shared_part

    read = shared or shared_part(directory)
    plans, products = (len(list((read / folder).glob("*.toml"))) for folder in ("plans", "products"))
    held = f"{plans} plan{'s' * (plans > 1)}, {products} product{'s' * (products > 1)}"
    if on_file := len(names_of(directory)):
        held += f", {on_file} calibration{'s' * (on_file > 1)}"
    return f"OK: {directory} is clean ({held}{'' if read == directory else f', from {read}'})"
