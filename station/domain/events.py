"""What goes on in a run, for those who watch: page, progress, demo. Watchers can never hold up or change a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """`kind` is one of: session, scan, prompt, guide, run_started, step_started, progress, reading, measurement,
    curve, step_ended, trip, run_ended, receipt, alarm, paper, voltage, tell. `data` is JSON-ready."""

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)


Publish = Callable[[Event], None]
