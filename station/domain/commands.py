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


@dataclass(frozen=True, slots=True)
class ResendRange:
    """Delivered messages with these numbers wait again."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ResendRun:
    """Delivered messages of this run wait again."""

    run_id: str


@dataclass(frozen=True, slots=True)
class KeepTree:
    """The archive of a configuration waits to be checked; its reply comes after that. `asked_by`: who at the bench
    sent it, None for the centre."""

    sha256: str
    archive: bytes = field(repr=False)
    asked_by: str | None = None


OrderChange = KeepOrder | DropOrder
Change = OrderChange | ResendRange | ResendRun | KeepTree


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is said of a command once what it changes is in the store."""

    status: Literal["done", "refused"] = "done"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Resent:
    """Messages that were asked for again, by where they stood."""

    again: int
    """Delivered: they are sent again."""
    waiting: int
    """They wait already."""
    quarantined: int
    """They stay there: the centre rejected them, and a person sends them again."""

    def outcome(self) -> Outcome:
        """Refused where this station has none of them."""
        if not self.again + self.waiting + self.quarantined:
            return Outcome("refused", "resend: this station has no such messages; ask for numbers or a run of its own")
        left = f"; {self.waiting} wait already" if self.waiting else ""
        if self.quarantined:
            left += f"; {self.quarantined} stay in quarantine (on the bench: station results requeue)"
        return Outcome("done", f"{self.again} messages are sent again{left}")


@dataclass(frozen=True, slots=True)
class TooMany:
    """Why a change was not kept: as many wait as may."""

    reason: str

    def outcome(self) -> Outcome:
        """Always refused."""
        return Outcome("refused", self.reason)


Kept = Resent | TooMany | None
"""What is only known when the changes are made."""


def _nothing() -> None:
    """Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Done, or refused with a reason; `changes` are still to be kept.

    `later`: no reply yet, what was kept is answered when it is done.
    `undo`: to be called where they could not be kept, so that the list is again what the store holds.
    """

    status: Literal["done", "refused"] = "done"
    reason: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    later: bool = False
    undo: Callable[[], None] = field(default=_nothing, compare=False, repr=False)

    def outcome(self, kept: Kept) -> Outcome | None:
        """What to reply once the changes are made; None: later."""
        if kept is not None:
            return kept.outcome()
        return None if self.later else Outcome(self.status, self.reason)
