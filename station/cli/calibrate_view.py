"""What a calibration found, for a person and as JSON: as found, as left, the budget, and what the file gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from station.cli.calibrate_file import Change
from station.cli.calibrate_work import Outcome
from station.cli.terminal import Terminal
from station.domain.calibration import Correction, Loopback
from station.metrology.fitting import Fit


def show(outcome: Outcome, change: Change, findings: Sequence[str], *, as_json: bool) -> None:
    """For a person; to standard error where a document goes to standard output."""
    console = Terminal(stderr=as_json, highlight=False, width=None if Terminal().is_terminal else 120)
    revision = outcome.calibration.current
    for name, found in outcome.fits.items():
        console.print(_points(name, revision.corrections[name]))
        console.print(_budget(name, found, revision.corrections[name]))
    if (loopback := revision.loopback) is not None:
        of = f"{loopback.made or revision.made} by {escape(loopback.by or revision.by)}"
        console.print(f"loopback  {of}: THD {loopback.thd_db:.1f} dB, noise {loopback.noise_db:.1f} dB re full scale")
    console.print(escape(change.diff()))
    if change.aside is not None:
        console.print(escape(f"another instrument is on record: its file goes to {change.aside}"))
    for remark in outcome.remarks:
        console.print(escape(remark))
    for finding in findings:
        console.print(f"[yellow]found[/]  {escape(finding)}")


def as_document(
    outcome: Outcome, change: Change, findings: Sequence[str], uncovered: Sequence[str], written: bool
) -> dict[str, Any]:
    """The same as one JSON document."""
    calibration, revision = outcome.calibration, outcome.calibration.current
    return {
        "role": calibration.role, "serial_number": calibration.serial_number, "declared": calibration.declared,
        "file": str(change.path), "written": written, "date": str(revision.made), "due": str(revision.due),
        "by": revision.by, "reference": revision.reference, "certificate": revision.certificate,
        "note": revision.note, "loopback": _loopback(revision.loopback),
        "quantities": {
            name: _quantity(one, outcome.fits.get(name)) for name, one in revision.corrections.items()
        },
        "remarks": list(outcome.remarks), "findings": list(findings), "uncovered": list(uncovered),
    }  # fmt: skip


def _loopback(one: Loopback | None) -> dict[str, Any] | None:
    return None if one is None else asdict(one) | {"made": str(one.made) if one.made else None}


def _quantity(one: Correction, fit: Fit | None) -> dict[str, Any]:
    plain = asdict(one) | {
        name: [[point.reference, point.reading] for point in points]
        for name, points in (("as_found", one.as_found), ("as_left", one.as_left))
    }
    budget = [asdict(line) for line in fit.budget] if fit else None
    return plain | {"shape": fit.shape if fit else None, "budget": budget}


def _points(name: str, one: Correction) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", title=None)
    for head in (name, "as found", "off", "as left", "off", "U (k=2)"):
        table.add_column(head, justify="right", no_wrap=True)
    for found, left in zip(one.as_found, one.as_left, strict=True):
        table.add_row(
            f"{found.reference:.6g}", f"{found.reading:.6g}", f"{found.reading - found.reference:+.3g}",
            f"{left.reading:.6g}", f"{left.reading - left.reference:+.3g}", f"{one.expanded(left.reading):.3g}",
        )  # fmt: skip
    return table


def _budget(name: str, fit: Fit, one: Correction) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in (f"{fit.shape} of {name}", "of the value, %", f"in {name.rsplit('_', 1)[-1]}"):
        table.add_column(head, justify="left" if head.startswith(fit.shape) else "right", no_wrap=True)
    for line in fit.budget:
        table.add_row(line.name, f"{100.0 * line.relative:.4f}", f"{line.absolute:.3g}")
    table.add_row("together (k=2)", f"{100.0 * one.relative:.4f}", f"{one.absolute:.3g}")
    table.add_row(f"factor {one.factor:.7g}", "", f"offset {one.offset:.3g}")
    return table
