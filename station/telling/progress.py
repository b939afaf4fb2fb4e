"""Where the bench stands, for `up/progress`: a body when the state changed, nothing otherwise.

A change is another session state, work order, run, plan, step or prompt, and the moment at which the end of the run
becomes known. The fraction alone is none: it goes with the next change. No badge comes in here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from station.contract.bodies import Progress
from station.domain.clock import utc_text
from station.domain.events import Event


@dataclass(frozen=True, slots=True)
class _Place:
    """What a change is a change of."""

    state: str = "waiting"
    work_order: str | None = None
    run_id: str | None = None
    plan: str | None = None
    step: str | None = None
    expected_end: str | None = None
    prompt: Mapping[str, str] | None = None


class ProgressSoFar:
    """Folds what watchers are told. `speed` is seconds of test time in one of wall time."""

    def __init__(self, now_utc: Callable[[], datetime], speed: float) -> None:
        self._now_utc, self._speed = now_utc, speed
        self._place = _Place()
        self._told: _Place | None = None
        self._steps = self._ended = 0
        self._of_step = 0.0

    @property
    def run_id(self) -> str | None:
        """The run that is on."""
        return self._place.run_id

    @property
    def step(self) -> str | None:
        """The step in hand."""
        return self._place.step

    def take(self, event: Event) -> Progress | None:
        """One event of any kind; what is to be told now comes back."""
        if not self._follow(event.kind, event.data) or self._place == self._told:
            return None
        self._told = place = self._place
        return Progress(
            state=place.state, work_order=place.work_order, run_id=place.run_id, plan=place.plan, step=place.step,
            fraction=self._fraction(), expected_end=place.expected_end,
            prompt=None if place.prompt is None else dict(place.prompt),
        )  # fmt: skip

    def _follow(self, kind: str, told: Mapping[str, Any]) -> bool:
        """Whether the event is one of those that can change the place."""
        match kind:
            case "session":
                self._place = self._by_session(told)
            case "run_started":
                self._steps, self._ended = len(told["steps"]), 0
                self._place = replace(self._place, run_id=told["run_id"], plan=told["plan"], step=None)
            case "step_started":
                self._of_step = 0.0
                self._place = replace(self._place, step=told["step"], expected_end=None)
            case "progress":
                self._of_step = min(1.0, max(0.0, told["fraction"]))
                return self._learn_end(told["remaining_s"])
            case "step_ended":
                self._ended, self._of_step = self._ended + 1, 0.0
                return False
            case "run_ended":
                self._place = replace(self._place, run_id=None, plan=None, step=None, expected_end=None)
            case _:
                return False
        return True

    def _by_session(self, told: Mapping[str, Any]) -> _Place:
        """The session's own word; a run that it does not know any more is over, also where nothing told its end."""
        run, place = told["run"] or {}, replace(self._place, state=told["state"], prompt=told["prompt"])
        place = replace(place, work_order=told["scans"]["work_order"] or run.get("work_order"))
        if not run.get("running"):
            return replace(place, run_id=None, plan=None, step=None, expected_end=None)
        if run["run_id"] != place.run_id:
            self._steps = self._ended = 0
            place = replace(place, run_id=run["run_id"], step=None, expected_end=None)
        return replace(place, plan=run["plan"])

    def _learn_end(self, remaining_s: float | None) -> bool:
        """The end of the run is known once its last step says how long it will take; told once."""
        last = self._ended == self._steps - 1
        if remaining_s is None or not last or self._place.expected_end is not None:
            return False
        ends = self._now_utc() + timedelta(seconds=remaining_s / self._speed)
        self._place = replace(self._place, expected_end=utc_text(ends))
        return True

    def _fraction(self) -> float | None:
        if self._place.run_id is None or not self._steps:
            return None
        return round(min(1.0, (self._ended + self._of_step) / self._steps), 4)
