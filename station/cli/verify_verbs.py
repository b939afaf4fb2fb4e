"""`verify` as typer sees it; `verbs.py` adds it to the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from station.cli.options import CONFIG, ConfigOption, Json, wrong_use
from station.domain.errors import SettingsError

Serial = Annotated[str | None, typer.Option("--serial", help="The golden unit; that of the latest check if not given.")]
Size = Annotated[int, typer.Option("--subgroup", min=2, max=10, help="Checks in a subgroup.")]
First = Annotated[int, typer.Option("--first", min=2, max=100, help="Limits come from so many first subgroups.")]
From = Annotated[int | None, typer.Option("--from", help="Leave out checks before this run number.")]
Freeze = Annotated[bool, typer.Option("--freeze", help="Keep these limits: from now on every check is read by them.")]
BaselineFile = Annotated[
    Path | None,
    typer.Option("--baseline", help="A file of frozen limits; those kept beside the store if not given."),
]
Family = Annotated[
    float | None,
    typer.Option("--family", help="A rule counts only if chance does as much at no more than this share of looks."),
]
Plot = Annotated[Path | None, typer.Option("--plot", help="The charts as a page: .html or .svg.")]
Run = Annotated[
    bool,
    typer.Option("--run", help="Run a check first: put it in front of the technician and follow it to its record."),
]
Product = Annotated[str | None, typer.Option("--product", help="With --run: of a unit never checked before.")]
Socket = Annotated[
    Path | None,
    typer.Option("--socket", help="With --run: the daemon's, if not the configuration's.", envvar="BENCH_SOCKET"),
]
Gauge = Annotated[Path | None, typer.Option("--gauge", help="A Gauge R&R study of this CSV instead.")]
Tolerance = Annotated[float | None, typer.Option("--tolerance", help="With --gauge: width between the limits.")]


def verify(
    serial: Serial = None,
    subgroup: Size = 3,
    first: First = 8,
    from_run: From = None,
    freeze: Freeze = False,
    baseline: BaselineFile = None,
    plot: Plot = None,
    family: Family = None,
    run: Run = False,
    product: Product = None,
    gauge: Gauge = None,
    tolerance: Tolerance = None,
    config: ConfigOption = CONFIG,
    socket: Socket = None,
    as_json: Json = False,
) -> None:
    """Charts of the golden unit: in control (0), or what drifts and since when (1). Also Gauge R&R of a file."""
    try:
        if gauge is not None:
            from station.cli.verify_gauge import show_study

            raise typer.Exit(show_study(gauge, tolerance, as_json=as_json))
        from station.cli.verify_bench import Choice, show_charts

        choice = Choice(config, serial, subgroup, first, from_run, freeze, baseline, plot, family)
        if run:
            from station.cli.verify_run import run_check

            raise typer.Exit(run_check(choice, socket, product, as_json=as_json))
        raise typer.Exit(show_charts(choice, as_json=as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


VERBS = (verify,)
