"""START against an interlock that refuses: said in both languages, no run, the scans are kept, READY stays."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from drivers.ports import Button
from station.domain.session_state import State
from station.domain.work_order import WorkOrder
from station.panel.buttons import ButtonPressed
from station.run import session_events as ev
from station.run.conductor import Conductor
from station.run.session import Session
from station.run.session_scans import BADGE_S, Catalogue
from tests.run.quiet_room import quiet_room

CATALOGUE = Catalogue({"amp": "amplifier"}, {"outgoing-amplifier": "outgoing"})
ORDER = WorkOrder("W1", "amp", "S1", "outgoing", assigned=True)
FEED = "interlock mains-feed: mains.voltage_v is high (260, limit 253)"
LATCH = "service latch: WELD: it stayed closed; a maintainer clears it (station service clear-weld)"


class _Panel:
    def __init__(self) -> None:
        self.sounds: list[str] = []

    def show_state(self, state: State, code: int = 0, asks: str = "answer") -> None:
        return

    def sound(self, buzzer: str) -> None:
        self.sounds.append(buzzer)


class Bench:
    """A conductor over a session that is READY; `reasons` is what the kernel has against a run."""

    def __init__(self, *reasons: str) -> None:
        self.now_s = 0.0
        self.told: list[Any] = []
        self.runs: list[str] = []
        self.panel = _Panel()
        self.safety = SimpleNamespace(status=None, hot=False, reasons=reasons)
        self.safety.why_start_refused = lambda: self.safety.reasons
        self.session = Session(CATALOGUE)
        room: Any = quiet_room(self.safety)
        make: Any = lambda who: self.panel  # noqa: E731
        self.conductor = Conductor(self.session, room, make, self.told.append, lambda: self.now_s)
        self.conductor._spawn = self._spawn  # type: ignore[method-assign]
        ready: list[ev.Event] = [ev.Assigned(ORDER), *map(ev.Scanned, ("OP:1", "WO:W1", "SN:S1"))]
        for event in ready:
            assert all(isinstance(action, ev.Accepted) for action in self.conductor.post(event))
        assert self.runs == ["report"], "the order is accepted"
        self.runs.clear()
        assert self.session.state is State.READY

    def _spawn(self, work: Any, name: str) -> None:
        self.runs.append(name)
        work.close()

    def start(self) -> tuple[ev.Action, ...]:
        return self.conductor.post(ButtonPressed(Button.START))


@pytest.mark.parametrize(
    ("reason", "chinese"), [(FEED, "联锁 市电电压：过高"), (LATCH, "维修锁定（service latch），须由维护员解除")]
)
def test_start_is_refused_with_the_reason_and_the_scans_are_kept(reason: str, chinese: str) -> None:
    bench = Bench(reason)
    (refused,) = bench.start()
    assert isinstance(refused, ev.Refuse) and refused.code == "barred"
    assert reason in refused.text["en"] and chinese in refused.text["zh"]
    assert bench.session.state is State.READY and bench.runs == []
    assert bench.panel.sounds[-1] == "refused"
    assert bench.session.view()["missing"] == []


def test_the_next_start_runs_once_the_reason_is_gone() -> None:
    bench = Bench(FEED)
    bench.start()
    bench.safety.reasons = ()
    (action,) = bench.start()
    assert isinstance(action, ev.StartRun) and bench.runs == ["run"] and bench.session.state is State.PREPARING


def test_several_reasons_are_all_said() -> None:
    (refused,) = Bench(LATCH, FEED).start()
    assert isinstance(refused, ev.Refuse)
    assert all(word in refused.text["zh"] for word in ("维修锁定", "市电电压"))
    assert FEED in refused.text["en"] and LATCH in refused.text["en"]


def test_a_start_that_is_refused_anyway_says_its_own_reason() -> None:
    bench = Bench(FEED)
    bench.conductor.post(ev.Tripped("G02"))
    assert [action.code for action in bench.start() if isinstance(action, ev.Refuse)] == ["tripped"]


def test_a_badge_that_expires_at_the_press_is_still_told() -> None:
    bench = Bench(FEED)
    bench.now_s = BADGE_S + 1.0
    told = [action.code for action in bench.start() if isinstance(action, ev.Tell | ev.Refuse)]
    assert told[0] == "badge_expired" and "scans_missing" in told
