"""A session that cools is released as soon as nothing is hot, whenever that came to be."""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any

from station.domain.session_state import State
from station.run import session_events as ev
from station.run.conductor import Conductor
from station.run.session import Session
from station.run.session_scans import Catalogue
from tests.safety.rig import VirtualLoop


class _Panel:
    def show_state(self, state: State, code: int = 0) -> None:
        return

    def sound(self, buzzer: str) -> None:
        return


async def _cool(conductor: Conductor) -> None:
    watching = asyncio.ensure_future(conductor.watch_guard())
    await asyncio.sleep(1.0)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching


def test_a_load_bank_that_cooled_between_two_looks_does_not_leave_the_session_cooling_for_ever() -> None:
    loop = VirtualLoop()
    try:
        safety = SimpleNamespace(status=None, hot=False)

        async def release_lid() -> None:
            return

        safety.release_lid = release_lid
        room: Any = SimpleNamespace(safety=safety)
        session = Session(Catalogue({}, {}))
        conductor = Conductor(session, room, lambda who: _Panel(), lambda event: None, loop.time)  # type: ignore[arg-type, return-value]
        session.step(ev.Tripped("G01"), 0.0)
        session.step(ev.TripCleared(hot=True), 0.0)
        assert session.state is State.COOLING
        loop.run_until_complete(_cool(conductor))
        assert session.state is State.WAITING
    finally:
        loop.close()
