"""The panel's task over a panel in memory: what is pressed, shown, lost and back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from drivers.errors import PortError
from drivers.ports import Button, Buzz, Identity, Lamp, LampState
from station.domain.errors import StepError
from station.domain.prompt import Prompt
from station.domain.session_state import State
from station.panel.buttons import ButtonEvent, ButtonPressed, ButtonStuck
from station.panel.panel_task import PanelTask
from station.panel.patterns import IDENTIFY, PATTERNS
from station.panel.prompts import Prompts


class MemoryPanel:
    """A panel port whose buttons, health and history are plain attributes."""

    def __init__(self) -> None:
        self.down: frozenset[Button] = frozenset()
        self.gone = False
        self.polls = 0
        self.shown: list[tuple[dict[Lamp, LampState], str]] = []

    async def ensure_ready(self) -> Identity:
        self._check()
        return Identity("memory")

    async def close(self) -> None: ...

    async def read_buttons(self) -> frozenset[Button]:
        self._check()
        self.polls += 1
        return self.down

    async def show(self, lamps: Mapping[Lamp, LampState], buzz: Buzz) -> None:
        self._check()
        self.shown.append((dict(lamps), buzz.name))

    def _check(self) -> None:
        if self.gone:
            raise PortError("panel", "unplugged; plug it in")


class Rig:
    """The task with everything that it tells."""

    def __init__(self) -> None:
        self.panel = MemoryPanel()
        self.events: list[ButtonEvent] = []
        self.lost: list[str] = []
        self.back = 0
        self.task = PanelTask(
            self.panel, self.events.append, self.lost.append, self._count_back, poll_s=0.001, retry_s=0.002
        )

    def _count_back(self) -> None:
        self.back += 1

    async def polls(self, count: int) -> None:
        target = self.panel.polls + count
        await self.until(lambda: self.panel.polls >= target)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10.0):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.001)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    one = Rig()
    running = asyncio.create_task(one.task.run())
    await one.polls(2)
    yield one
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_presses_are_emitted_and_every_lamp_is_set_for_the_state(rig: Rig) -> None:
    assert rig.panel.shown == [(PATTERNS[State.WAITING].full(), "")]
    rig.panel.down = frozenset({Button.START})
    await rig.until(lambda: rig.events)
    assert rig.events == [ButtonPressed(Button.START)]
    rig.task.show_state(State.FAIL)
    await rig.until(lambda: len(rig.panel.shown) == 2)
    lamps, buzzer = rig.panel.shown[-1]
    assert set(lamps) == set(Lamp) and lamps[Lamp.YELLOW].on and not lamps[Lamp.WHITE].on and buzzer == "fail"


async def test_a_state_that_goes_on_is_shown_once(rig: Rig) -> None:
    rig.task.show_state(State.WAITING)
    await rig.polls(5)
    assert len(rig.panel.shown) == 1


async def test_a_moment_comes_over_the_lamps_and_never_over_a_trip(rig: Rig) -> None:
    rig.task.sound("scan")
    await rig.until(lambda: rig.panel.shown[-1][1] == "scan")
    assert rig.panel.shown[-1][0] == PATTERNS[State.WAITING].full()
    rig.task.show_state(State.TRIPPED)
    await rig.until(lambda: rig.panel.shown[-1][1] == "trip")
    shown = len(rig.panel.shown)
    rig.task.sound("refused")
    await rig.polls(5)
    assert rig.panel.shown[-1][1] == "trip" and len(rig.panel.shown) == shown
    with pytest.raises(ValueError, match="not in the table"):
        rig.task.sound("fanfare")


async def test_start_silences_a_prompt_and_answers_nothing_and_the_next_press_is_the_sessions(rig: Rig) -> None:
    for asks in ("answer", "badge"):
        rig.task.show_state(State.ENERGISED)
        rig.task.show_state(State.PROMPT, asks=asks)  # type: ignore[arg-type]
        await rig.until(lambda asks=asks: rig.panel.shown[-1][1] == ("prompt" if asks == "answer" else asks))
        lamps = rig.panel.shown[-1][0]
        rig.panel.down = frozenset({Button.START})
        await rig.until(lambda: rig.panel.shown[-1][1] == "")
        assert rig.panel.shown[-1][0] == lamps and rig.events == []
        rig.panel.down = frozenset()
        await rig.polls(6)
    rig.panel.down = frozenset({Button.START})
    await rig.until(lambda: rig.events)
    assert rig.events == [ButtonPressed(Button.START)]


async def test_a_trip_blinks_its_number_and_ok_or_ng_silences_the_buzzer_and_has_it_told_once(rig: Rig) -> None:
    rig.task.show_state(State.TRIPPED, 24)
    await rig.until(lambda: len(rig.panel.shown) == 2)
    lamps, buzzer = rig.panel.shown[-1]
    assert lamps[Lamp.VIOLET] == LampState(True, code=24) and buzzer == "trip"
    for times, button in enumerate((Button.OK, Button.NG)):
        rig.panel.down = frozenset({button})
        await rig.until(lambda times=times: len(rig.panel.shown) == 3 + times)
        assert rig.panel.shown[-1] == (lamps, "code")
        rig.panel.down = frozenset()
        await rig.polls(6)
    assert rig.events == [], "a press that asks for the number means nothing else"
    rig.panel.down = frozenset({Button.RESET})
    await rig.until(lambda: rig.events)
    assert rig.events == [ButtonPressed(Button.RESET)]


async def test_a_further_event_of_the_same_trip_does_not_start_the_alarm_again(rig: Rig) -> None:
    rig.task.show_state(State.TRIPPED, 24)
    await rig.until(lambda: len(rig.panel.shown) == 2)
    rig.task.show_state(State.TRIPPED, 24)
    await rig.polls(5)
    assert len(rig.panel.shown) == 2
    rig.task.show_state(State.WAITING)
    await rig.until(lambda: len(rig.panel.shown) == 3)
    rig.panel.down = frozenset({Button.OK})
    await rig.until(lambda: rig.events)
    assert rig.events == [ButtonPressed(Button.OK)], "outside a trip OK is the session's"


async def test_identify_is_shown_until_a_state_is_named(rig: Rig) -> None:
    rig.task.show(IDENTIFY)
    await rig.until(lambda: len(rig.panel.shown) == 2)
    assert all(lamp.blink_s for lamp in rig.panel.shown[-1][0].values())
    rig.task.show_state(State.WAITING)
    await rig.until(lambda: len(rig.panel.shown) == 3)


async def test_a_lost_panel_is_told_once_and_shown_afresh_when_it_is_back(rig: Rig) -> None:
    rig.panel.gone = True
    await rig.until(lambda: rig.lost)
    await asyncio.sleep(0.02)
    assert len(rig.lost) == 1 and "unplugged" in rig.lost[0] and rig.back == 0
    rig.panel.down = frozenset({Button.START})
    shown = len(rig.panel.shown)
    rig.panel.gone = False
    await rig.until(lambda: rig.back)
    await rig.until(lambda: rig.events)
    assert rig.events == [ButtonStuck(Button.START)], "held down while the panel came back is no press"
    assert len(rig.panel.shown) == shown + 1


async def test_a_panel_that_hangs_counts_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("station.panel.panel_task.READ_S", 0.02)
    rig = Rig()

    async def hang() -> frozenset[Button]:
        await asyncio.Event().wait()
        return frozenset()

    monkeypatch.setattr(rig.panel, "read_buttons", hang)
    running = asyncio.create_task(rig.task.run())
    await rig.until(lambda: rig.lost)
    assert "no answer" in rig.lost[0]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_cancellation_that_the_driver_swallowed_still_ends_the_task(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = asyncio.Event()

    async def swallow() -> frozenset[Button]:
        reading.set()
        with contextlib.suppress(asyncio.CancelledError):  # as wait_for of Python 3.11 does in a race
            await asyncio.sleep(10.0)
        return frozenset()

    monkeypatch.setattr(rig.panel, "read_buttons", swallow)
    running = asyncio.create_task(rig.task.run())
    await reading.wait()
    running.cancel()
    await asyncio.wait({running}, timeout=10.0)
    assert running.cancelled()


async def test_an_answer_reaches_the_step_that_asked() -> None:
    shown: list[Prompt | None] = []
    prompts = Prompts(shown.append)
    assert prompts.answer(True) is False, "nothing was asked"
    for answer in (True, False):
        asking = asyncio.create_task(prompts.ask(Prompt({"zh": "音量最大？", "en": "Volume at maximum?"})))
        await asyncio.sleep(0)
        assert prompts.answer(answer) is True
        assert prompts.answer(not answer) is False, "the first answer counts"
        assert await asking is answer
    assert [text is None for text in shown] == [False, True, False, True]


async def test_a_prompt_without_an_answer_is_no_ok() -> None:
    shown: list[Prompt | None] = []
    prompts = Prompts(shown.append)
    with pytest.raises(StepError, match="a time-out is no OK"):
        await prompts.ask(Prompt({"en": "?"}, timeout_s=0.01))
    assert shown[-1] is None


async def test_two_prompts_at_once_and_a_cancelled_one() -> None:
    prompts = Prompts(lambda text: None)
    first = asyncio.create_task(prompts.ask(Prompt({"en": "first"})))
    await asyncio.sleep(0)
    with pytest.raises(StepError, match="another prompt"):
        await prompts.ask(Prompt({"en": "second"}))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    third = asyncio.create_task(prompts.ask(Prompt({"en": "third"})))
    await asyncio.sleep(0)
    assert prompts.answer(True)
    assert await third is True
