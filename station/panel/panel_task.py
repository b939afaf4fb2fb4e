"""The task that polls the panel and shows what the session's state asks for.

It never dies silently: a panel that fails is reported once, tried again every second, and reported when it is back.
Buttons that are down when it comes back count as held down, not as pressed. What buttons mean is the session's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from drivers.errors import DriverError
from drivers.ports import Button, Panel
from station.domain.clock import tick_after
from station.domain.guide import Guide
from station.domain.session_state import State
from station.panel.buttons import ButtonEvent, ButtonPressed, ButtonScan
from station.panel.patterns import BUZZERS, PATTERNS, Pattern, with_code

SAY_AGAIN = frozenset({Button.OK, Button.NG})
POLL_S = 0.05
RETRY_S = 1.0
READ_S = 1.0
"""A read or a write that takes longer than this counts as a lost panel."""


class PanelTask:
    """`emit` takes button events; `lost` a reason, `back` nothing. All are called in the loop and must not block.

    `now_s`: monotonic seconds.
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
    ) -> None:
        self._panel, self._emit, self._lost, self._back = panel, emit, lost, back
        self._poll_s, self._retry_s, self._now_s = poll_s, retry_s, now_s
        self._state: tuple[State, int] | None = (State.WAITING, 0)
        self._wanted: tuple[Pattern, str] = (PATTERNS[State.WAITING], PATTERNS[State.WAITING].buzzer)
        self._shown: tuple[Pattern, str] | None = None
        self._scan = ButtonScan()

    def show_state(self, state: State, code: int = 0) -> None:
        """Show the pattern of `state` from the next poll on; `code`: what the violet lamp blinks, 0 for nothing.

        While a code is shown, OK and NG silence the buzzer and have it beep the code once; they mean nothing else then.
        """
        if (state, code) != self._state:
            self._state = state, code
            pattern = with_code(PATTERNS[state], code)
            self._wanted = (pattern, pattern.buzzer)

    def show(self, pattern: Pattern) -> None:
        """Show a pattern that belongs to no state (`IDENTIFY`) until `show_state` names another."""
        self._state = None
        self._wanted = (pattern, pattern.buzzer)

    def guide(self, guide: Guide | None) -> None:
        """Show which way to turn over what the state shows; None: the state's pattern again."""

    def sound(self, buzzer: str) -> None:
        """Sound a named pattern once over what is shown; ignored while a repeating one (trip, prompt) sounds."""
        if buzzer not in BUZZERS:
            raise ValueError(f"buzzer {buzzer!r}: not in the table; one of {', '.join(filter(None, BUZZERS))}")
        if not BUZZERS[self._wanted[1]].repeats:
            self._sound(buzzer)

    def _sound(self, buzzer: str) -> None:
        self._wanted = (self._wanted[0], buzzer)
        self._shown = None

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
        if self._shown != self._wanted:
            wanted = self._wanted
            async with asyncio.timeout(READ_S):
                await self._panel.show(wanted[0].full(), wanted[1])
            self._shown = wanted
        async with asyncio.timeout(READ_S):
            down = await self._panel.read_buttons()
        for event in self._scan.poll(down, self._now_s()):
            if self._code and isinstance(event, ButtonPressed) and event.button in SAY_AGAIN:
                self._sound("code")
            else:
                self._emit(event)

    @property
    def _code(self) -> int:
        return self._state[1] if self._state is not None else 0

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
        self._shown, self._scan = None, ButtonScan()
        self._back()


def _cancelled() -> bool:
    """Whether this task is being cancelled. Python 3.11's `wait_for` (in a driver, say) can swallow the exception."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
