"""A light station's outbox: in memory, the same rules as the one on the disk (`station.store.outbox`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from station.contract.bodies import Receipt
from station.contract.envelope import sha256_of
from station.domain.outbox import Draft, Slot, Suffix
from station.store.outbox import Outcome

_PRIORITY: dict[Suffix, int] = {"alarm": 0, "event": 1, "reply": 1, "result": 2}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row without a receipt."""

    seq: int
    suffix: Suffix
    payload: bytes
    sha256: str


class Outbox:
    """Rows by number; a row leaves on its receipt alone."""

    def __init__(self, prefix: str) -> None:
        """`prefix` is `{station}:{store_epoch}`."""
        self._prefix = prefix
        self._last = 0
        self._waiting: dict[int, Waiting] = {}
        self._quarantined: set[int] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def last(self) -> int:
        """The number of the row that was added last."""
        return self._last

    def add(self, draft: Draft) -> int:
        """Give a message its number and fix its bytes. Raises `MessageError`."""
        seq = self._last + 1
        payload = draft.encode(Slot(f"{self._prefix}:{seq}", seq))
        self._last = seq
        self._waiting[seq] = Waiting(seq, draft.suffix, payload, sha256_of(payload))
        return seq

    def due(self, limit: int, skip: Collection[int]) -> list[Waiting]:
        """Rows that may go out: alarms, then events and replies, then results; the oldest first."""
        rows = [row for seq, row in self._waiting.items() if seq not in skip]
        return sorted(rows, key=lambda row: (_PRIORITY[row.suffix], row.seq))[:limit]

    def settle(self, receipt: Receipt) -> tuple[Outcome, int]:
        """Do what one receipt says; what it did, and to which row (0: none of ours)."""
        head, _, number = receipt.msg_id.rpartition(":")
        seq = int(number) if head == self._prefix and number.isdigit() else 0
        if not 0 < seq <= self._last:
            return "unknown", 0
        row = self._waiting.get(seq)
        if row is None:
            return "known", seq
        if receipt.sha256 != row.sha256:
            return "mismatch", seq
        del self._waiting[seq]
        if receipt.status == "rejected":
            self._quarantined.add(seq)
            return "quarantined", seq
        return "delivered", seq

    def rows(self) -> Iterable[int]:
        """Numbers of the rows that wait."""
        return self._waiting
