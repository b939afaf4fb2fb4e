"""`station logs RUN`: everything known of a run in the order of time, from the journal and from the store.

Where there is no journal, or it may not be read, the store alone tells, and that is said.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from station.cli.results import bench_of, find_record, open_history
from station.domain.clock import utc_text
from station.domain.errors import SettingsError
from station.domain.printable import printable
from station.domain.record import Record
from station.report.numbers import zone_of
from station.store.history import History, RunRow

DONE = 0
MOST = 10_000
"""Runs that are looked through, the latest."""
JOURNAL_S = 30.0
UNIT = "_SYSTEMD_UNIT=station.service"
_LEVELS = {"2": "critical", "3": "error", "4": "warning", "6": "info", "7": "debug"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened. `at` is UTC; `whence`: journal or store."""

    at: str
    whence: str
    level: str
    step: str
    text: str


def show_logs(config: Path, run: str, *, as_json: bool) -> int:
    """Exit status 0. Raises `SettingsError` for a run that is not there."""
    bench = bench_of(config)
    with open_history(bench) as history:
        row = _row(history, run)
        record = find_record(history, row.run_id) if row.verdict is not None else None
    run_id = row.run_id
    lines, missing = journal_of_run(run_id)
    if record is not None:
        lines += lines_of(record)
    lines.sort(key=lambda line: line.at)
    if as_json:
        document = {"run_id": run_id, "journal": missing or "read", "lines": [asdict(line) for line in lines]}
        print(json.dumps(document, ensure_ascii=False))
        return DONE
    zone, _ = zone_of(bench.timezone)
    for line in lines:
        at = datetime.fromisoformat(line.at.replace("Z", "+00:00")).astimezone(zone)
        step = f" [{line.step}]" if line.step else ""
        level = "" if line.level == "info" else f" {line.level.upper()}"
        print(f"{at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + printable(f" {line.whence:7}{level}{step} {line.text}"))
    if missing:
        print(f"only what the store knows: {printable(missing)}", file=sys.stderr)
    return DONE


def _row(history: History, run: str) -> RunRow:
    """A run by number, id or the beginning of its id; one that is under way too."""
    fit = [row for row in history.runs(MOST) if str(row.run_no) == run or (len(run) > 3 and row.run_id.startswith(run))]
    if len(fit) != 1:
        what = "no run" if not fit else "more than one run"
        raise SettingsError(f"{what} is called {run}; `station results list` shows them")
    return fit[0]


def lines_of(record: Record) -> list[Line]:
    """The run's own record as lines: its begin, steps, trips, handovers, causes, end."""
    lines = [Line(record.started_at, "store", "info", "", f"run {record.run_no} begins: {record.plan.id}")]
    for step in record.steps:
        if step.started_at is None:
            continue
        words = f"{step.verdict}, {step.duration_s:.1f} s" + "".join(f"; {note}" for note in step.notes)
        bad = [
            f"{one.name} {one.value:g}" for one in step.measurements if one.verdict != "PASS" and one.value is not None
        ]
        lines.append(Line(step.started_at, "store", "info", step.id, "; ".join([words, *bad])))
    began = datetime.fromisoformat(record.started_at.replace("Z", "+00:00"))
    for trip in record.trips:
        at = utc_text(began + timedelta(seconds=trip.at_s / record.speed))
        value = (
            "" if trip.value is None else f", {trip.value:g} against {trip.limit:g}" if trip.limit is not None else ""
        )
        lines.append(Line(at, "store", "error", "", f"trip {trip.interlock}: {trip.cause}{value}"))
    lines += [Line(one.at, "store", "info", "", f"{one.operator} took over") for one in record.handovers]
    why = "; ".join(filter(None, (cause.text for cause in record.causes)))
    lines.append(Line(record.ended_at, "store", "info", "", f"run ends: {record.verdict}. {why}".rstrip(". ")))
    return lines


def journal_of_run(run_id: str) -> tuple[list[Line], str]:
    """The journal's lines of a run, and why there is none. Any user may write `BENCH_RUN`; the unit is its own word."""
    return read_journal(f"BENCH_RUN={run_id}", UNIT)


def read_journal(*matches: str) -> tuple[list[Line], str]:
    """Entries that match, oldest first; and what to do where the journal is not read."""
    program = shutil.which("journalctl")
    if program is None:
        return [], "this machine has no journal (journalctl)"
    try:
        said = subprocess.run(
            [program, "-o", "json", "--no-pager", "-q", *matches],
            capture_output=True, timeout=JOURNAL_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return [], f"journalctl does not end within {JOURNAL_S:g} s"
    lines = [line for raw in said.stdout.splitlines() if (line := _entry(raw)) is not None]
    if lines:
        return lines, ""
    refused = said.stderr.decode(errors="replace").strip().splitlines()
    remedy = "sudo, or sudo usermod -aG systemd-journal $USER and log in again, where you may not read it"
    return [], f"the journal has nothing of it ({refused[0] if refused else 'no entry'}; {remedy})"


def _entry(raw: bytes) -> Line | None:
    try:
        fields = json.loads(raw)
        at = utc_text(datetime.fromtimestamp(int(fields["__REALTIME_TIMESTAMP"]) / 1e6, UTC))
    except (ValueError, KeyError, TypeError):
        return None
    text = fields.get("MESSAGE")
    if isinstance(text, list):  # not UTF-8: journalctl gives the bytes
        text = bytes(text).decode(errors="replace")
    level = _LEVELS.get(str(fields.get("PRIORITY", "6")), "info")
    return Line(at, "journal", level, str(fields.get("BENCH_STEP", "")), str(text))
