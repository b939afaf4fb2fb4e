"""What a database of the centre promises, and the values that go in and come out. Knows no SQL.

Two hold the promise: `station.collector.sqlite` and `station.collector.postgres`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from station.collector.dialect import Transaction
from station.contract.bodies import Body
from station.contract.envelope import Envelope
from station.contract.receipts import Status
from station.domain.record import Record

T = TypeVar("T")
RECEIPTED = ("result", "event", "alarm", "reply")
"""Kept for good, one row a message, and receipted."""
RETAINED = ("presence", "info", "progress", "alarm_active")
"""Only the latest of each station is kept; nobody waits for a receipt. Telemetry is for live views and not kept."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A received message that was found well-formed."""

    envelope: Envelope
    body: Record | Body
    payload: bytes
    sha256: str

    @property
    def kind(self) -> str:
        """The end of its topic."""
        return self.envelope.schema_.partition("/")[0]


@dataclass(frozen=True, slots=True)
class CentreAlarm:
    """Something that the centre itself must look into."""

    code: str
    cause: str
    station: str | None = None
    msg_id: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What to put into the receipt. A retained message that is older than what is known is a `duplicate`."""

    status: Status
    reason: str | None = None


class Centre(Protocol):
    """A database of the centre. Its methods block; they are called one after another, from any thread."""

    alarm_counts: Counter[tuple[str, str]]
    """The centre's alarms by code and by what became of them: `written` or `withheld`."""

    def ready(self) -> None:
        """Connect where there is no connection, and bring the tables to the present version.

        Raises `CentreError` while it cannot be used, `SettingsError` for what waiting does not mend.
        """

    def take(self, messages: Sequence[Incoming], alarms: Sequence[CentreAlarm], now: str) -> list[Stored]:
        """Commit a batch; one answer for each message, in order. When it returns, everything is on the disk.

        `alarms` and what is found wrong here are written as far as the budget of alarms goes.
        Raises `CentreError` where nothing may be receipted.
        """

    def stations_online(self) -> int:
        """How many stations were born and have not died since. Raises `CentreError`."""

    def look(self, read: Callable[[Transaction], T]) -> T:
        """What somebody reads, however long it takes: nobody is kept from storing. Raises `CentreError`."""

    def change(self, write: Callable[[Transaction], T]) -> T:
        """What somebody who may changes, in a transaction of its own. Raises `CentreError`; then nothing is changed."""

    def reclaim(self) -> None:
        """After much was deleted: indexes and log keep no text of it, as far as the database can. May raise
        `CentreError`."""

    def close(self) -> None:
        """Let go of it; without waiting for a call that hangs."""
