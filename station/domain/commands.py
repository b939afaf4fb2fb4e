"""What came of something that was asked of the bench, and what must be kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from station.domain.work_order import WorkOrder


@dataclass(frozen=True, slots=True)
class KeepOrder:
    """The work order waits at the bench, also after a restart."""

    order: WorkOrder


@dataclass(frozen=True, slots=True)
class DropOrder:
    """The work order waits here no more."""

    number: str


OrderChange = KeepOrder | DropOrder


def _nothing() -> None:
    """Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Done, or refused with a reason; `changes` of the waiting orders are still to be kept.

    `undo`: to be called where they could not be kept, so that the list is again what the store holds.
    """

    status: Literal["done", "refused"] = "done"
    reason: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[OrderChange, ...] = ()
    undo: Callable[[], None] = field(default=_nothing, compare=False, repr=False)
