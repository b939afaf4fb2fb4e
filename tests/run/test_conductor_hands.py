"""A prompt that wants hands at the device: the lid is released for it, on a bench that is dead and cool."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from station.campaign.virtual import VirtualLoop
from station.domain.errors import StationError
from station.domain.prompt import Prompt
from station.domain.session_state import State
from station.run import session_events as ev
from station.run.conductor import BLIND_S, Conductor
from station.run.lid_release import HOT_S, RETRY_S
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


class Stage:
    """A conductor whose lid takes `takes_s` to let go and fails `fails` times; `did` says how each try ended."""

    def __init__(self, loop: VirtualLoop, takes_s: float = 0.0, fails: int = 0) -> None:
        self.loop, self.fails, self.takes_s = loop, fails, takes_s
        self.did: list[str] = []
        self.events: list[Any] = []
        self.safety = SimpleNamespace(status=None, hot=False, why_not_cool="", release_lid=self._release)
        self.session = Session(Catalogue({}, {}))
        self.session.memory.run_on = True
        self.session._state = State.PREPARING
        room = quiet_room(self.safety)
        self.conductor = Conductor(self.session, room, lambda who: _Panel(), self.events.append, loop.time)  # type: ignore[arg-type, return-value]

    async def _release(self) -> None:
        try:
            await asyncio.sleep(self.takes_s)
        except asyncio.CancelledError:
            self.did.append("cancelled")
            raise
        if self.fails > 0:
            self.fails -= 1
            self.did.append("held")
            raise StationError(f"plug: {self.fails} V")
        self.did.append("released")

    async def look(self, for_s: float) -> None:
        for _ in range(round(for_s / 0.1)):
            self.conductor.look()
            await asyncio.sleep(0.1)

    def codes(self) -> list[str]:
        return [event.data["code"] for event in self.events if event.kind == "tell"]


def scene(play_it: Any) -> None:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(play_it(loop))
    finally:
        loop.close()


def test_a_release_under_way_ends_with_its_prompt() -> None:
    async def play_it(loop: VirtualLoop) -> None:
        stage = Stage(loop, takes_s=8.0)
        asking = asyncio.ensure_future(stage.conductor._prompts.ask(HANDS))
        await stage.look(2.0)
        assert stage.did == []
        stage.conductor._prompts.answer(True)
        assert await asking is True
        await stage.look(20.0)
        assert stage.did == ["cancelled"] and stage.codes() == []

    scene(play_it)


def test_a_release_that_failed_is_tried_again_and_told_once() -> None:
    async def play_it(loop: VirtualLoop) -> None:
        stage = Stage(loop, fails=2)
        asking = asyncio.ensure_future(stage.conductor._prompts.ask(HANDS))
        await stage.look(RETRY_S - 1.0)
        assert stage.did == ["held"]
        assert RETRY_S - 1.5 < stage.conductor.due_s - loop.time() + RETRY_S - 1.0 < RETRY_S + 0.5
        await stage.look(2 * RETRY_S + 1.0)
        assert stage.did == ["held", "held", "released"] and stage.codes() == ["lid"]
        await stage.look(3 * RETRY_S)
        assert len(stage.did) == 3
        asking.cancel()

    scene(play_it)


def test_after_a_run_too_and_until_the_next_one_begins() -> None:
    async def play_it(loop: VirtualLoop) -> None:
        stage = Stage(loop, fails=10)
        stage.conductor._do(ev.ReleaseLid())
        await stage.look(RETRY_S + 1.0)
        assert stage.did == ["held", "held"]
        stage.conductor._lid.want(False)  # what `StartRun` does
        await stage.look(3 * RETRY_S)
        assert stage.did == ["held", "held"]

    scene(play_it)


def test_a_lid_that_waits_for_a_hot_load_bank_says_so_and_one_that_waits_for_a_dead_thermometer_too() -> None:
    async def play_it(loop: VirtualLoop) -> None:
        stage = Stage(loop)
        stage.safety.hot = True
        asking = asyncio.ensure_future(stage.conductor._prompts.ask(HANDS))
        await asyncio.sleep(0)
        await stage.look(HOT_S - 0.5)
        assert stage.codes() == []
        await stage.look(5.0)
        assert stage.codes() == ["lid_hot"]
        stage.safety.why_not_cool = "temperature.loadbank_degc is failed"
        await stage.look(BLIND_S + 5.0)
        assert stage.codes() == ["lid_hot", "cooling_blind"] and stage.did == []
        stage.safety.hot, stage.safety.why_not_cool = False, ""
        await stage.look(1.0)
        assert stage.did == ["released"]
        asking.cancel()

    scene(play_it)
