"""Writes the pages of a run: report, certificate, fault report, and the same as PDF. From the record, the run as found
and, for the certificate, whoever signs. `write` has the slips and the report alone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from station.report.certificate import require_certifiable
from station.report.fault_report import require_incoming
from station.report.html import Reader, Signer, render, render_certificate, render_fault_report
from station.report.record_view import Plain, ReportError

Kind = Literal["report", "certificate", "fault"]
NAMES: dict[Kind, str] = {"report": "report.html", "certificate": "certificate.html", "fault": "fault-report.html"}


def require_kind(record: Plain, kind: Kind) -> None:
    """Raises `ReportError` with the reason where there is no such paper for this run."""
    if kind == "certificate":
        require_certifiable(record)
    elif kind == "fault":
        require_incoming(record)


def kinds_for(record: Plain) -> tuple[Kind, ...]:
    """Every paper that this run may have, the report first."""
    kinds: list[Kind] = ["report"]
    for kind in ("certificate", "fault"):
        try:
            require_kind(record, kind)
        except ReportError:
            continue
        kinds.append(kind)
    return tuple(kinds)


def page_of(record: Plain, kind: Kind, reader: Reader, found: Plain | None = None, signer: Signer | None = None) -> str:
    """One page. Raises `ReportError` where there is no such paper for this run."""
    match kind:
        case "report":
            return render(record, reader.lang, reader.zone, reader.zone_name, found)
        case "certificate":
            return render_certificate(record, reader, found, signer)
        case "fault":
            return render_fault_report(record, reader)


def write_page(page: str, out_dir: Path, kind: Kind) -> Path:
    """Write it under the name of its kind, whole or not at all. Raises `OSError`."""
    path = out_dir / NAMES[kind]
    out_dir.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(page, encoding="utf-8", newline="\n")
    part.replace(path)
    return path
