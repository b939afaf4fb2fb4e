"""The daemon, impatient between OFF and ON, and with plans that `station check` refuses: they energise at once.

Imports nothing else, because tests that kill it start it again and again.

python -m tests.scenarios.impatient_station run …
"""

from __future__ import annotations

import functools
import sys

import station.daemon
import station.settings.plans
from station.safety.kernel import Kernel
from station.safety.rules import Rules

MIN_OFF_S = 0.2

if __name__ == "__main__":
    station.daemon.Kernel = functools.partial(Kernel, rules=Rules(min_off_s=MIN_OFF_S))  # type: ignore[attr-defined,assignment]
    station.settings.plans.check_order = lambda source, plan: iter(())
    sys.exit(station.daemon.main(sys.argv[2:]))
