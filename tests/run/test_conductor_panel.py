"""What the conductor has the panel say: scans heard, refusals heard and seen, a badge asked for as one, hands led."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.ports import Button
from station.domain.events import Event
from station.domain.prompt import Prompt
from station.domain.session_state import State
from station.panel.buttons import ButtonPressed
from station.panel.panel_task import PanelTask
from station.panel.patterns import BADGE, GUIDES, PATTERNS
from station.panel.showing import Shown
from station.run import session_events as ev
from tests.run.test_conductor_barred import Bench

GUIDE = {"name": "bias_ma", "value": 41.0, "unit": "mA", "low": 45.0, "high": 55.0, "target": 50.0, "hint": "raise",
         "channel": "left"}  # fmt: skip


class Stage(Bench):
    """A conductor with the real panel task in front of no panel: what it would show is looked at."""

    def __init__(self) -> None:
        super().__init__()
        nobody: Any = None
        self.task = PanelTask(nobody, lambda event: None, lambda why: None, lambda: None, now_s=lambda: self.now_s)
        self.conductor.panel = self.task
        self.conductor.post(ev.Tick())

    def shows(self) -> Shown:
        return self.task._showing.now(self.now_s)

    def run(self) -> None:
        self.start()
        self.conductor.post(ev.RunBegan("r1"))
        self.conductor.post(ev.VoltageChanged(True))
        assert self.session.state is State.ENERGISED


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_scan_that_is_taken_is_heard_and_one_that_is_not_is_refused_with_lamps_too(stage: Stage) -> None:
    stage.now_s = 5.0
    stage.conductor.post(ev.Scanned("OP:2"))
    assert stage.shows().buzz.name == "scan"
    stage.now_s = 10.0
    stage.conductor.post(ev.Scanned("PR:nothing"))
    shown = stage.shows()
    assert shown.buzz.name == "refused" and shown.lamps != PATTERNS[stage.session.state].full()
    stage.now_s = 20.0
    assert stage.shows().lamps == PATTERNS[stage.session.state].full()


def test_a_prompt_for_a_badge_looks_like_one_and_a_wrong_answer_is_heard_over_it(stage: Stage) -> None:
    stage.run()
    stage.conductor.post(ev.PromptAsked(Prompt({"zh": "签字", "en": "sign"}, "badge")))
    assert stage.shows().lamps == BADGE.full() and stage.shows().buzz.name == "badge"
    stage.conductor.post(ButtonPressed(Button.OK))
    assert stage.shows().buzz.name == "refused"
    stage.now_s += 3.0
    assert stage.shows().buzz.name == "badge"
    stage.conductor.post(ev.PromptClosed())
    stage.conductor.post(ev.PromptAsked(Prompt({"zh": "好了吗", "en": "ready"})))
    assert stage.shows().lamps == PATTERNS[State.PROMPT].full() and stage.shows().buzz.name == "prompt"


def test_guides_of_the_run_lead_on_the_panel_until_the_step_has_ended(stage: Stage) -> None:
    stage.run()
    stage.conductor._follow(Event("guide", {"step": "bias", "guide": GUIDE}))
    assert stage.shows().lamps == GUIDES["raise"].full() and stage.shows().buzz.name == "raise"
    stage.conductor._follow(Event("step_ended", {"step": "bias", "verdict": "PASS"}))
    assert stage.shows().lamps == PATTERNS[State.ENERGISED].full() and stage.shows().buzz.name == ""
