"""A service in which a room of the daemon breaks while a revision is on trial: anew, and healthy from then on.

python -m tests.systemd.breaks_on_trial
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

from station.control.supervisor import Supervisor
from station.daemon import _live
from station.starting import FAILED

BREAKS_S = 2.0


async def live(again: bool) -> int:
    """One life of the daemon: the first breaks, the second is healthy until a signal."""
    supervisor = Supervisor(time.monotonic)

    async def scans() -> None:
        while True:
            supervisor.alive()
            await asyncio.sleep(0.02)

    async def room() -> None:
        await asyncio.sleep(3600.0 if again else BREAKS_S)
        raise OSError("a room")

    async def lasts() -> None:
        await asyncio.Event().wait()

    async def make_dead() -> None:
        """Nothing is on."""

    return await _live(supervisor, make_dead, lambda: not again, lasts(), room(), scans(), lasts())


def main() -> None:
    """What `serve_bench` does where it goes back."""
    status = asyncio.run(live("SECOND_LIFE" in os.environ))
    if status == FAILED:
        os.environ["SECOND_LIFE"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    sys.exit(status)


if __name__ == "__main__":
    main()
