"""A conductor's room without a bench: a kernel that a test writes itself, and the events that the centre was told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

Told = tuple[str, str | None, str | None, str | None]
"""Event, work order, run id, reason."""


def quiet_room(safety: Any, told: list[Told] | None = None, **more: Any) -> Any:
    """What a `Conductor` looks at outside of runs."""

    async def report(event: str, work_order: str | None, run_id: str | None, reason: str | None) -> None:
        if told is not None:
            told.append((event, work_order, run_id, reason))

    return SimpleNamespace(**{"safety": safety, "report": report, "recall": None, "wall": None, **more})
