"""The task that polls the panel and shows what the session's state asks for.

It never dies silently: a panel that fails is reported once, tried again every second, and reported when it is back.
Buttons that are down when it comes back count as held down, not as pressed. What buttons mean is the session's, but
for two: OK and NG silence a trip's alarm and have its number beeped, START silences what else repeats.
What is shown together is put together in `showing`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Literal

from drivers.errors import DriverError
from drivers.ports import Button, Panel
from station.domain.clock import tick_after
from station.domain.guide import Guide
from station.domain.session_state import State
from station.panel.buttons import ButtonEvent, ButtonPressed, ButtonScan
from station.panel.patterns import Pattern
from station.panel.showing import Showing, Voice

SAY_AGAIN = frozenset({Button.OK, Button.NG})
POLL_S = 0.05
RETRY_S = 1.0
READ_S = 1.0
"""A read or a write that takes longer than this counts as a lost panel."""


class PanelTask:
    """`emit` takes button events; `lost` a reason, `back` nothing. All are called in the loop and must not block.

    `now_s`: monotonic seconds. `voice`: how loud, and what is mute.
    """

    def __init__(
        self,
        panel: Panel,
        emit: Callable[[ButtonEvent], None],
        lost: Callable[[str], None],
        back: Callable[[], None],
        *,
        poll_s: float = POLL_S,
        retry_s: float = RETRY_S,
        now_s: Callable[[], float] = time.monotonic,
        voice: Voice | None = None,
    ) -> None:
        self._panel, self._emit, self._lost, self._back = panel, emit, lost, back
        self._poll_s, self._retry_s, self._now_s = poll_s, retry_s, now_s
        self._showing = Showing(voice if voice is not None else Voice())
        self._shown = 0
        self._scan = ButtonScan()

    def show_state(self, state: State, code: int = 0, asks: Literal["answer", "badge"] = "answer") -> None:
        """Show the pattern of `state` from the next poll on; `code`: what the violet lamp blinks, 0 for nothing.

        `asks`: what a prompt wants. While a code is shown, OK and NG silence the buzzer and have it beep the code once;
        they mean nothing else then.
        """
        self._showing.enter(state, code, asks)

    def show(self, pattern: Pattern) -> None:
        """Show a pattern that belongs to no state (`IDENTIFY`) until `show_state` names one."""
        self._showing.stand_for_no_state(pattern)

    def guide(self, guide: Guide | None) -> None:
        """Show which way to turn over what the state shows, in a run and not at a prompt; None: the state's again."""
        self._showing.guide(guide)

    def warn(self, name: str, on: bool) -> None:
        """A standing warning of the table (`printer_out`) beside whatever is shown, until it is taken back."""
        self._showing.warn(name, on)

    def sound(self, name: str) -> None:
        """A moment of the table (`refused`, `scan`) over what is shown; over a trip's alarm nothing."""
        self._showing.moment(name, self._now_s())

    async def run(self) -> None:
        """Look until cancelled."""
        while not _cancelled():
            await self.look()
            now_s = self._now_s()
            await asyncio.sleep(tick_after(now_s, self._poll_s) - now_s)
        raise asyncio.CancelledError

    async def look(self) -> None:
        """One poll: show what is wanted, read the buttons. A panel that fails is told and waited for, right here."""
        try:
            await self._poll_once()
        except (DriverError, TimeoutError) as trouble:
            await self._wait_for_panel(str(trouble) or f"no answer within {READ_S:g} s")

    async def _poll_once(self) -> None:
        wanted = self._showing.now(self._now_s())
        if wanted.number != self._shown:
            async with asyncio.timeout(READ_S):
                await self._panel.show(wanted.lamps, wanted.buzz)
            self._shown = wanted.number
        async with asyncio.timeout(READ_S):
            down = await self._panel.read_buttons()
        for event in self._scan.poll(down, self._now_s()):
            if not (isinstance(event, ButtonPressed) and self._kept(event.button)):
                self._emit(event)

    def _kept(self, button: Button) -> bool:
        """Whether a press was for the buzzer and means nothing else."""
        if self._showing.code:
            if button in SAY_AGAIN:
                self._showing.beep_code()
            return button in SAY_AGAIN
        return button is Button.START and self._showing.silence()

    async def _wait_for_panel(self, reason: str) -> None:
        self._lost(reason)
        while True:
            await asyncio.sleep(self._retry_s)
            try:
                async with asyncio.timeout(READ_S):
                    await self._panel.ensure_ready()
            except (DriverError, TimeoutError):
                if _cancelled():
                    raise asyncio.CancelledError from None
                continue
            break
        self._shown, self._scan = 0, ButtonScan()
        self._back()


def _cancelled() -> bool:
    """Whether this task is being cancelled. Python 3.11's `wait_for` (in a driver, say) can swallow the exception."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
