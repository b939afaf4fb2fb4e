"""The daemon of `set_clock_station`, for a busy machine: a revision is on trial as long as a run may take (or for
`TRIAL_S`), its check does not let everybody else go first, and a silent device is soon asked again.

python -m tests.scenarios.trial_station run …
"""

from __future__ import annotations

import functools
import os
import sys

import station.applying
import station.daemon
import station.doctor.health
import station.settings.checker
from station.safety.kernel import Kernel
from station.safety.rules import Rules
from tests.scenarios.set_clock_station import MIN_OFF_S, SetClock

TRIAL_S = float(os.environ.get("TRIAL_S", "600"))

if __name__ == "__main__":
    station.applying.HOLDS_S = TRIAL_S  # type: ignore[attr-defined]
    station.settings.checker.NICENESS = 0
    station.doctor.health.PAUSE_S = 0.2
    station.daemon.ClockReader = SetClock  # type: ignore[misc,attr-defined]
    station.daemon.Kernel = functools.partial(Kernel, rules=Rules(min_off_s=MIN_OFF_S))  # type: ignore[attr-defined,assignment]
    sys.exit(station.daemon.main(sys.argv[2:]))
