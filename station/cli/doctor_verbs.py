"""`doctor` as typer sees it; `verbs.py` adds it to the command."""

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
