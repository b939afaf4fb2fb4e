"""`verify --run`: a golden-unit check from the work order to the charts. Energises nothing: START is at the bench.

The work order is assigned and put in front through the daemon's socket, then its run is followed over the daemon's
events until it is on record; its verdict and first cause are said, and the charts shown with it.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from station.cli.results import bench_of, find_record, open_history
from station.cli.verify_bench import Choice, checks_in, frozen_for, show_charts
from station.cli.verify_follow import Ended, OneLine, follow_order
from station.contract.records import to_plain
from station.control.answers import ControlError
from station.control.client import ControlClient
from station.domain.errors import SettingsError
from station.domain.printable import printable_lines
from station.domain.record import Record
from station.domain.verdict import Verdict
from station.report.record_view import cause_sentences

ORDER = "GOLDEN-{serial}"
STATUS = {"withdrawn": 1, "no run": 4, "gone": 4, "left": 130}
"""Exit status where no run of it is on record."""
NO_CHECK = {Verdict.ABORTED: 3, Verdict.ERROR: 4}
"""Exit status of a run that says nothing about the bench, whatever the charts say."""


def run_check(choice: Choice, socket: Path | None, product: str | None, *, as_json: bool) -> int:
    """Put a check in front, follow its run, show it and the charts; the exit status. Raises `SettingsError`.

    The unit and its product are those of the latest check where they are not given. 3 and 4 for a run that is ABORTED
    or an ERROR, else as the charts alone.
    """
    bench = bench_of(choice.config)
    serial, product = _unit(choice, product)
    choice = replace(choice, serial=serial)
    if not choice.freeze:
        frozen_for(choice, bench, serial)  # what cannot be read is said before anybody has worked for it
    number = ORDER.format(serial=serial)
    asked = {"work_order": number, "product": product, "serial_number": serial, "purpose": "verify"}
    out = sys.stderr if as_json else sys.stdout
    line = OneLine(out)
    at = socket or _socket_of(choice.config)
    try:
        with ControlClient(at) as watching:
            events = watching.watch()
            next(events)  # from here on nothing is missed
            refused = _put_in_front(at, asked)
            if refused is not None:
                return _without(Ended("no run", refused), "refused", number, 1, as_json=as_json)
            line.say(
                f"{number} is in front. At the bench: badge, scan the serial number {serial}, START. Ctrl-C ends the "
                "following alone"
            )
            ended = follow_order(number, events, line)
    except ControlError as error:
        raise SettingsError(str(error)) from error
    if ended.what != "on record":
        return _without(ended, ended.what, number, STATUS[ended.what], as_json=as_json)
    return _conclude(choice, ended.run_id, as_json=as_json)


def _put_in_front(socket: Path, asked: Mapping[str, str]) -> str | None:
    """Assign the order and put it in front; why the daemon refused. Raises `ControlError`."""
    with ControlClient(socket) as client:
        reply = client.ask("assign", **asked)
        if reply["status"] == "done":
            reply = client.ask("start", work_order=asked["work_order"])
    return None if reply["status"] == "done" else str(reply["reason"])


def _without(ended: Ended, status: str, number: str, code: int, *, as_json: bool) -> int:
    """No run is on record: why, in words and with `--json` as the document."""
    if as_json:
        told = {"status": status, "reason": ended.why, "work_order": number, "run": None}
        print(json.dumps(told, ensure_ascii=False))
    print(printable_lines(ended.why), file=sys.stderr)
    return code


def _conclude(choice: Choice, run_id: str, *, as_json: bool) -> int:
    """Say the run and show the charts."""
    with open_history(bench_of(choice.config)) as history:
        record = find_record(history, run_id)
    out = sys.stderr if as_json else sys.stdout
    print(printable_lines(_sentence(record)), file=out, flush=True)
    code = NO_CHECK.get(record.verdict, 0)
    if record.purpose != "verify":
        words = f"run {record.run_no} was made by plan {record.plan.id}: it is no golden-unit check, no chart holds it"
        print(words, file=sys.stderr)
        code = code or 1
    run = {"run_no": record.run_no, "verdict": record.verdict.value}
    try:
        charted = show_charts(choice, as_json=as_json, run=run)
    except SettingsError:
        if as_json:
            print(json.dumps({"run": run}, ensure_ascii=False))
        raise
    return code or charted


def _sentence(record: Record) -> str:
    """Number, verdict and the first cause."""
    causes = cause_sentences(to_plain(record, Record), "en")
    return f"run {record.run_no}: {record.verdict.value}" + (f", {causes[0]}" if causes else "")


def _unit(choice: Choice, product: str | None) -> tuple[str, str]:
    """Serial number and product: those given, else of the latest check."""
    serial = choice.serial
    if serial is not None and product is not None:
        return serial, product
    with open_history(bench_of(choice.config)) as history:
        rows = checks_in(history, serial)
    if serial is None and not rows:
        raise SettingsError("no golden unit was ever checked here: name it with --serial SN --product ID")
    if product is None and not rows:
        raise SettingsError(f"{serial} was never checked here: name its product with --product ID")
    return serial or rows[-1].serial_number, product or rows[-1].product


def _socket_of(config: Path) -> Path:
    file = config / "station.toml"
    try:
        return Path(tomllib.loads(file.read_text(encoding="utf-8"))["control"]["socket"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{file}: no control.socket in it ({error!r}); name the daemon's with --socket") from error
