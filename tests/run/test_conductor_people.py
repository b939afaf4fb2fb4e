"""What the conductor does for people and work orders: tells the centre, asks the store, shows which bench it is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.ports import Button
from station.campaign.virtual import VirtualLoop
from station.domain.errors import StoreError
from station.domain.plan import NeedsPass
from station.domain.session_state import State
from station.domain.work_order import EarlierRun, WorkOrder
from station.panel.buttons import ButtonPressed
from station.panel.patterns import IDENTIFY
from station.run import session_events as ev
from station.run.conductor import IDENTIFY_S, Conductor
from station.run.session import Session
from station.run.session_scans import Catalogue, PlanFacts
from tests.run.quiet_room import Told, quiet_room

CATALOGUE = Catalogue(
    {"amp": "amplifier"},
    {"outgoing-amplifier": "outgoing", "incoming-amplifier": "incoming", "soak": "outgoing"},
    {"soak": PlanFacts(needs_pass=NeedsPass("outgoing-amplifier", 24.0))},
)
ORDER = WorkOrder("W1", "amp", "S1", "outgoing", assigned=True)
FULL = ("OP:1", "WO:W1", "SN:S1")
ABORTED = EarlierRun("r0", "incoming", "ABORTED", "2026-11-22T03:00:00Z", work_order="W9")


class Panel:
    """Keeps what was shown and heard."""

    def __init__(self) -> None:
        self.shown: list[Any] = []
        self.sounds: list[str] = []

    def show_state(self, state: State, code: int = 0, asks: str = "answer") -> None:
        self.shown.append(state)

    def show(self, pattern: Any) -> None:
        self.shown.append(pattern)

    def sound(self, buzzer: str) -> None:
        self.sounds.append(buzzer)


class Stage:
    """A conductor in virtual time, with nothing behind it but what a test puts there."""

    def __init__(self, loop: VirtualLoop, **room: Any) -> None:
        self.loop, self.panel = loop, Panel()
        self.centre: list[Told] = []
        self.told: list[Any] = []
        self.safety = SimpleNamespace(
            status=None, hot=False, why_not_cool="", why_start_refused=tuple, reset=self._reset, release_lid=self._lid
        )
        make: Any = lambda who: self.panel  # noqa: E731
        self.session = Session(CATALOGUE)
        self.conductor = Conductor(
            self.session, quiet_room(self.safety, self.centre, **room), make, self.told.append, loop.time
        )

    async def _reset(self) -> tuple[str, ...]:
        return ()

    async def _lid(self) -> None:
        return

    def scan(self, *texts: str) -> None:
        for text in texts:
            self.conductor.post(ev.Scanned(text))

    def press(self, button: Button) -> list[str]:
        return [a.code for a in self.conductor.post(ButtonPressed(button)) if isinstance(a, ev.Refuse)]


def play(scene: Any, **room: Any) -> None:
    loop = VirtualLoop()
    try:
        work: Coroutine[Any, Any, None] = scene(Stage(loop, **room))
        loop.run_until_complete(work)
    finally:
        loop.close()


def test_the_centre_hears_of_a_claim_and_of_a_refusal_once_a_minute_and_an_order() -> None:
    async def scene(stage: Stage) -> None:
        stage.conductor.post(ev.Assigned(ORDER))
        stage.conductor.post(ev.Assigned(WorkOrder("W2", "amp", "S2", assigned=True)))
        stage.scan("OP:1", "WO:W1", "SN:WRONG", "SN:WRONG", "SN:WORSE")
        stage.press(Button.START)
        await asyncio.sleep(59.0)
        stage.press(Button.START)
        stage.scan("WO:W2")
        await asyncio.sleep(2.0)
        stage.scan("WO:W1")
        stage.press(Button.START)
        await asyncio.sleep(0.1)
        assert [(event, order) for event, order, _, _ in stage.centre] == [
            ("accepted", "W1"), ("refused", "W1"), ("accepted", "W2"), ("refused", "W2"), ("refused", "W1"),
        ]  # fmt: skip
        reason = stage.centre[1][3]
        assert reason is not None and reason.startswith("serial_differs: the serial number differs")
        assert stage.panel.sounds.count("refused") >= 5, "the technician hears every one of them"

    play(scene)


def test_an_accepted_reset_is_told_and_a_refused_one_is_not() -> None:
    async def scene(stage: Stage) -> None:
        stage.conductor.post(ev.Tripped("G02"))
        stage.press(Button.RESET)
        await asyncio.sleep(0.1)
        assert stage.centre == [("reset", None, None, None)]
        stage.conductor.post(ev.Tripped("G02"))

        async def refuse() -> tuple[str, ...]:
            return ("guard input estop is not healthy",)

        stage.safety.reset = refuse
        stage.press(Button.RESET)
        await asyncio.sleep(0.1)
        assert len(stage.centre) == 1

    play(scene)


def test_a_handover_is_told_with_the_order_and_the_run_and_without_a_badge() -> None:
    async def scene(stage: Stage) -> None:
        stage.conductor.post(ev.Assigned(ORDER))
        stage.scan(*FULL)
        stage.session.step(ButtonPressed(Button.START), stage.loop.time())  # a run without a bench
        stage.conductor.post(ev.RunBegan("run-1"))
        stage.scan("OP:2")
        await asyncio.sleep(0.1)
        assert stage.centre[-1] == ("handover", "W1", "run-1", None)

    play(scene)


def test_a_centre_that_cannot_be_told_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def full(*told: Any) -> None:
        raise StoreError("the disk is full")

    async def scene(stage: Stage) -> None:
        stage.conductor.post(ev.Assigned(ORDER))
        stage.scan(*FULL)
        await asyncio.sleep(0.1)
        assert stage.session.state is State.READY

    play(scene, report=full)
    assert "event accepted of work order W1 could not be kept for the centre: the disk is full" in caplog.text


# ---- what is known of an order -----------------------------------------------------------------------------
def test_the_store_is_asked_once_for_the_order_in_front_and_start_waits_for_the_answer() -> None:
    asked: list[str] = []

    async def recall(number: str) -> tuple[EarlierRun, ...]:
        asked.append(number)
        await asyncio.sleep(1.0)
        return (ABORTED,)

    async def scene(stage: Stage) -> None:
        stage.scan("OP:1", "WO:W9", "SN:S1", "PR:amp", "WO:W9")
        assert stage.session.state is State.READY
        assert stage.press(Button.START) == ["barred"]
        refusal = stage.told[-1].data["text"]
        assert "正在查询工单 W9 的历史测试" in refusal["zh"] and "W9 are still being looked up" in refusal["en"]
        await asyncio.sleep(1.1)
        assert asked == ["W9"]
        assert stage.conductor.view["scans"]["plan"] == "incoming-amplifier"

    play(scene, recall=recall)


def test_an_answer_that_comes_after_the_order_was_put_away_changes_nothing() -> None:
    async def recall(number: str) -> tuple[EarlierRun, ...]:
        await asyncio.sleep(1.0 if number == "W9" else 0.1)
        return (ABORTED,) if number == "W9" else ()

    async def scene(stage: Stage) -> None:
        stage.scan("OP:1", "WO:W9", "SN:S1", "PR:amp", "WO:W8")
        await asyncio.sleep(2.0)
        assert stage.conductor.view["scans"]["plan"] == "outgoing-amplifier"
        assert "barred" not in stage.press(Button.STOP)

    play(scene, recall=recall)


def test_a_store_that_cannot_answer_leaves_the_bench_with_what_it_knows(caplog: pytest.LogCaptureFixture) -> None:
    async def recall(number: str) -> tuple[EarlierRun, ...]:
        raise StoreError("the store is damaged")

    async def scene(stage: Stage) -> None:
        stage.scan("OP:1", "WO:W9", "SN:S1", "PR:amp", "PL:soak")
        await asyncio.sleep(0.1)
        assert stage.press(Button.START) == ["pass_missing"]

    play(scene, recall=recall)
    assert "the store is damaged" in caplog.text


# ---- time --------------------------------------------------------------------------------------------------
def test_the_wall_clock_is_read_before_start_and_every_second_and_ends_the_shift() -> None:
    async def scene(stage: Stage) -> None:
        stage.conductor.post(ev.Assigned(ORDER))
        looking = asyncio.ensure_future(stage.conductor.watch_guard())
        await asyncio.sleep(1.5)
        stage.scan(*FULL)
        await asyncio.sleep(20.0)
        looking.cancel()
        assert stage.session.state is State.SCAN_MISSING
        assert [event.data["code"] for event in stage.told if event.kind == "tell"] == ["shift_ended"]

    play(scene, wall=lambda now_s: ev.TimeTold(1_795_348_800.0 + now_s, now_s + 20.0 - now_s % 20.0))


def test_the_age_of_a_pass_is_judged_at_the_press_and_not_at_the_last_tick() -> None:
    proof = EarlierRun("r1", "outgoing", "PASS", "2026-11-22T12:00:00Z", "b2", "outgoing-amplifier", "W1", "S1")
    times = [None]

    async def scene(stage: Stage) -> None:
        stage.conductor.post(ev.Assigned(WorkOrder("W1", "amp", "S1", "outgoing", history=(proof,), assigned=True)))
        stage.scan(*FULL, "PL:soak")
        assert stage.press(Button.START) == ["pass_clock"]
        times[0] = 1_795_348_800.0 + 90_000.0  # type: ignore[call-overload]
        assert stage.press(Button.START) == ["pass_old"]

    play(scene, wall=lambda now_s: ev.TimeTold(times[0]))


# ---- identify ----------------------------------------------------------------------------------------------
def test_identify_blinks_for_ten_seconds_and_then_the_state_is_shown_again() -> None:
    async def scene(stage: Stage) -> None:
        looking = asyncio.ensure_future(stage.conductor.watch_guard())
        await asyncio.sleep(0.55)
        stage.conductor.post(ev.Identify())
        assert stage.panel.shown[-1] is IDENTIFY
        await asyncio.sleep(IDENTIFY_S - 1.0)
        assert stage.panel.shown[-1] is IDENTIFY, "ticks do not end it"
        await asyncio.sleep(2.0)
        assert stage.panel.shown[-1] is State.WAITING
        looking.cancel()

    play(scene)


def test_what_happens_meanwhile_goes_before_identify() -> None:
    async def scene(stage: Stage) -> None:
        stage.conductor.post(ev.Identify())
        stage.conductor.post(ev.Tripped("G02"))
        assert stage.panel.shown[-1] is State.TRIPPED

    play(scene)


# ---- commands ----------------------------------------------------------------------------------------------
def test_a_refused_command_is_answered_and_neither_sounds_nor_shows_at_the_bench() -> None:
    async def scene(stage: Stage) -> None:
        for event in (ev.Withdrawn("W9"), ev.PutInFront("W9"), ev.AbortAsked("r9", "centre")):
            (refused,) = stage.conductor.post(event)
            assert isinstance(refused, ev.Refuse)
        await asyncio.sleep(0.1)
        assert stage.panel.sounds == [] and stage.centre == []
        assert [event for event in stage.told if event.kind == "tell"] == []

    play(scene)
