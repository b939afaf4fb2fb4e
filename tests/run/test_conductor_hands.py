"""A prompt that wants hands at the device: in a run the lid is released once, on a bench that is dead and cool."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from station.campaign.virtual import VirtualLoop
from station.domain.errors import StationError
from station.domain.prompt import Prompt
from station.domain.session_state import State
from station.run.conductor import Conductor
from station.run.session import Session
from station.run.session_scans import Catalogue
from tests.run.quiet_room import quiet_room

HANDS = Prompt({"zh": "外观？", "en": "appearance?"}, hands=True)


class _Panel:
    def show_state(self, state: State, code: int = 0, asks: str = "answer") -> None:
        return


def play(prompt: Prompt, *states: tuple[bool, bool], held: str = "") -> tuple[int, list[str]]:
    """How often the lid was asked for while the bench was (energised, hot) in turn; what was told."""
    loop, told, released = VirtualLoop(), list[Any](), []
    safety = SimpleNamespace(status=None, hot=True, why_not_cool="")

    async def release_lid() -> None:
        released.append(1)
        if held:
            raise StationError(held)

    async def scene() -> None:
        safety.release_lid = release_lid
        session = Session(Catalogue({}, {}))
        session.memory.run_on = True
        session._state = State.PREPARING
        conductor = Conductor(session, quiet_room(safety), lambda who: _Panel(), told.append, loop.time)  # type: ignore[arg-type, return-value]
        asking = asyncio.ensure_future(conductor._prompts.ask(prompt))
        await asyncio.sleep(0)
        assert session.state is State.PROMPT
        for energised, hot in states:
            safety.status = SimpleNamespace(k=energised, h=False, fb=energised, lock=True)
            safety.hot = hot
            conductor.look()
            await asyncio.sleep(0.1)
        conductor._prompts.answer(True)
        assert await asking is True

    try:
        loop.run_until_complete(scene())
    finally:
        loop.close()
    return len(released), [e.data["text"]["en"] for e in told if e.kind == "tell"]


def test_the_lid_lets_go_once_the_bench_is_dead_and_cool_and_only_once() -> None:
    assert play(HANDS, (False, False), (False, False), (False, False)) == (1, [])


def test_the_lid_stays_locked_over_a_live_bench_and_over_a_hot_one() -> None:
    assert play(HANDS, (True, False), (True, True), (False, True)) == (0, [])
    assert play(HANDS, (True, True), (False, True), (False, False)) == (1, [])


def test_a_prompt_that_wants_no_hands_leaves_the_lid_alone() -> None:
    assert play(Prompt({"zh": "音量？", "en": "volume?"}), (False, False), (False, False)) == (0, [])


def test_a_lid_that_stays_locked_under_a_prompt_is_told() -> None:
    assert play(HANDS, (False, False), held="plug: 80 V") == (1, ["the lid stays locked: plug: 80 V"])
