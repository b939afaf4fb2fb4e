"""RESET pressed again while the first is under way: one press clears what was there then, and no later trip."""

from __future__ import annotations

import asyncio
from typing import Any

from drivers.ports import Button
from station.campaign.virtual import VirtualLoop
from station.domain.events import Event
from station.domain.session_state import State
from station.panel.buttons import ButtonPressed
from station.run import session_events as ev
from station.run.conductor import Conductor
from station.run.session import Session
from station.run.session_scans import Catalogue
from tests.run.quiet_room import quiet_room


class _Panel:
    def show_state(self, state: State, code: int = 0, asks: str = "answer") -> None:
        return

    def sound(self, buzzer: str) -> None:
        return


class _Safety:
    """A kernel whose RESET takes a second."""

    def __init__(self, refused: tuple[str, ...] = ()) -> None:
        self.status, self.hot, self.resets, self.refused = None, False, 0, refused

    async def reset(self) -> tuple[str, ...]:
        self.resets += 1
        await asyncio.sleep(1.0)
        return self.refused

    async def release_lid(self) -> None:
        return


def tripped(loop: VirtualLoop, safety: _Safety, told: list[Event]) -> tuple[Session, Conductor]:
    session, room = Session(Catalogue({}, {})), quiet_room(safety)
    conductor = Conductor(session, room, lambda who: _Panel(), told.append, loop.time)  # type: ignore[arg-type, return-value]
    session.step(ev.Tripped("G02"), 0.0)
    return session, conductor


def test_a_second_press_of_reset_while_the_first_is_under_way_is_no_second_reset() -> None:
    loop, safety = VirtualLoop(), _Safety()

    async def press_twice() -> None:
        session, conductor = tripped(loop, safety, [])
        for _ in range(2):
            conductor.post(ButtonPressed(Button.RESET))
            await asyncio.sleep(0.4)
        await asyncio.sleep(1.0)
        assert safety.resets == 1 and session.state is State.WAITING
        conductor.post(ev.Tripped("P01"))
        await asyncio.sleep(5.0)
        assert session.state is State.TRIPPED, "the press before the trip does not clear it"
        conductor.post(ButtonPressed(Button.RESET))
        await asyncio.sleep(2.0)
        assert safety.resets == 2 and session.state is State.WAITING

    try:
        loop.run_until_complete(press_twice())
    finally:
        loop.close()


def test_a_refused_reset_says_why_in_both_languages() -> None:
    loop, told = VirtualLoop(), list[Any]()

    async def press() -> None:
        session, conductor = tripped(loop, _Safety(("guard input estop is not healthy",)), told)
        conductor.post(ButtonPressed(Button.RESET))
        await asyncio.sleep(2.0)
        assert session.state is State.TRIPPED
        (refused,) = (event.data for event in told if event.kind == "tell")
        assert refused["text"] == {"zh": "急停回路未恢复", "en": "guard input estop is not healthy"}

    try:
        loop.run_until_complete(press())
    finally:
        loop.close()
