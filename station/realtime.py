"""Real-time priority, where the system grants it: a scan that is late is a trip, and a busy neighbour makes it late.

On a bench systemd grants it (`LimitRTPRIO`); where nobody does, the station says so once and runs without.
"""

from __future__ import annotations

import logging
import os

log = logging.getLogger(__name__)

SCAN_PRIORITY = 10
"""Of the loop that scans; its worker threads and children stay ordinary."""
HARDWARE_PRIORITY = 5
"""Of the simulated bench, which stands for hardware: hardware does not wait for a processor."""


def take_priority(priority: int, *, inherit: bool) -> bool:
    """Round-robin real-time scheduling for this thread, and with `inherit` for what it starts. False if refused."""
    policy = os.SCHED_RR if inherit else os.SCHED_RR | os.SCHED_RESET_ON_FORK
    try:
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except OSError as error:
        log.info("no real-time priority (%s): a busy processor can make a scan late, which trips", error.strerror)
        return False
    return True
