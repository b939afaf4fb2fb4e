"""Says in time that this station's certificate ends: in the log, to watchers and to the centre, once a day.

Whether it is valid now is not asked here: the link does that, and says so where it is refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

from station.domain.clock import utc_text
from station.domain.errors import SettingsError
from station.mqtt.tls import TlsFiles, read_own

log = logging.getLogger(__name__)
CODE = "certificate_expires"
LOOK_EVERY_S = 3600.0


class CertificateWatch:
    """Run `run()` as a task; it never ends. Without files there is nothing to watch."""

    def __init__(
        self,
        files: TlsFiles | None,
        alarm: Callable[[str, str], Awaitable[None]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`alarm` takes a code and a cause. Raises `SettingsError` for files that are wrong."""
        self._files = files
        self._alarm = alarm
        self._now = now
        self._sleep = sleep
        self._own = read_own(files) if files else None
        self._said_on: date | None = None

    @property
    def expires_at(self) -> str | None:
        """A UTC stamp, as last read; None without TLS."""
        return utc_text(self._own.ends) if self._own else None

    async def run(self) -> None:
        """Look now and every hour."""
        while True:
            await self._look()
            await self._sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        if self._files is None:
            return
        try:
            self._own = await asyncio.to_thread(read_own, self._files)  # a card may take its time to read
        except SettingsError as error:
            log.warning("certificate: %s", error)
        now = self._now()
        if self._own is not None and self._own.ends_soon(now) and self._said_on != now.date():
            self._said_on = now.date()
            await self._alarm(CODE, self._own.words(now))
