"""The daemon's own purge: once a day, while no run is under way, and only where `store.retention_days` is set.

A clock that was not set says nothing about anybody's age: then nothing goes. A run that begins is not waited for: the
purge ends after the commit it is in, and the rest goes at the next quiet moment.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from station.domain.calibration import Calibration
from station.domain.errors import StationError
from station.domain.record import ClockQuality
from station.purging.named import runs_named_in
from station.purging.work import LATER, Place, Purge, Tally, before_of
from station.store.old_runs import Bound

log = logging.getLogger(__name__)

FIRST_LOOK_S = 600.0
"""After a start: the devices, the link and what waits come first."""
DAY_S = 24 * 3600.0
QUIET_S = 60.0
"""So long no run has been under way before a purge begins."""
LOOK_S = 0.2

Now = Callable[[], tuple[datetime, ClockQuality]]


class DailyPurge:
    """Run `run()` as a task; it never ends. `running`: whether a run is under way."""

    def __init__(
        self, place: Place, retention_days: int | None, calibrations: Mapping[str, Calibration],
        running: Callable[[], bool], now: Now, *, simulated: bool,
        first_look_s: float = FIRST_LOOK_S, quiet_s: float = QUIET_S,
    ) -> None:  # fmt: skip
        self._place, self._days, self._running, self._now = place, retention_days, running, now
        self._named = runs_named_in(calibrations)
        self._simulated = simulated
        self._first_look_s, self._quiet_s = first_look_s, quiet_s

    async def run(self) -> None:
        """Look some minutes after the start and then every day."""
        if self._days is None:
            await asyncio.Event().wait()
            return
        await asyncio.sleep(self._first_look_s)
        while True:
            done = await self._purge_when_quiet(self._days)
            await asyncio.sleep(DAY_S if done else LOOK_S)

    async def _purge_when_quiet(self, days: int) -> bool:
        """Whether it came to its end, or to one that trying again at once does not mend."""
        quiet_s = 0.0
        while quiet_s < self._quiet_s:
            await asyncio.sleep(LOOK_S)
            quiet_s = 0.0 if self._running() else quiet_s + LOOK_S
        now, quality = self._now()
        if quality == "unsynced" and not self._simulated:
            log.warning("nothing is purged: the clock is not set, so nobody knows what is %d days old", days)
            return True
        try:
            tally = await self._purge(Bound(before_of(days, now), days), now)
        except StationError as error:
            log.error("purge: %s", error)
            return True
        _log(tally, days)
        return LATER not in tally.left

    async def _purge(self, bound: Bound, now: datetime) -> Tally:
        """In a thread of its own, and no longer than no run is under way."""
        ended = threading.Event()
        purge = Purge(self._place, bound, self._named, may_go_on=lambda: not ended.is_set(), now=lambda: now)
        thread = ThreadPoolExecutor(1, thread_name_prefix="purge")
        work = asyncio.get_running_loop().run_in_executor(thread, purge.carry_out)
        try:
            while not work.done():
                if self._running():
                    ended.set()
                await asyncio.wait({work}, timeout=LOOK_S)
            return work.result()
        finally:
            ended.set()
            thread.shutdown(wait=False)


def _log(tally: Tally, days: int) -> None:
    if tally.runs or tally.messages or tally.captures or tally.left:
        log.info(
            "purged what is older than %d days: %d runs, %d messages, %d captures, %.1f MB%s", days, tally.runs,
            tally.messages, tally.captures, tally.bytes / 1e6, "".join(f"; {one}" for one in tally.left),
        )  # fmt: skip
