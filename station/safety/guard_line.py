"""The kernel's end of the guard: opens and reopens the line, feeds it, and says STOP until the guard is off.

It decides nothing: heartbeats and STOPs come from the scan. A line that was lost is opened again with a fresh session,
and that it was lost is told first, so that no reconnect ever hides a trip.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from drivers.errors import DriverError
from drivers.ports import Guard, GuardHello, GuardStatus
from station.safety.rules import Rules

OPEN_S = 5.0
_LOG = logging.getLogger(__name__)


def unfit(rules: Rules, hello: GuardHello | None) -> str:
    """Why a guard that says this of itself must not energise; "" if it may. No word from it is no reason to trust it.

    Its own figures are the last line of defence: a limit of ten seconds would keep K on for ten seconds after a crash.
    """
    if hello is None:
        return "the guard has not said what it is (HELLO guard/1): check its USB lead and its firmware"
    remedy = "flash it with the contract's figures (docs/flashing-the-guard.md)"
    if not hello.hb_ms <= rules.hb_ms_max:
        return f"the guard's heartbeat limit is {hello.hb_ms} ms, at most {rules.hb_ms_max} ms will do: {remedy}"
    if not hello.bleed_s >= rules.bleed_s_min:
        return f"the guard's bleed time is {hello.bleed_s} s, at least {rules.bleed_s_min} s will do: {remedy}"
    return ""


class GuardLine:
    """`on_lost` is called before every opening but the first."""

    def __init__(self, guard: Guard, clock: Callable[[], float], rules: Rules, on_lost: Callable[[], None]) -> None:
        self.guard = guard
        self._clock = clock
        self._rules = rules
        self._on_lost = on_lost
        self._opened = False
        self._opening = asyncio.Lock()
        self._stopping: asyncio.Task[None] | None = None
        self.trouble: DriverError | None = None
        """What is wrong with the line now, for those who show it; None while it stands."""

    @property
    def status(self) -> GuardStatus | None:
        """The last status line, None if the port is lost."""
        return self.guard.status

    @property
    def boot(self) -> str | None:
        """The guard's boot id of the present session."""
        hello = self.guard.hello
        return None if hello is None else hello.boot

    @property
    def unfit(self) -> str:
        """Why this guard must not energise; "" if it may."""
        return unfit(self._rules, self.guard.hello)

    def heartbeat(self) -> None:
        """Feed the guard; only the kernel, after a completed scan. A dead line is seen by the scan itself."""
        if self.guard.status is None:
            return
        try:
            self.guard.heartbeat()
        except DriverError as error:
            self._note_unless_known(error)

    def stop(self) -> None:
        """Say STOP without waiting; the kernel asks again every scan until the guard is TRIPPED."""
        if self._stopping is None or self._stopping.done():
            self._stopping = asyncio.get_running_loop().create_task(self._stop(), name="guard STOP")

    async def open_again(self) -> None:
        """A fresh session on a line whose old one went stale. Raises `DriverError`."""
        async with self._opening:
            await self.guard.open()
        self._opened = True

    async def run(self) -> None:
        """Keep the line open for ever."""
        while True:
            await self.keep_open()
            await asyncio.sleep(self._rules.reconnect_s)

    async def keep_open(self) -> None:
        """One look: open the line if it is not open, lost or silent. Trouble is kept, not raised."""
        if not self.needs_opening:
            return
        if self._opened:
            self._on_lost()
        try:
            async with asyncio.timeout(OPEN_S):
                await self.open_again()
            self._note(None)
        except DriverError as error:
            self._note(error)
        except TimeoutError:
            wrong = f"cannot be opened within {OPEN_S:g} s; check its USB lead and its port in station.toml"
            self._note(DriverError("guard", wrong))

    @property
    def needs_opening(self) -> bool:
        """Whether the line was never opened, is lost, or has been silent for too long to be the same session."""
        if self._opening.locked():
            return False
        status = self.guard.status
        if status is None or not self._opened or self.guard.hello is None:
            return True
        return self._clock() - status.received_at > 2 * self._rules.guard_silence_s

    async def close(self) -> None:
        """Let STOP end, then let go of the line (which sends OFF)."""
        if self._stopping is not None:
            await asyncio.wait({self._stopping}, timeout=self._rules.clean_up_s)
            self._stopping.cancel()
        with contextlib.suppress(DriverError):
            await self.guard.close()

    async def _stop(self) -> None:
        try:
            await self.guard.stop()
        except DriverError as error:
            self._note_unless_known(error)
            await asyncio.sleep(self._rules.period_s)
        else:
            self._note(None)

    def _note(self, trouble: DriverError | None) -> None:
        """Keep what is wrong and log it when it changes, not at every try."""
        if str(trouble) != str(self.trouble):
            if trouble is None:
                _LOG.info("the guard answers again")
            else:
                _LOG.warning("the guard's line: %s", trouble)
        self.trouble = trouble

    def _note_unless_known(self, trouble: DriverError) -> None:
        """What a command meets on a dead line says less than why the line cannot be opened."""
        if self.trouble is None and self._opened:
            self._note(trouble)
