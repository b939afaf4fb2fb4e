"""Time passes for the session on whole seconds, whenever its looks begin."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from station.domain.session_state import State
from station.run import session_events as ev
from station.run.conductor import BLIND_S, Conductor
from station.run.session import Session
from station.run.session_scans import Catalogue
from tests.run.quiet_room import quiet_room


class Stage:
    """A conductor whose looks are made by hand; `ticked_s` says when it told the session that time passes."""

    def __init__(self, now_s: float, **safety: Any) -> None:
        self.now_s = now_s
        self.session = Session(Catalogue({}, {}))
        room = quiet_room(SimpleNamespace(**{"status": None, "hot": True, "why_not_cool": "", **safety}))
        panel: Any = SimpleNamespace(show_state=lambda *_, **asks: None, sound=lambda *_: None)
        self.conductor = Conductor(self.session, room, lambda who: panel, lambda event: None, lambda: self.now_s)
        self.ticked_s: list[float] = []
        post = self.conductor.post

        def watched(event: ev.Event) -> tuple[ev.Action, ...]:
            if isinstance(event, ev.Tick):
                self.ticked_s.append(self.now_s)
            return post(event)

        self.conductor.post = watched  # type: ignore[method-assign]

    def look(self, from_s: float, to_s: float) -> None:
        for number in range(round(from_s * 10), round(to_s * 10) + 1):
            self.now_s = number / 10
            self.conductor.look()


@pytest.mark.parametrize("begun_s", [100.0, 100.3, 100.95])
def test_a_session_is_told_of_time_on_whole_seconds_whenever_it_began(begun_s: float) -> None:
    stage = Stage(begun_s)
    stage.look(101.0, 104.5)
    assert stage.ticked_s == [101.0, 102.0, 103.0, 104.0]


def test_looks_that_were_left_out_shift_no_later_tick() -> None:
    stage = Stage(100.0)
    stage.look(101.0, 101.0)
    stage.look(150.4, 152.0)
    assert stage.ticked_s == [101.0, 150.4, 151.0, 152.0]


def test_a_look_that_will_tell_of_a_dead_thermometer_is_known_beforehand() -> None:
    stage = Stage(100.0, why_not_cool="temperature.loadbank_degc is failed")
    assert math.isinf(stage.conductor.due_s)
    stage.session.step(ev.Tripped("G01"), 100.0)
    stage.session.step(ev.TripCleared(hot=True), 100.0)
    assert stage.session.state is State.COOLING
    stage.look(100.1, 100.1)
    assert stage.conductor.due_s == pytest.approx(100.1 + BLIND_S)
    stage.look(100.2, 101.0 + BLIND_S)
    assert math.isinf(stage.conductor.due_s)
