"""`results …` as typer sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from station.cli.options import CONFIG, ConfigOption, Json, Language, PaperKind, PrinterLanguage, wrong_use
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
