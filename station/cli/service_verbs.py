"""`service …` as typer sees it: a maintainer's acts, with the daemon stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from station.cli.options import Json, wrong_use
from station.domain.errors import SettingsError

service = typer.Typer(no_args_is_help=True, help="A maintainer's acts, with the daemon stopped.")
Config = Annotated[Path, typer.Option(help="The configuration tree of the station.")]
INSTALLED = Path("/etc/bench")


@service.command("clear-weld")
def clear_weld(config: Config = INSTALLED, as_json: Json = False) -> None:
    """Clear the service latch of a welded contactor, once the contactor was replaced."""
    from station.cli.service import clear_service_latch

    try:
        raise typer.Exit(clear_service_latch(config, as_json=as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


@service.command()
def machine(
    config: Config = INSTALLED,
    moved: Annotated[bool, typer.Option("--moved", help="This bench got another machine: it is its store.")] = False,
    copied: Annotated[bool, typer.Option("--copied", help="A copy of another bench's card: begin empty.")] = False,
    as_json: Json = False,
) -> None:
    """Say whose store this is, where a card finds itself on another machine; alone: tell whose it is."""
    from station.cli.service_machine import settle_machine

    try:
        if moved and copied:
            raise SettingsError("--moved and --copied: it is one of the two")
        raise typer.Exit(settle_machine(config, moved=moved, copied=copied, as_json=as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None
