"""How many of its own alarms the centre writes down: whoever sends rubbish without end fills no database."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence

from station.collector.centre import CentreAlarm

log = logging.getLogger(__name__)
STATION_ALARMS, ALL_ALARMS, ALARMS_S = 20, 1000, 60.0
"""So many of one station, and of all, in so long."""


class AlarmBudget:
    """Lets so many alarms through, whatever they are about; every one is logged and counted."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._since_s = now_s()
        self._by_station: Counter[str | None] = Counter()
        self.counts: Counter[tuple[str, str]] = Counter()
        """Alarms by code and by what became of them: `written` or `withheld`."""

    def allow(self, alarms: Sequence[CentreAlarm]) -> list[CentreAlarm]:
        """Those that are still within the budget."""
        if self._now_s() - self._since_s > ALARMS_S:
            self._since_s = self._now_s()
            self._by_station.clear()
        return [alarm for alarm in alarms if self._spend(alarm)]

    def _spend(self, alarm: CentreAlarm) -> bool:
        within = self._by_station[alarm.station] < STATION_ALARMS and self._by_station.total() < ALL_ALARMS
        self._by_station[alarm.station] += within
        self.counts[alarm.code, "written" if within else "withheld"] += 1
        beyond = "" if within else " (beyond what is written down)"
        log.warning("%s%s: %s: %s", alarm.code, beyond, alarm.msg_id or alarm.station, alarm.cause)
        return within
