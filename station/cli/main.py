"""The command line: one function a verb, no work of its own (contracts/cli.md).

`run` goes past typer on purpose: the daemon pays neither its memory nor its start-up.
"""

from __future__ import annotations

import sys
import traceback

UNCAUGHT = 4


def main() -> None:
    """Entry point. An uncaught error exits 4, never 1: 1 means FAIL or "something found"."""
    try:
        if sys.argv[1:2] == ["run"]:
            from station.daemon import main as run_daemon

            sys.exit(run_daemon(sys.argv[2:]))
        from station.cli.verbs import app

        app(prog_name="station")
    except SystemExit:
        raise
    except KeyboardInterrupt:
        sys.exit(130)
    except BaseException:
        traceback.print_exc()
        sys.exit(UNCAUGHT)
