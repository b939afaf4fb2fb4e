"""Two badges for two people: who may sign, who may take over, which badge is good enough where another must sign."""

from __future__ import annotations

import pytest

from drivers.ports import Button
from station.domain.prompt import Prompt
from station.domain.session_state import State
from station.domain.verdict import Verdict
from station.domain.work_order import WorkOrder
from station.panel.buttons import ButtonPressed
from station.run import session_events as ev
from station.run.session import Session
from station.run.session_scans import BADGE_S, Catalogue, PlanFacts

CATALOGUE = Catalogue(
    {"amp": "amplifier"},
    {"outgoing-amplifier": "outgoing", "outgoing-plain": "outgoing"},
    {"outgoing-amplifier": PlanFacts(two_people=True)},
)
WORDS = {"zh": "签字", "en": "sign"}


class Desk:
    """A session at an order of a plan with a mutual inspection."""

    def __init__(self) -> None:
        self.session, self.now_s = Session(CATALOGUE), 1000.0
        self.do(ev.Assigned(WorkOrder("W1", "amp", "S1", "outgoing", assigned=True)))
        self.scan("WO:W1", "SN:S1")

    def do(self, event: ev.Event) -> list[ev.Action]:
        return list(self.session.step(event, self.now_s))

    def scan(self, *texts: str, source: ev.Source = "scanner") -> list[ev.Action]:
        return [action for text in texts for action in self.do(ev.Scanned(text, source))]

    def start(self) -> list[str]:
        """Press START; the codes of what was refused."""
        return [one.code for one in self.do(ButtonPressed(Button.START)) if isinstance(one, ev.Refuse)]

    def asked(self, *not_by: str) -> None:
        self.do(ev.PromptAsked(Prompt(WORDS, "badge", not_by=not_by)))


def running() -> Desk:
    desk = Desk()
    desk.scan("OP:e-7")
    assert desk.start() == []
    desk.do(ev.RunBegan("r1"))
    return desk


def codes(actions: list[ev.Action]) -> list[str]:
    return [one.code for one in actions if isinstance(one, (ev.Refuse, ev.Tell))]


@pytest.mark.parametrize("badge", ["e-7", "E-7", "e-17", "E-17"])
def test_the_same_badge_in_other_letters_is_the_same_persons(badge: str) -> None:
    desk = running()
    desk.asked("e-7", "e-17")
    assert codes(desk.scan(f"OP:{badge}")) == ["second_badge"]
    assert desk.scan("OP:E-8") == [ev.AnswerPrompt("E-8")]


def test_the_badge_that_has_the_run_in_hand_takes_nothing_over_in_other_letters() -> None:
    assert codes(running().scan("OP:E-7")) == ["in_hand"]


def test_who_signed_as_the_second_engineer_does_not_take_the_run_over() -> None:
    desk = running()
    desk.asked("e-7")
    desk.scan("OP:e-8")
    for badge in ("e-8", "E-8"):
        assert codes(desk.scan(f"OP:{badge}")) == ["inspector_in_run"]
    assert desk.scan("OP:e-9") == [ev.HandOver("e-9")]


def test_who_signed_their_own_step_may_take_the_run_over_again() -> None:
    desk = running()
    desk.asked()
    desk.scan("OP:e-8")
    assert desk.scan("OP:e-8") == [ev.HandOver("e-8")]


def test_who_inspected_one_run_may_make_the_next() -> None:
    desk = running()
    desk.asked("e-7")
    desk.scan("OP:e-8")
    desk.do(ev.RunEnded(Verdict.PASS))
    desk.scan("OP:e-8", "WO:W2", "SN:S2", "PR:amp", "PL:outgoing-plain")
    assert desk.start() == []
    assert codes(desk.scan("OP:e-8")) == ["in_hand"]


def test_where_another_must_sign_the_first_badge_comes_from_the_scanner_too() -> None:
    desk = Desk()
    desk.scan("OP:e-7", source="socket")
    assert desk.session.state is State.READY and desk.session.view()["lacking"]["code"] == "badge_typed"
    assert desk.start() == ["badge_typed"]
    desk.scan("OP:e-7")
    assert desk.start() == []


def test_elsewhere_a_typed_badge_is_a_badge() -> None:
    desk = Desk()
    desk.scan("OP:e-7", "PL:outgoing-plain", source="socket")
    assert desk.start() == []


def test_a_badge_that_is_gone_leaves_nothing_behind() -> None:
    desk = Desk()
    desk.do(ButtonPressed(Button.STOP))
    desk.scan("OP:e-7", source="socket")
    desk.now_s += BADGE_S + 1.0
    desk.do(ev.Tick())
    assert desk.session.state is State.WAITING
