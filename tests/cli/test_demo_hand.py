"""The demo's technician: does what a prompt wants done, turns like a person, and answers each prompt once."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from drivers.sim.world import PROBE_NODES
from station.cli.demo import BADGE, OTHER_BADGE, Technician
from station.cli.demo_hand import LOOK_S, TURN_MA_MAX, Hands


def guide(value: float, hint: str, channel: str = "left") -> dict[str, Any]:
    return {"value": value, "target": 50.0, "hint": hint, "channel": channel}


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_person_turns_at_most_so_far_and_so_often_and_arrives() -> None:
    clock, hands_off = Clock(), 0
    hands, bias_ma, seen = Hands(clock), 3.0, []
    for _ in range(100):
        clock.now_s += 0.1
        hint = "hold" if abs(bias_ma - 50.0) < 2.5 else "raise" if bias_ma < 50.0 else "lower"
        hands_off += hint == "hold"
        for command in hands.turn(guide(bias_ma, hint)):
            verb, side, delta = command.split()
            assert (verb, side) == ("trim", "left") and abs(float(delta)) <= TURN_MA_MAX
            bias_ma += float(delta)
            seen.append(clock.now_s)
    assert all(b - a >= LOOK_S - 1e-9 for a, b in itertools.pairwise(seen))
    assert abs(bias_ma - 50.0) < 2.5 and hands_off > 50


@pytest.mark.parametrize("hint", ["hold", "done"])
def test_hands_are_off_when_they_are_told(hint: str) -> None:
    hands = Hands(Clock())
    assert list(hands.turn(guide(60.0, hint))) == [] and list(hands.turn(None)) == []


def test_clips_and_probe_go_where_the_prompt_says_before_it_is_answered() -> None:
    hands = Hands(Clock())
    assert list(hands.prepare({"item": "clips-on"})) == ["clips 1"]
    assert list(hands.prepare({"item": "clips-off"})) == ["clips 0"]
    assert list(hands.prepare({"item": "volume"})) == []
    for node in PROBE_NODES:
        assert list(hands.prepare({"probe": node})) == [f"probe {node}"]


def test_what_a_person_would_find_wrong_is_answered_ng_and_set_right_when_asked_again() -> None:
    hands = Hands(Clock(), wrong=("camera", "volume"))
    assert not hands.finds_right({"item": "camera"}) and not hands.finds_right({"items": "sound camera"})
    assert hands.finds_right({"item": "sound"}) and hands.finds_right({"item": "volume", "again": "1"})
    assert list(hands.prepare({"hand": "fixture coupler"})) == ["fixture coupler"]


def session(kind: str | None) -> dict[str, Any]:
    return {"state": "prompt" if kind else "energised", "asks": {"kind": kind, "about": {}} if kind else None}


def test_each_prompt_is_answered_once_a_badge_by_a_badge_and_a_colleagues_where_the_own_is_refused() -> None:
    technician = Technician({}, lambda command: None)
    technician.run_id = "r1"
    asked = {"step": "s", "text": {}, "about": {}}

    def acts(kind: str, data: dict[str, Any]) -> list[str]:
        return list(technician.acts(kind, data))

    for _ in range(2):
        assert acts("prompt", asked | {"kind": "answer"}) == []
        assert acts("session", session("answer")) == ["press ok"]
        assert acts("session", session("answer")) == [], "the press is on its way"
        assert acts("session", session(None)) == []
    acts("prompt", asked | {"kind": "badge"})
    assert acts("session", session("badge")) == [f"scan OP:{BADGE}"]
    assert acts("tell", {"code": "second_badge", "kind": "refuse", "text": {}}) == [f"scan OP:{OTHER_BADGE}"]
