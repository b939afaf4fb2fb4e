"""`calibrate` as typer sees it; `verbs.py` adds it to the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from station.cli.options import CONFIG, ConfigOption, Json, wrong_use
from station.domain.errors import SettingsError


def calibrate(
    role: Annotated[str, typer.Argument(help="As in station.toml: mains, dc, tester …; audio.")],
    points: Annotated[Path | None, typer.Option(help="Points of a laboratory's certificate instead.")] = None,
    quantity: Annotated[list[str] | None, typer.Option(help="Only this one; may be given again.")] = None,
    readings: Annotated[int, typer.Option(min=1, max=1000, help="Readings a point.")] = 10,
    loopback: Annotated[bool, typer.Option("--loopback", help="Of audio: its outputs on its inputs.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it and write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write it without asking.")] = False,
    config: ConfigOption = CONFIG,
    as_json: Json = False,
) -> None:
    """Compare an instrument with a reference and write its calibration; the daemon stopped, nothing energised."""
    from station.cli.calibrate import Choice
    from station.cli.calibrate import calibrate as compare

    choice = Choice(role, config, points, tuple(quantity or ()), readings, loopback, dry_run, yes, as_json)
    try:
        raise typer.Exit(compare(choice))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


VERBS = (calibrate,)
