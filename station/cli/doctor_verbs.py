"""`doctor`, `logs` and `bundle` as typer sees them; `verbs.py` adds them to the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from station.cli.options import CONFIG, ConfigOption, Json, wrong_use
from station.domain.errors import SettingsError

Socket = Annotated[
    Path | None, typer.Option("--socket", help="The daemon's control socket, if not the configuration's.")
]  # fmt: skip
Listen = Annotated[
    str | None, typer.Option("--listen", metavar="BUS", help="Find devices on this bus by address; only reads.")
]  # fmt: skip


def doctor(config: ConfigOption = CONFIG, socket: Socket = None, listen: Listen = None, as_json: Json = False) -> None:
    """Read every device once: what answers, what does not, and what to try. Energises nothing."""
    from station.cli.doctor import Choice
    from station.cli.doctor import doctor as examine

    try:
        raise typer.Exit(examine(Choice(config, socket, listen, as_json)))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


def logs(
    run: Annotated[str, typer.Argument(help="A run by number, id or the beginning of its id.")],
    config: ConfigOption = CONFIG,
    as_json: Json = False,
) -> None:
    """Everything known of a run in the order of time, from the journal and the store."""
    from station.cli.logs import show_logs

    try:
        raise typer.Exit(show_logs(config, run, as_json=as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


def bundle(
    config: ConfigOption = CONFIG,
    out: Annotated[Path | None, typer.Option(help="The archive; bench-TIME.tar.gz if not given.")] = None,
    as_json: Json = False,
) -> None:
    """Redacted logs, configuration, doctor and recent records in one archive for support."""
    from station.cli.bundle import make_bundle

    try:
        raise typer.Exit(make_bundle(config, out, as_json=as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


VERBS = (doctor, logs, bundle)
