"""`results export`: runs of the bench's history or of the centre's database as JSON, CSV, WATS WSJF or ATML.

JSON and CSV are one document; WSJF and ATML one file a run. Runs are read and written one after another.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from station.cli.export_source import ExportSource, Found, open_source
from station.cli.options import ExportFormat
from station.domain.errors import SettingsError
from station.report.exports.atml import atml
from station.report.exports.shared import ExportError, file_name
from station.report.exports.table import header, rows
from station.report.exports.wsjf import PROCESS_CODE, wsjf


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What is to be exported, as what, and where to; `out` None: standard output."""

    source: ExportSource
    format: ExportFormat
    out: Path | None
    process_code: int | None


def export_runs(choice: ExportChoice) -> int:
    """Export them and say how many on standard error. Exit status 0, also for none. Raises `SettingsError`."""
    if choice.process_code is not None and choice.format is not ExportFormat.WSJF:
        raise SettingsError(f"--process-code is a number of WATS: {choice.format.value} has none; leave it out")
    one_each = choice.format in (ExportFormat.WSJF, ExportFormat.ATML)
    if one_each and choice.out is None and len(choice.source.runs) != 1:
        raise SettingsError(
            f"--format {choice.format.value} is one file a run: name one run, or a directory with --out DIR"
        )
    try:
        with open_source(choice.source) as runs:
            count = _each(choice, runs) if one_each else _together(choice, runs)
    except ExportError as error:
        raise SettingsError(str(error)) from error
    except BrokenPipeError:  # who reads has had enough; nor may Python complain of it when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    where = "" if choice.out is None else f" in {choice.out}"
    print(f"export: {count} run{'s' * (count != 1)} as {choice.format.value}{where}", file=sys.stderr)
    if choice.format is ExportFormat.WSJF and choice.process_code is None and count:
        print(f"export: process code {PROCESS_CODE}: none was named (--process-code N)", file=sys.stderr)
    return 0


def _together(choice: ExportChoice, runs: Iterator[Found]) -> int:
    count = 0
    with _document(choice.out) as out:
        if choice.format is ExportFormat.CSV:
            out.write(header())
        for count, found in enumerate(runs, start=1):
            if choice.format is ExportFormat.CSV:
                out.write(rows(found.record(), found.epoch))
            else:
                out.write((b"[\n" if count == 1 else b",\n") + found.text)
        if choice.format is ExportFormat.JSON:
            out.write(b"\n]\n" if count else b"[]\n")
    return count


def _each(choice: ExportChoice, runs: Iterator[Found]) -> int:
    count = 0
    for found in runs:
        count, record = count + 1, found.record()
        if choice.format is ExportFormat.WSJF:
            code = PROCESS_CODE if choice.process_code is None else choice.process_code
            written, kind, suffix = wsjf(record, code), "WSJF", "json"
        else:
            written, kind, suffix = atml(record), "ATML", "xml"
        path = choice.out and _directory(choice.out) / file_name(kind, found.epoch, record, suffix)
        with _document(path) as out:
            out.write(written)
    return count


def _directory(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise SettingsError(f"--out {out}: a file; these are one file a run, so name a directory") from None
    except OSError as error:
        raise SettingsError(f"--out {out}: {error.strerror}; name a directory that you may write to") from error
    return out


@contextmanager
def _document(path: Path | None) -> Iterator[BinaryIO]:
    """Standard output or a new file; of one that could not be written whole nothing is left."""
    if path is None:
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise SettingsError(f"standard output: {error.strerror}; what is there is not whole") from error
        return
    try:
        out = path.open("xb")
    except FileExistsError:
        what = "a directory; it is one document, so name a file" if path.is_dir() else "there already; nothing is"
        what += "" if path.is_dir() else " overwritten: move it away or name another --out"
        raise SettingsError(f"{path}: {what}") from None
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; name a place that you may write to") from error
    try:
        with out:
            yield out
    except OSError as error:
        path.unlink(missing_ok=True)
        raise SettingsError(f"{path}: {error.strerror}; nothing is left of it") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
