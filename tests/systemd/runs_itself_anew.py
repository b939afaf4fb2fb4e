"""A service that speaks as the daemon does: alive, run anew for longer than the watchdog waits, alive, silent.

python -m tests.systemd.runs_itself_anew
"""

from __future__ import annotations

import os
import sys
import time

from station.control.supervisor import Supervisor

ALIVE_S, ANEW_S, SILENT_S = 2.0, 3.0, 30.0


def main() -> None:
    """First life: alive, then anew. Second: a slow start, alive again, and then nothing more."""
    again = "SECOND_LIFE" in os.environ
    supervisor = Supervisor(time.monotonic)
    if again:
        time.sleep(ANEW_S)
    supervisor.ready()
    end_s = time.monotonic() + ALIVE_S
    while time.monotonic() < end_s:
        supervisor.alive()
        time.sleep(0.02)
    if again:
        time.sleep(SILENT_S)
        return
    supervisor.starting_again()
    os.environ["SECOND_LIFE"] = "1"
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


if __name__ == "__main__":
    main()
