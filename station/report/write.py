"""Writes a run's paper into a directory, from its record alone: the report, and the slip that belongs to its verdict.

The station starts this in a process of its own (`python -m station.report`); nothing here is imported by the daemon.
"""

from __future__ import annotations

from pathlib import Path

from station.domain.record import Record
from station.report.html import render
from station.report.numbers import zone_of as zone_of
from station.report.record_view import Plain, ReportError, plain_record
from station.report.slips import kind_for, make_slip
from station.report.words import LANGS, Lang

REPORT = "report.html"
SLIPS = ("label.zpl", "return-slip.zpl", "retest-slip.zpl")


def write_report(record: Record | Plain, out_dir: Path, lang: Lang, timezone: str = "UTC") -> list[Path]:
    """Write `report.html` and return its path. Raises `ReportError` for what is no record, `OSError` for the disk."""
    zone, name = zone_of(timezone)
    page = render(plain_record(record), _checked(lang), zone, name)
    return [_write(out_dir / REPORT, page)]


def write_slips(record: Record | Plain, out_dir: Path, lang: Lang, timezone: str = "UTC") -> list[Path]:
    """Write the one slip that the verdict asks for, if any, and remove the others that an earlier run left.

    `label.zpl`: PASS with purpose outgoing, where the plan has a label. `return-slip.zpl`: FAIL.
    `retest-slip.zpl`: ERROR and ABORTED.
    """
    plain = plain_record(record)
    zone, _ = zone_of(timezone)
    kind = kind_for(plain)
    slip = None if kind is None else make_slip(kind, plain, _checked(lang), zone)
    for name in SLIPS:
        if slip is None or name != slip.name:
            (out_dir / name).unlink(missing_ok=True)
    return [] if slip is None else [_write(out_dir / slip.name, slip.job)]


def _checked(lang: str) -> Lang:
    for known in LANGS:
        if lang == known:
            return known
    raise ReportError(f"language {lang!r}: must be one of {', '.join(LANGS)}")


def _write(path: Path, text: str | bytes) -> Path:
    """Whole or not at all: a reader never sees half a report."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    part.replace(path)
    return path
