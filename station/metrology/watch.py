"""Says once a day, in the log, which calibrations end within 30 days and which instruments make no PASS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import date

log = logging.getLogger(__name__)

FIRST_LOOK_S = 60.0
"""So long the instruments are given to say who they are."""
LOOK_EVERY_S = 3600.0


class CalibrationWatch:
    """Run `run()` as a task; it never ends. `remarks`: what a maintainer should hear, a sentence each."""

    def __init__(
        self, remarks: Callable[[], Sequence[str]], today: Callable[[], date | None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._remarks, self._today, self._sleep = remarks, today, sleep
        self._said_on: date | None = None
        self._has_said = False

    async def run(self) -> None:
        """Look a minute after the start and then every hour."""
        await self._sleep(FIRST_LOOK_S)
        while True:
            self._look()
            await self._sleep(LOOK_EVERY_S)

    def _look(self) -> None:
        today = self._today()
        if self._has_said and today == self._said_on:
            return
        self._said_on, self._has_said = today, True
        for remark in self._remarks():
            log.warning("calibration: %s", remark)
