"""A session that cools is released as soon as nothing is hot, whenever that came to be."""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any

from station.campaign.virtual import VirtualLoop
from station.domain.session_state import State
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


async def _cool(conductor: Conductor) -> None:
    watching = asyncio.ensure_future(conductor.watch_guard())
    await asyncio.sleep(1.0)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching


def test_a_load_bank_that_cooled_between_two_looks_does_not_leave_the_session_cooling_for_ever() -> None:
    loop = VirtualLoop()
    try:
        safety = SimpleNamespace(status=None, hot=False, why_not_cool="")

        async def release_lid() -> None:
            return

        safety.release_lid = release_lid
        room: Any = quiet_room(safety)
        session = Session(Catalogue({}, {}))
        conductor = Conductor(session, room, lambda who: _Panel(), lambda event: None, loop.time)  # type: ignore[arg-type, return-value]
        session.step(ev.Tripped("G01"), 0.0)
        session.step(ev.TripCleared(hot=True), 0.0)
        assert session.state is State.COOLING
        loop.run_until_complete(_cool(conductor))
        assert standing(session) is State.WAITING
    finally:
        loop.close()


def test_a_session_that_cools_under_a_dead_thermometer_says_so_once_and_goes_on_when_it_reads_again() -> None:
    loop, told = VirtualLoop(), list[Any]()
    safety = SimpleNamespace(status=None, hot=True, why_not_cool="temperature.loadbank_degc is failed", released=0)

    async def release_lid() -> None:
        safety.released += 1

    async def scene() -> None:
        safety.release_lid = release_lid
        session = Session(Catalogue({}, {}))
        room: Any = quiet_room(safety)
        conductor = Conductor(session, room, lambda who: _Panel(), told.append, loop.time)  # type: ignore[arg-type, return-value]
        session.step(ev.Tripped("G01"), 0.0)
        session.step(ev.TripCleared(hot=True), 0.0)
        for _ in range(9):
            await _cool(conductor)
        assert texts(told) == [], "one lost reading is nobody's business"
        for _ in range(60):
            await _cool(conductor)
        (text,) = texts(told)
        assert "the lid stays locked" in text["en"] and "temperature.loadbank_degc is failed" in text["en"]
        assert "盖仍锁着" in text["zh"] and "温度传感器" in text["zh"] and "is failed" not in text["zh"]
        assert standing(session) is State.COOLING and safety.released == 0
        safety.why_not_cool = ""
        await _cool(conductor)
        safety.hot = False
        await _cool(conductor)
        assert standing(session) is State.WAITING and safety.released == 1 and len(texts(told)) == 1

    try:
        loop.run_until_complete(scene())
    finally:
        loop.close()


def standing(session: Session) -> State:
    return session.state


def texts(told: list[Any]) -> list[dict[str, str]]:
    return [event.data["text"] for event in told if event.kind == "tell" and event.data["code"] == "cooling_blind"]
