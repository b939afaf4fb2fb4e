"""`results list|show|report|verify`: the local history and its paper, read beside a running daemon.

What a run's paper needs beyond its record (earlier runs, key, zone) is gathered here and handed to its own process.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import tzinfo
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from station.cli.keys import credentials_of
from station.cli.remote_view import VERDICT_STYLES
from station.cli.terminal import Terminal
from station.contract.records import RecordCodec, to_plain
from station.domain.errors import SettingsError, StoreError
from station.domain.record import JudgedMeasurement, Record
from station.report.numbers import limits, local_time, measured, zone_of
from station.report.words import unit_title
from station.store.history import History, RunRow


@dataclass(frozen=True, slots=True)
class Bench:
    """What of a configuration tree the history needs: a plan that is broken today hides no result of yesterday."""

    store: Path
    timezone: str
    language: str
    credentials: Path


def bench_of(config: Path) -> Bench:
    """The tables [station] and [store] of the tree. Raises `SettingsError`."""
    file = config / "station.toml"
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
        station, store = tables["station"], tables["store"]
        return Bench(
            Path(store["path"]), str(station["timezone"]), str(station.get("language", "zh")),
            credentials_of(config),
        )  # fmt: skip
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}; name the station's configuration with --config DIR") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"{file}: no store.path and station.timezone in it ({error}); station check says"
        ) from error


@contextmanager
def open_history(bench: Bench) -> Iterator[History]:
    """The store for reading. Raises `SettingsError` where there is none, and for a query that it does not answer."""
    try:
        with History(bench.store, RecordCodec()) as history:
            yield history
    except StoreError as error:
        raise SettingsError(f"{error}; the configuration's store.path says where it is (--config DIR)") from error


def find_record(history: History, run: str) -> Record:
    """A run by number, id or the beginning of its id. Raises `SettingsError`."""
    try:
        return history.record(run)
    except StoreError as error:
        raise SettingsError(str(error)) from error


def list_runs(config: Path, serial: str | None, work_order: str | None, limit: int, *, as_json: bool) -> int:
    """The latest runs first. Exit status 0, also where there is none."""
    bench = bench_of(config)
    with open_history(bench) as history:
        rows = history.runs(limit, serial_number=serial, work_order=work_order)
    if as_json:
        print(json.dumps([asdict(row) for row in rows], ensure_ascii=False))
        return 0
    if not rows:
        print("no run" + " of that serial number or work order" * bool(serial or work_order), file=sys.stderr)
        return 0
    Terminal(width=None if sys.stdout.isatty() else 140).print(_list(rows, *zone_of(bench.timezone)))
    return 0


def show_run(config: Path, run: str, *, as_json: bool) -> int:
    """One record: as it is with `--json`, else what it says."""
    bench = bench_of(config)
    with open_history(bench) as history:
        record = find_record(history, run)
    if as_json:
        print(json.dumps(to_plain(record, Record), ensure_ascii=False))
        return 0
    console = Terminal(width=None if sys.stdout.isatty() else 140, highlight=False)
    zone, zone_name = zone_of(bench.timezone)
    for line in _head(record, zone, zone_name):
        console.print(line)
    console.print(_measurements(record))
    for cause in record.causes:
        console.print(f"[red]cause[/]  {escape(f'{cause.step}: ' if cause.step else '')}{escape(cause.text)}")
    for finding in record.findings:
        console.print(f"finding  {finding.area} ({finding.weight:.2f}): {escape(finding.text.get('en', ''))}")
    return 0


def _list(rows: Sequence[RunRow], zone: tzinfo, zone_name: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("run", f"ended ({zone_name})", "verdict", "purpose", "plan", "serial number", "work order", "id"):
        table.add_column(name, no_wrap=name not in ("plan", "serial number", "work order"))
    for row in rows:
        verdict = row.verdict or "open"
        when = local_time(row.ended_at, zone) if row.ended_at else ""
        table.add_row(
            str(row.run_no), when, f"[{VERDICT_STYLES.get(verdict, 'dim')}]{verdict}[/]",
            row.purpose + (" (simulated)" if row.simulated else ""), escape(row.plan), escape(row.serial_number),
            escape(row.work_order or ""), row.run_id[:18],
        )  # fmt: skip
    return table


def _head(record: Record, zone: tzinfo, zone_name: str) -> list[str]:
    dut = record.dut
    imei = f", IMEI {dut.imei}" if dut.imei else ""
    style = VERDICT_STYLES[record.verdict.value]
    when = f"{local_time(record.ended_at, zone)} {zone_name}, {record.duration_s:.0f} s"
    lines = [
        f"[{style}]{record.verdict.value}[/]  run {record.run_no}  {record.run_id}" + "  SIMULATED" * record.simulated,
        escape(
            f"{dut.maker} {dut.model}, serial number {dut.serial_number}{imei}, work order {record.work_order or '-'}"
        ),
        escape(f"{record.plan.id} {record.plan.revision} ({record.purpose}) on {record.station}"),
        f"{when}, operator {escape(record.operator or '-')}",
    ]
    if (reference := record.reference) is not None:
        told = [one for one in (reference.purpose, reference.verdict, reference.station) if one]
        lines.append(escape(f"compared with {reference.run_id} ({', '.join(told)})" + ", REWORK" * reference.rework))
    return lines


def _measurements(record: Record) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("step", "measurement", "channel", "value", "limits", "verdict"):
        table.add_column(name, justify="right" if name in ("value", "limits") else "left")
    for step in record.steps:
        for m in step.measurements:
            table.add_row(step.id, m.name, m.channel or "", *_figures(m))
    return table


def _figures(m: JudgedMeasurement) -> tuple[str, str, str]:
    unit = unit_title(m.unit)
    verdict = m.verdict.value
    return (
        measured(m.value, m.uncertainty, m.bound, unit),
        limits(m.low, m.high, unit, "to"),
        f"[{VERDICT_STYLES.get(verdict, 'dim')}]{verdict}[/]",
    )
