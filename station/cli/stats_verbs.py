"""`stats` as typer sees it; `verbs.py` adds it to the command."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from station.cli.options import Json, wrong_use
from station.domain.errors import SettingsError

Config = Annotated[Path | None, typer.Option("--config", help="The bench whose own history is read (/etc/bench).")]
Database = Annotated[
    str | None, typer.Option("--database", help="The centre's instead: an SQLite file, or postgresql://user@host/name.")
]
Product = Annotated[str | None, typer.Option("--product", help="Of this product alone.")]
Plan = Annotated[str | None, typer.Option("--plan", help="Of this plan alone.")]
Since = Annotated[str | None, typer.Option("--since", help="What ended on this day or later: 2026-01-31.")]
Until = Annotated[str | None, typer.Option("--until", help="… on this day or earlier. At a centre days are UTC.")]
OfStation = Annotated[str | None, typer.Option("--station", help="With --database: of this bench alone.")]
Simulated = Annotated[
    bool, typer.Option("--simulated", help="Simulated runs alone, marked as a sample; they never count otherwise.")
]
Plot = Annotated[Path | None, typer.Option("--plot", help="The figures drawn, as one page: FILE.html.")]


def stats(
    config: Config = None,
    database: Database = None,
    product: Product = None,
    plan: Plan = None,
    since: Since = None,
    until: Until = None,
    station: OfStation = None,
    simulated: Simulated = False,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Yield, failure Pareto, Ppk, golden-unit drift, times, reworks, people: with what they are made of and not."""
    from station.cli.stats import Choice
    from station.cli.stats import stats as make

    try:
        choice = Choice(config, database, product, plan, station, since, until, simulated, plot)
        raise typer.Exit(make(choice, datetime.now(UTC), as_json=as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


VERBS = (stats,)
