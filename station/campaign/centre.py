"""The broker and the centre, in a few lines: what arrives is stored once by its id, and receipted."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

from station.campaign.bench import World
from station.store.outbox import ReceiptEntry
from station.store.store import Store

BATCH = 20


class Centre:
    """Keeps what it was ever sent, over all lives of the station."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.stored: dict[str, str] = {}
        self.results: Counter[str] = Counter()
        self.altered = 0

    async def drain(self, store: Store) -> bool:
        """Take what is due, if there is a way. True: something is still waiting."""
        if self._world.broker_out:
            return True
        rows = await store.due(BATCH)
        entries = []
        for row in rows:
            digest = hashlib.sha256(row.payload).hexdigest()
            known = self.stored.get(row.msg_id)
            if known is None:
                self.stored[row.msg_id] = digest
                if row.suffix == "result":
                    self.results[json.loads(row.payload)["body"]["run_id"]] += 1
            elif known != digest:
                self.altered += 1
            entries.append(ReceiptEntry(row.msg_id, digest, "stored"))
        if entries and not self._world.receipts_lost:
            await store.receipts(entries)
            return len(rows) == BATCH
        return bool(rows)
