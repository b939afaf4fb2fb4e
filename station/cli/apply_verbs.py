"""`apply`, `rollback`, `revisions` and `diff` as typer sees them; `verbs.py` adds them to the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from station.cli.options import CONFIG, ConfigOption, Json, wrong_use
from station.domain.errors import SettingsError

if TYPE_CHECKING:
    from station.cli.apply import Choice

Socket = Annotated[
    Path | None, typer.Option("--socket", help="The daemon's control socket.", envvar="BENCH_SOCKET")
]  # fmt: skip
Looser = Annotated[
    list[str] | None,
    typer.Option("--accept-looser", help="A safety limit or interlock that may get looser, by the name in the list."),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Hand it over and do not follow.")]
Timeout = Annotated[float | None, typer.Option(min=0.0, help="Follow for so many seconds at most.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and compare; change nothing.")]


def apply(
    source: Annotated[str, typer.Argument(metavar="DIR|-", help="A tree; - for its tar.gz on standard input.")],
    config: ConfigOption = CONFIG,
    socket: Socket = None,
    accept_looser: Looser = None,
    no_wait: NoWait = False,
    timeout: Timeout = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take a tree's plans, products, interlocks and diagnosis into use: checked, on trial, and back by itself."""
    from station.cli.apply import Choice, apply_tree

    choice = Choice(config, socket, tuple(accept_looser or ()), no_wait, timeout, dry_run, as_json)
    raise typer.Exit(_done(choice, lambda: apply_tree(source, choice)))


def rollback(
    revision: Annotated[str | None, typer.Argument(help="One of `revisions`, or own; the one before if left out.")] = (
        None
    ),
    config: ConfigOption = CONFIG,
    socket: Socket = None,
    accept_looser: Looser = None,
    no_wait: NoWait = False,
    timeout: Timeout = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Back to the revision before, or to a named one: the same way as `apply`."""
    from station.cli.apply import Choice, roll_back

    choice = Choice(config, socket, tuple(accept_looser or ()), no_wait, timeout, dry_run, as_json)
    raise typer.Exit(_done(choice, lambda: roll_back(revision, choice)))


def revisions(config: ConfigOption = CONFIG, as_json: Json = False) -> None:
    """Which configurations this bench has had: in use, on trial, wanted, given up; when, by whom and why."""
    from station.cli.revisions import list_revisions

    try:
        raise typer.Exit(list_revisions(config, as_json=as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="A directory, a revision, current, or own.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    config: ConfigOption = CONFIG,
    looser: Annotated[bool, typer.Option("--looser", help="Only what loosens safety.")] = False,
    most: Annotated[int | None, typer.Option(min=0, help="So many changes at most.")] = None,
    as_json: Json = False,
) -> None:
    """What changes from A to B, in words; what loosens safety first. Exit 1 where anything does."""
    from station.cli.revisions import show_differences

    try:
        raise typer.Exit(show_differences(first, second, config, looser=looser, most=most, as_json=as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from None


def _done(choice: Choice, act: Callable[[], int]) -> int:
    from station.cli.apply import cannot

    try:
        return act()
    except SettingsError as error:
        return cannot(choice, str(error))


VERBS = (apply, rollback, revisions, diff)
