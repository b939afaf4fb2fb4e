"""`results recall SERIAL`: which runs used an instrument since a day, and which of their measurements hang on it.

A record names each instrument by its serial number. One that cannot say its own is known by the bench's calibrations
alone (`declared`): then it is the runs in which its role told none, from its first calibration to its successor's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import tzinfo
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from station.cli.calibrate_file import EARLIER
from station.cli.days import begin_of, first_moment
from station.cli.remote_view import VERDICT_STYLES
from station.cli.results import bench_of, open_history
from station.cli.terminal import Terminal
from station.domain.calibration import Calibration
from station.domain.errors import SettingsError
from station.domain.record import Record
from station.metrology.roles import roles_of
from station.report.numbers import local_time, zone_of
from station.settings.calibrations import load_calibrations, read_calibration
from station.settings.names import suggest
from station.settings.source import CALIBRATION, read_source
from station.store.history import History

NEVER = "9999"
"""Sorts behind every stamp."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """One run. `measurements`: those that hang on the instrument; `declared`: the run itself does not name it."""

    run_no: int
    run_id: str
    ended_at: str
    verdict: str
    purpose: str
    plan: str
    work_order: str | None
    serial_number: str
    simulated: bool
    role: str
    calibrated_until: str | None
    declared: bool
    measurements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    """Runs to look for: by the serial number, or (with a role) those that tell none between two stamps."""

    role: str
    since: str
    until: str = NEVER


def recall(config: Path, serial: str, since: str | None, *, as_json: bool) -> int:
    """Exit status 0, also where there is none. Raises `SettingsError`, so for a number that nobody ever named."""
    bench = bench_of(config)
    zone, zone_name = zone_of(bench.timezone)
    begins = "" if since is None else begin_of("--since", since, zone)
    now, replaced = load_calibrations(config, []), tuple(_replaced(config))
    spans = [_Span("", begins), *_declared(now, replaced, serial, begins, zone)]
    with open_history(bench) as history:
        found = {
            (number, role): _recalled(history, number, role, bool(span.role))
            for span in spans
            for number, role in history.used(serial, span.role, span.since, span.until)
        }
        if not found:
            _require_known(serial, {one.serial_number for one in (*now.values(), *replaced)} | history.serial_numbers())
    rows = [found[key] for key in sorted(found)]
    if as_json:
        print(json.dumps([asdict(row) for row in rows], ensure_ascii=False))
        return 0
    whole = f" since {since}" if since else ""
    if rows:
        Terminal(width=None if sys.stdout.isatty() else 140).print(_table(rows, zone, zone_name))
    print(f"{serial}: {len(rows) or 'no'} run{'s' * (len(rows) != 1)}{whole}", file=sys.stderr)
    return 0


def _require_known(serial: str, known: Collection[str]) -> None:
    """No run since a day is an answer; a number that nobody ever named is a slip, and no answer."""
    if serial not in known:
        raise SettingsError(
            f"{serial or 'an empty serial number'}: no run and no calibration of this bench names it; "
            f"{suggest(serial, known)}"
        )


def _declared(
    now: Mapping[str, Calibration], replaced: Iterable[Calibration], serial: str, begins: str, zone: tzinfo
) -> Iterator[_Span]:
    """The spans in which an instrument of this number, read off its plate, was in a role."""
    for one in (*now.values(), *replaced):
        if not one.declared or one.serial_number != serial:
            continue
        successor = now.get(one.role)
        until = NEVER
        if successor is not None and successor.serial_number != serial:
            until = first_moment(successor.revisions[0].made, zone)
        yield _Span(one.role, max(begins, first_moment(one.revisions[0].made, zone)), until)


def _replaced(config: Path) -> Iterator[Calibration]:
    for path in sorted((config / CALIBRATION / EARLIER).glob("*.toml")):
        source, _ = read_source(path.parents[2], f"{CALIBRATION}/{EARLIER}/{path.name}")
        if source is None:
            continue
        as_it_was = replace(source, name=f"{CALIBRATION}/{source.data.get('role')}.toml")
        calibration, _ = read_calibration(as_it_was, None)
        if calibration is not None:
            yield calibration


def _recalled(history: History, number: int, role: str, declared: bool) -> Recalled:
    record = history.record(str(number))
    until = next((one.calibrated_until for one in record.instruments if one.role == role), None)
    return Recalled(
        record.run_no, record.run_id, record.ended_at, record.verdict.value, record.purpose, record.plan.id,
        record.work_order, record.dut.serial_number, record.simulated, role, until, declared,
        _hanging_on(record, role),
    )  # fmt: skip


def _hanging_on(record: Record, role: str) -> tuple[str, ...]:
    """In the order of the run, each once; a name that nobody has entered may hang on anything."""
    names: dict[str, None] = {}
    for step in record.steps:
        for one in step.measurements:
            try:
                hangs = role in roles_of(one.name, step.use)
            except KeyError:
                hangs = True
            if hangs and one.value is not None:
                names[one.name] = None
    return tuple(names)


def _table(rows: list[Recalled], zone: tzinfo, zone_name: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in (
        "run",
        f"ended ({zone_name})",
        "verdict",
        "purpose",
        "DUT",
        "work order",
        "role",
        "cal. until",
        "hangs on it",
    ):
        table.add_column(name, no_wrap=name not in ("DUT", "work order", "hangs on it"))
    for row in rows:
        style = VERDICT_STYLES.get(row.verdict, "dim")
        table.add_row(
            str(row.run_no), local_time(row.ended_at, zone), f"[{style}]{row.verdict}[/]",
            row.purpose + (" (simulated)" if row.simulated else ""), escape(row.serial_number),
            escape(row.work_order or ""), escape(row.role) + (" (declared)" if row.declared else ""),
            row.calibrated_until or "-", escape(", ".join(row.measurements)),
        )  # fmt: skip
    return table
