"""The run so far, kept by the daemon for watchers that come in the middle of it: a page that was restarted, a phone.

Bounded: the steps of one plan, their verdicts, the last word of the step in hand. It changes nothing.
"""

from __future__ import annotations

from typing import Any

from station.domain.events import Event


class RunSoFar:
    """Folds the events of a run; `view` is JSON-ready, None before the first run of this daemon."""

    def __init__(self) -> None:
        self._run: dict[str, Any] | None = None

    @property
    def view(self) -> dict[str, Any] | None:
        """`steps` with their verdicts, `step` in hand, its last `progress`, and once it is over `verdict`, `causes`."""
        return self._run

    def take(self, event: Event) -> None:
        """One event of any kind."""
        data = event.data
        if event.kind == "run_started":
            steps = [{**step, "verdict": None} for step in data["steps"]]
            self._run = {**data, "steps": steps, "step": None, "progress": None, "verdict": None, "causes": []}
        run = self._run
        if run is None:
            return
        match event.kind:
            case "step_started":
                run["step"], run["progress"] = data["step"], None
            case "progress":
                run["progress"] = dict(data)
            case "step_ended":
                run["step"], run["progress"] = None, None
                for step in run["steps"]:
                    if step["id"] == data["step"]:
                        step["verdict"] = data["verdict"]
            case "run_ended":
                run["step"], run["verdict"], run["causes"] = None, data["verdict"], list(data["causes"])
