"""What the clock on the wall says to a session that reads none: UTC where it can be trusted, and when the shift ends.

Pure but for the stamp that is handed in. A clock that is not set ends no shift and proves no age of anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from station.domain.record import ClockQuality
from station.run.session_events import TimeTold

Now = Callable[[], tuple[datetime, ClockQuality]]
"""UTC now, and how far it can be trusted."""


class WallClock:
    """`ends`: local times of day at which a shift ends; none: badges last as long as they last."""

    def __init__(self, now: Now, zone: tzinfo, ends: Sequence[time] = ()) -> None:
        self._now = now
        self._zone = zone
        self._ends = tuple(ends)

    def read(self, now_s: float) -> TimeTold:
        """What it says at monotonic `now_s`."""
        now, quality = self._now()
        if quality == "unsynced":
            return TimeTold(None)
        return TimeTold(now.timestamp(), now_s + seconds_to_shift_end(now, self._zone, self._ends))


def bench_day(now: Now, zone: tzinfo, *, simulated: bool) -> Callable[[], date | None]:
    """The bench's day by its clock; None while that is not set. A simulated bench takes the day that it shows."""

    def today() -> date | None:
        read, quality = now()
        return read.astimezone(zone).date() if simulated or quality != "unsynced" else None

    return today


def seconds_to_shift_end(now: datetime, zone: tzinfo, ends: Sequence[time]) -> float:
    """Seconds from UTC `now` to the next of `ends` in `zone`, above 0; infinite where no shift ends."""
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=n) for n in (0, 1, 2))
    left = [(datetime.combine(day, end, zone).astimezone(UTC) - now).total_seconds() for day in days for end in ends]
    return min((seconds for seconds in left if seconds > 0.0), default=math.inf)
