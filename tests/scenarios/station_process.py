"""The daemon of a scenario: the very one, with two things changed. The pause between OFF and ON is short, and it has no
centre to talk to. Beside that it writes down every reading of the peak-current probe with its stamp.

    python -m tests.scenarios.station_process CONFIG PROBE_LOG
"""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Mapping
from pathlib import Path

import station.assembly
import station.daemon
from station.safety.kernel import Kernel
from station.safety.readings import ReadingTable
from station.safety.rules import Rules
from station.uplink.uplink import Uplink

MIN_OFF_S = 0.2
NOBODY = "mqtt://127.0.0.1:1"


class _NoCentre(Uplink):
    async def run(self) -> None:
        await asyncio.Event().wait()


def _watching(log: Path) -> type[ReadingTable]:
    class Table(ReadingTable):
        def put(self, role: str, values: Mapping[str, float], taken_at: float) -> None:
            super().put(role, values, taken_at)
            if role == "inrush":
                with log.open("a") as file:
                    file.write(f"{taken_at} {values['peak_a']}\n")

    return Table


def main(config: str, probe_log: str) -> int:
    """Serve until a signal."""
    station.assembly.ReadingTable = _watching(Path(probe_log))  # type: ignore[misc]
    kernel = functools.partial(Kernel, rules=Rules(min_off_s=MIN_OFF_S))
    station.daemon.Kernel = kernel  # type: ignore[misc,assignment]
    station.daemon.Uplink = _NoCentre  # type: ignore[misc]
    return station.daemon.main(["--config", config, "--broker", NOBODY])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
