"""The daemon on a machine whose clock is synchronised, whatever the machine of the tests says of its own.

python -m tests.scenarios.set_clock_station run …
"""

from __future__ import annotations

import functools
import sys
from dataclasses import replace

import station.daemon
from station.domain.record import ClockStamp
from station.safety.kernel import Kernel
from station.safety.rules import Rules
from station.uplink.clock import ClockReader

MIN_OFF_S = 0.2


class SetClock(ClockReader):
    """Says that it is set."""

    def read_clock(self) -> ClockStamp:
        return replace(super().read_clock(), quality="synced", max_error_ms=5.0)


if __name__ == "__main__":
    station.daemon.ClockReader = SetClock  # type: ignore[misc,attr-defined]
    station.daemon.Kernel = functools.partial(Kernel, rules=Rules(min_off_s=MIN_OFF_S))  # type: ignore[attr-defined,assignment]
    sys.exit(station.daemon.main(sys.argv[2:]))
