"""Real-time priority, where the system grants it: a scan that is late is a trip, and a busy neighbour makes it late.

On a bench systemd grants it (`LimitRTPRIO`); where nobody does, the station says so once and runs without.
"""

from __future__ import annotations

import logging
import os

log = logging.getLogger(__name__)

SCAN_PRIORITY = 10
"""Of the daemon: the loop that scans, and its threads too, because one that holds the interpreter's lock and is not
given a processor holds up the scan."""
HARDWARE_PRIORITY = 5
"""Of the simulated bench, which stands for hardware: hardware does not wait for a processor."""


def take_priority(priority: int) -> bool:
    """Round-robin real-time scheduling for this thread and what it starts. False if refused."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))
    except OSError as error:
        log.info("no real-time priority (%s): a busy processor can make a scan late, which trips", error.strerror)
        return False
    return True


def drop_priority() -> None:
    """Back to ordinary scheduling, in a child that computes much and may wait."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
