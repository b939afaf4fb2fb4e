"""Options and their words that several verbs share."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from station.domain.printable import printable_lines

WRONG_USE = 2


class Language(StrEnum):
    """Languages of prompts and paper."""

    ZH = "zh"
    EN = "en"


class PaperKind(StrEnum):
    """Papers of a run."""

    REPORT = "report"
    CERTIFICATE = "certificate"
    FAULT = "fault"


class PrinterLanguage(StrEnum):
    """What label printers speak."""

    ZPL = "zpl"
    TSPL = "tspl"


class ExportFormat(StrEnum):
    """What a run can be exported as."""

    JSON = "json"
    CSV = "csv"
    WSJF = "wsjf"
    ATML = "atml"


class YesNo(StrEnum):
    """Of an option that may also be left out."""

    YES = "yes"
    NO = "no"


Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
ConfigOption = Annotated[Path, typer.Option("--config", help="The configuration tree of the station.")]
CONFIG = Path("/etc/bench")


def wrong_use(message: str) -> typer.Exit:
    """One clear line, and exit status 2."""
    print(f"station: {printable_lines(message)}", file=sys.stderr)
    return typer.Exit(WRONG_USE)
