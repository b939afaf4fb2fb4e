"""Rows read ahead of the window: a receipt lets the next row go out at once, without a word to the store between."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from station.store.outbox import OutboxRow
from station.store.store import Store

ROWS = 40
"""Beyond what may go out now; `station.store.outbox.READ_BYTES_MAX` bounds their bytes."""


class Ahead:
    """Holds what the store said is due next, until `forget`: anything but a receipt may change what comes first."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: deque[OutboxRow] = deque()
        self._forgotten = 0

    def forget(self) -> None:
        """Ask the store anew the next time: rows came or came back, failed, or are due again after a rest."""
        self._rows.clear()
        self._forgotten += 1

    async def take(self, room: int, skip: Collection[int], *, calm: bool) -> list[OutboxRow]:
        """At most `room` rows, the first that are due. While not `calm` nothing is kept for later."""
        if len(self._rows) < room:
            self._rows.clear()
            forgotten = self._forgotten
            found = await self._store.due(room + ROWS if calm else room, skip)
            if forgotten != self._forgotten:  # what came meanwhile may go before what was read
                return found[:room]
            self._rows = deque(found)
        return [self._rows.popleft() for _ in range(min(room, len(self._rows)))]
