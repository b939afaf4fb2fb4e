"""The daemon of `set_clock_station`, for a busy machine: a revision is on trial as long as a run may take, and its
check does not let everybody else go first.

python -m tests.scenarios.trial_station run …
"""

from __future__ import annotations

import functools
import sys

import station.applying
import station.daemon
import station.settings.checker
from station.safety.kernel import Kernel
from station.safety.rules import Rules
from tests.scenarios.set_clock_station import MIN_OFF_S, SetClock

TRIAL_S = 600.0

if __name__ == "__main__":
    station.applying.HOLDS_S = TRIAL_S  # type: ignore[attr-defined]
    station.settings.checker.NICENESS = 0
    station.daemon.ClockReader = SetClock  # type: ignore[misc,attr-defined]
    station.daemon.Kernel = functools.partial(Kernel, rules=Rules(min_off_s=MIN_OFF_S))  # type: ignore[attr-defined,assignment]
    sys.exit(station.daemon.main(sys.argv[2:]))
