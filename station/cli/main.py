"""The command line's door: exit statuses and one clear line for what goes wrong (contracts/cli.md).

`run` goes past typer on purpose: the daemon pays neither its memory nor its start-up. Verbs stand in `verbs.py`.
"""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Sequence

from drivers.errors import DriverError
from station.domain.errors import StationError

WRONG_USE = 2
UNCAUGHT = 4
INTERRUPTED = 130


def main() -> None:
    """Entry point. An uncaught error exits 4, never 1: 1 means FAIL or "something found"."""
    arguments = sys.argv[1:]
    try:
        if arguments[:1] == ["run"]:
            gc.disable()  # nothing that a start makes is garbage; the daemon switches it on when it is ready
            from station.daemon import main as run_daemon

            sys.exit(run_daemon(arguments[1:]))
        sys.exit(_verb(arguments))
    except SystemExit:
        raise
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (StationError, DriverError) as error:
        print(f"station: {error}", file=sys.stderr)
        sys.exit(UNCAUGHT)
    except BaseException:
        traceback.print_exc()
        sys.exit(UNCAUGHT)


def _verb(arguments: Sequence[str]) -> int:
    """Run a verb of typer's; its exit status. What typer says about wrong use becomes one line."""
    import typer

    from station.cli.verbs import app

    try:
        status = app(list(arguments) or ["--help"], prog_name="station", standalone_mode=False)
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as error:
        print(_one_line(error), file=sys.stderr)
        return WRONG_USE
    return WRONG_USE if not arguments else int(status or 0)


def _one_line(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    verb = context.command_path if context else "station"
    message = getattr(error, "format_message", error.__str__)().rstrip(".")
    return f"{verb}: {' '.join(message.split())}; see {verb} --help"
