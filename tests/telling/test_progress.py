"""`up/progress`: changes of state only, fraction and end of the run, and nothing that retained topics must not have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from station.contract.bodies import Progress
from station.domain.events import Event
from station.telling.progress import ProgressSoFar

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
STEPS = [{"id": name, "title": {"zh": "", "en": ""}} for name in ("bond", "power", "soak")]


def session(state: str, *, running: bool = False, run_id: str | None = None, **more: Any) -> Event:
    run = {"run_id": run_id, "running": running, "work_order": "W1", "plan": "outgoing", "operator": "badge-7"}
    view = {
        "state": state, "scans": {"work_order": None, "operator": "badge-7"}, "run": run, "prompt": None, "trip": None,
        "assigned": [],
    }  # fmt: skip
    return Event("session", view | more)


def begun() -> list[Event]:
    return [
        session("preparing", running=True),
        session("preparing", running=True, run_id="r1"),
        Event("run_started", {"run_id": "r1", "plan": "outgoing", "steps": STEPS}),
    ]


def step(name: str) -> Event:
    return Event("step_started", {"step": name, "title": {}})


def ended(name: str) -> Event:
    return Event("step_ended", {"step": name, "verdict": "PASS"})


def progress(fraction: float, remaining_s: float | None = None) -> Event:
    return Event("progress", {"step": "x", "fraction": fraction, "readings": {}, "remaining_s": remaining_s})


@pytest.fixture
def so_far() -> ProgressSoFar:
    return ProgressSoFar(lambda: NOW, 2.0)


def told(so_far: ProgressSoFar, *events: Event) -> list[Progress]:
    return [body for event in events if (body := so_far.take(event)) is not None]


def test_a_run_is_told_by_its_changes_of_state(so_far: ProgressSoFar) -> None:
    bodies = told(
        so_far, *begun(), step("bond"), ended("bond"), step("power"), session("energised", running=True, run_id="r1"),
        ended("power"), step("soak"), Event("run_ended", {"run_id": "r1"}), session("PASS", run_id="r1"),
    )  # fmt: skip
    assert [(body.state, body.run_id, body.step, body.fraction) for body in bodies] == [
        ("preparing", None, None, None), ("preparing", "r1", None, None), ("preparing", "r1", "bond", 0.0),
        ("preparing", "r1", "power", 0.3333), ("energised", "r1", "power", 0.3333), ("energised", "r1", "soak", 0.6667),
        ("energised", None, None, None), ("PASS", None, None, None),
    ]  # fmt: skip
    assert {body.work_order for body in bodies} == {"W1"}


def test_readings_fractions_and_lists_of_orders_are_no_change_of_state(so_far: ProgressSoFar) -> None:
    told(so_far, *begun(), step("power"))
    others = [progress(n / 1000, 100.0) for n in range(1000)]
    others += [session("preparing", running=True, run_id="r1", assigned=[f"W{n}"]) for n in range(100)]
    others += [Event("measurement", {"step": "power"}), Event("voltage", {"voltage": "on"}), ended("power")]
    assert told(so_far, *others) == []


def test_the_end_is_told_once_when_the_last_step_knows_it_in_wall_time(so_far: ProgressSoFar) -> None:
    told(so_far, *begun(), step("bond"), ended("bond"), step("power"), progress(0.5, 30.0), ended("power"))
    bodies = told(so_far, step("soak"), progress(0.5, 3600.0), progress(0.6, 2880.0), progress(0.7, 2160.0))
    assert [(body.expected_end, body.fraction) for body in bodies] == [
        (None, 0.6667),
        ("2026-11-22T04:30:00.000Z", 0.8333),
    ]


def test_the_prompt_is_told_and_taken_back_and_no_badge_with_it(so_far: ProgressSoFar) -> None:
    told(so_far, *begun(), step("power"))
    asked = session("prompt", running=True, run_id="r1", prompt={"zh": "接好", "en": "connect the leads"})
    bodies = told(so_far, asked, session("preparing", running=True, run_id="r1"))
    assert [body.prompt for body in bodies] == [{"zh": "接好", "en": "connect the leads"}, None]
    assert all("badge-7" not in body.model_dump_json() for body in bodies)


def test_a_run_that_broke_without_a_word_does_not_stay(so_far: ProgressSoFar) -> None:
    told(so_far, *begun(), step("power"), progress(0.5))
    (body,) = told(so_far, session("ERROR", run_id="r1"))
    assert (body.run_id, body.plan, body.step, body.fraction, body.expected_end) == (None, None, None, None, None)


def test_the_work_order_in_front_is_told_before_a_run(so_far: ProgressSoFar) -> None:
    front = session("scan_missing", scans={"work_order": "W9", "operator": "badge-7"}, run=None)
    assert [body.work_order for body in told(so_far, front, front)] == ["W9"]
