"""`results …` as typer sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from station.cli.options import (
    CONFIG,
    ConfigOption,
    ExportFormat,
    Json,
    Language,
    PaperKind,
    PrinterLanguage,
    YesNo,
    wrong_use,
)
from station.domain.errors import SettingsError

results = typer.Typer(no_args_is_help=True, help="The local history of runs, and their paper.")


@results.command("list")
def list_results(
    serial: Annotated[str | None, typer.Option(help="Runs of this serial number.")] = None,
    work_order: Annotated[str | None, typer.Option(help="Runs of this work order.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the latest.")] = 50,
    config: ConfigOption = CONFIG,
    as_json: Json = False,
) -> None:
    """The latest runs first."""
    from station.cli.results import list_runs

    try:
        raise typer.Exit(list_runs(config, serial, work_order, limit, as_json=as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


@results.command("show")
def show_result(run: str, config: ConfigOption = CONFIG, as_json: Json = False) -> None:
    """One run, by its number, its id or the beginning of its id."""
    from station.cli.results import show_run

    try:
        raise typer.Exit(show_run(config, run, as_json=as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


@results.command("label")
def label_again(
    run: str,
    out: Annotated[Path | None, typer.Option(help="A file instead of the printer.")] = None,
    language: Annotated[PrinterLanguage | None, typer.Option(help="Of the file; else the printer's.")] = None,
    config: ConfigOption = CONFIG,
    as_json: Json = False,
) -> None:
    """The label of a run again, marked 补打; only where the run had one."""
    from station.cli.label import Choice as Again
    from station.cli.label import print_again

    try:
        chosen = language.value if language else None
        raise typer.Exit(print_again(Again(config, run, out, chosen, as_json)))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


@results.command("report")
def report_result(
    run: str,
    kind: Annotated[PaperKind, typer.Option(help="Which paper.")] = PaperKind.REPORT,
    lang: Annotated[Language | None, typer.Option(help="Language; the bench's own if not given.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="As PDF as well, where Chromium is.")] = False,
    out: Annotated[Path | None, typer.Option(help="Directory; run-NUMBER if not given.")] = None,
    config: ConfigOption = CONFIG,
    as_json: Json = False,
) -> None:
    """The paper of a run: test report, certificate (PASS, outgoing) or fault report (incoming)."""
    from station.cli.result_paper import PaperChoice, report_run

    choice = PaperChoice(config, run, kind.value, lang.value if lang else None, pdf, out)
    try:
        raise typer.Exit(report_run(choice, as_json=as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


@results.command("export")
def export_results(
    runs: Annotated[list[str] | None, typer.Argument(metavar="RUN", help="Numbers, ids or their beginnings.")] = None,
    serial: Annotated[str | None, typer.Option(help="Runs of this serial number.")] = None,
    work_order: Annotated[str | None, typer.Option(help="Runs of this work order.")] = None,
    since: Annotated[str | None, typer.Option(help="Runs that ended on this day or later: 2026-01-31.")] = None,
    until: Annotated[str | None, typer.Option(help="Runs that ended on this day or earlier.")] = None,
    simulated: Annotated[YesNo | None, typer.Option(help="Only simulated runs, or only real ones.")] = None,
    as_what: Annotated[ExportFormat, typer.Option("--format", help="What to write.")] = ExportFormat.JSON,
    out: Annotated[
        Path | None, typer.Option(help="A new file; for wsjf and atml a directory. Else standard output.")
    ] = None,
    process_code: Annotated[int | None, typer.Option(min=0, help="wsjf: the process code of your WATS.")] = None,
    database: Annotated[
        str | None, typer.Option(help="The centre's database instead: PATH or postgresql://user@host/name.")
    ] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Runs as JSON, CSV, WATS WSJF or ATML; nothing is overwritten."""
    from station.cli.export import ExportChoice, export_runs
    from station.cli.export_source import ExportSource

    only = None if simulated is None else simulated is YesNo.YES
    source = ExportSource(config, database, tuple(runs or ()), serial, work_order, since, until, only)
    try:
        raise typer.Exit(export_runs(ExportChoice(source, as_what, out, process_code)))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


@results.command("recall")
def recall_instrument(
    serial: Annotated[str, typer.Argument(help="Serial number of an instrument, as on its plate.")],
    since: Annotated[str | None, typer.Option(help="Only runs that ended on this day or later: 2026-01-31.")] = None,
    config: ConfigOption = CONFIG,
    as_json: Json = False,
) -> None:
    """Which runs used an instrument, and what of them hangs on it."""
    from station.cli.recall import recall

    try:
        raise typer.Exit(recall(config, serial, since, as_json=as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


@results.command("requeue")
def requeue_messages(
    run: Annotated[str | None, typer.Argument(help="Only of this run: number, id or its beginning.")] = None,
    only_list: Annotated[bool, typer.Option("--list", help="Show them and change nothing.")] = False,
    config: ConfigOption = CONFIG,
    as_json: Json = False,
) -> None:
    """Send again what the centre rejected, byte for byte, with the daemon or without."""
    from station.cli.requeue import requeue

    try:
        raise typer.Exit(requeue(config, run, only_list=only_list, as_json=as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


@results.command("verify")
def verify_result(
    file: Annotated[Path, typer.Argument(help="A certificate's HTML file.")],
    key: Annotated[
        Path | None, typer.Option(help="Public keys; those in the station's credentials if not given.")
    ] = None,
    config: ConfigOption = CONFIG,
    as_json: Json = False,
) -> None:
    """Whether a certificate is what the station signed: valid (0), or altered, unknown key, not signed (1)."""
    from station.cli.keys import CERTIFICATE_KEYS, credentials_of
    from station.cli.verify import verify_file

    try:
        keys = key or credentials_of(config) / CERTIFICATE_KEYS
        raise typer.Exit(verify_file(file, keys, as_json=as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None
