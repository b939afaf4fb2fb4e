"""The daemon, whose scan stops after a while without any error while everything else of it lives on.

python -m tests.systemd.stops_scanning --config CONFIG --broker URL
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import station.daemon
import station.safety.kernel

TURNS = 60


async def tick(turn: Callable[[float], None], clock: Callable[[], float], period_s: float) -> None:
    """As many turns, then never another."""
    for _ in range(TURNS):
        turn(clock())
        await asyncio.sleep(period_s)
    await asyncio.Event().wait()


if __name__ == "__main__":
    station.safety.kernel.tick = tick  # type: ignore[attr-defined]
    sys.exit(station.daemon.main(sys.argv[1:]))
