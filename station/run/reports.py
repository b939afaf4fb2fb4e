"""What the centre is told of a work order beside its runs: accepted, refused, handed over, reset. Told, not asked.

Each is committed to the outbox on its own; a bench that cannot keep it says so in its log and works on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from station.contract.bodies import EventName
from station.domain.errors import StationError
from station.run.run_ports import Report
from station.run.session_events import Refuse

log = logging.getLogger(__name__)

AGAIN_S = 60.0
"""The same refusal of the same work order is told again only after this long: a technician tries more than once."""
REASON_MAX = 1000


class Reports:
    """`spawn` runs a coroutine as a task that is waited for when the station stops."""

    def __init__(
        self, report: Report, spawn: Callable[[Coroutine[Any, Any, None], str], object], now_s: Callable[[], float]
    ) -> None:
        self._report = report
        self._spawn = spawn
        self._now_s = now_s
        self._refused_s: dict[tuple[str, str], float] = {}

    def tell(
        self, event: EventName, work_order: str | None = None, run_id: str | None = None, reason: str | None = None
    ) -> None:
        """Put an event on its way; never waits."""
        self._spawn(self._post(event, work_order, run_id, reason), "report")

    def refused(self, refusal: Refuse) -> None:
        """Tell that a work order could not be tested and why; what repeats within a minute is told once."""
        if refusal.work_order is None:
            return
        now_s, key = self._now_s(), (refusal.work_order, refusal.code)
        self._refused_s = {known: at for known, at in self._refused_s.items() if now_s - at < AGAIN_S}
        if key not in self._refused_s:
            self._refused_s[key] = now_s
            self.tell("refused", refusal.work_order, reason=f"{refusal.code}: {refusal.text['en']}"[:REASON_MAX])

    async def _post(self, event: EventName, work_order: str | None, run_id: str | None, reason: str | None) -> None:
        try:
            await self._report(event, work_order, run_id, reason)
        except StationError as error:
            log.error("event %s of work order %s could not be kept for the centre: %s", event, work_order, error)
