"""`purge` as typer sees it; `verbs.py` adds it to the command."""

from __future__ import annotations

from typing import Annotated

import typer

from station.cli.options import CONFIG, ConfigOption, Json, wrong_use
from station.domain.errors import SettingsError

Days = Annotated[int | None, typer.Option(help="Older than so many days; store.retention_days if not given.")]
Serial = Annotated[str | None, typer.Option("--serial", help="All of a device: serial number or IMEI.")]
Order = Annotated[str | None, typer.Option("--work-order", help="All of a work order.")]
Badge = Annotated[str | None, typer.Option("--badge", help="All that a person took part in.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would go, and delete nothing.")]
History = Annotated[bool, typer.Option("--history", help="What was purged so far: why run numbers are missing.")]
Compact = Annotated[
    bool, typer.Option("--compact", help="Give free space back; the station stopped. Writes it all anew.")
]
Database = Annotated[str | None, typer.Option(help="The centre's instead: SQLite file or postgresql://user@host/name.")]


def purge(
    days: Days = None,
    serial: Serial = None,
    work_order: Order = None,
    badge: Badge = None,
    dry_run: DryRun = False,
    history: History = False,
    compact: Compact = False,
    database: Database = None,
    config: ConfigOption = CONFIG,
    as_json: Json = False,
) -> None:
    """Delete what is old, or one device's, order's or person's; only what the centre has receipted."""
    from station.cli.purge import Choice, show_history
    from station.cli.purge import purge as purge_bench

    choice = Choice(config, days, serial, work_order, badge, dry_run, compact, as_json)
    try:
        if database is not None:
            from station.cli.purge_centre import purge_centre

            if history or compact:
                raise SettingsError("--history and --compact are of a bench; leave them out with --database")
            raise typer.Exit(purge_centre(database, choice))
        if history:
            raise typer.Exit(show_history(config, as_json=as_json))
        raise typer.Exit(purge_bench(choice))
    except SettingsError as error:
        raise wrong_use(str(error)) from None
