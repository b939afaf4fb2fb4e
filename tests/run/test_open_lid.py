"""A prompt for which the lid was let go: no answer counts while it is open, because voltage may follow the answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from drivers.ports import Button
from station.domain.prompt import Prompt
from station.domain.session_state import State
from station.panel.buttons import ButtonPressed
from station.run import session_events as ev
from station.run.conductor import Conductor
from station.run.session import Session
from station.run.session_scans import Catalogue
from tests.run.quiet_room import quiet_room

TEXT = {"zh": "夹子？", "en": "clips?"}
HANDS = Prompt(TEXT, hands=True)


class Bench:
    """A conductor in a run at a prompt; the guard says what `lid` and `lock` say."""

    def __init__(self, prompt: Prompt, *, lid: bool, lock: bool) -> None:
        self.told: list[Any] = []
        self.sounds: list[str] = []
        self.status = SimpleNamespace(k=False, h=False, fb=False, lid=lid, lock=lock)
        panel: Any = SimpleNamespace(show_state=lambda *_, **asks: None, sound=self.sounds.append)
        room: Any = quiet_room(SimpleNamespace(status=self.status, hot=False, stop=lambda: None))
        self.session = Session(Catalogue({}, {}))
        self.session.memory.run_on = True
        self.session._state = State.PREPARING
        self.conductor = Conductor(self.session, room, lambda who: panel, self.told.append, lambda: 0.0)
        self.conductor.post(ev.PromptAsked(prompt))

    def press(self, button: Button) -> ev.Action:
        (action,) = self.conductor.post(ButtonPressed(button))
        return action


@pytest.mark.parametrize("button", [Button.OK, Button.NG])
def test_an_answer_is_refused_while_the_lid_that_was_let_go_is_open(button: Button) -> None:
    bench = Bench(HANDS, lid=False, lock=False)
    refused = bench.press(button)
    assert isinstance(refused, ev.Refuse) and refused.code == "lid_open"
    assert "先合上盖" in refused.text["zh"] and "shut the lid first" in refused.text["en"]
    assert bench.session.state is State.PROMPT and bench.sounds == ["refused"]
    (told,) = [event.data for event in bench.told if event.kind == "tell"]
    assert told["kind"] == "refuse" and told["text"] == refused.text
    bench.status.lid = True
    assert bench.press(button) == ev.AnswerPrompt(button is Button.OK)
    assert bench.session.state is State.PREPARING


@pytest.mark.parametrize(
    ("prompt", "lid", "lock"),
    [
        (HANDS, True, False),
        (HANDS, False, True),  # never released: whoever asks for voltage says what is wrong
        (Prompt(TEXT), False, False),
    ],
)
def test_a_shut_lid_a_lid_never_released_and_a_prompt_without_hands_hinder_nobody(
    prompt: Prompt, lid: bool, lock: bool
) -> None:
    assert Bench(prompt, lid=lid, lock=lock).press(Button.OK) == ev.AnswerPrompt(True)
    assert Bench(prompt, lid=lid, lock=lock).press(Button.NG) == ev.AnswerPrompt(False)


def test_the_run_can_be_stopped_and_a_badge_declined_over_an_open_lid() -> None:
    assert isinstance(Bench(HANDS, lid=False, lock=False).press(Button.STOP), ev.AbortRun)
    badge = Prompt(TEXT, "badge", hands=True)
    assert Bench(badge, lid=False, lock=False).press(Button.NG) == ev.AnswerPrompt(False)
