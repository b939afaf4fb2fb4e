"""A station that is broken on purpose: a referee who cannot find it is worth nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from station.contract.canonical import parse_object
from station.contract.envelope import sha256_of
from station.mqtt.link import Acknowledged, Link, Received
from station.store.outbox import ReceiptEntry
from station.store.store import Store
from station.uplink import uplink

PUBACK = "takes the broker's PUBACK for delivery"


def sabotage_station(name: str | None) -> None:
    """Break this process. None: leave it whole."""
    assert name in (None, PUBACK)
    if name == PUBACK:
        _trust_the_broker()


def _trust_the_broker() -> None:
    stores: list[Store] = []
    open_store = Store.open

    async def remember(*arguments: Any, **named: Any) -> Store:
        stores.append(await open_store(*arguments, **named))
        return stores[-1]

    class TrustingLink(Link):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._sent: dict[int, ReceiptEntry] = {}

        def publish(self, topic: str, payload: bytes, **named: Any) -> int:
            mid = super().publish(topic, payload, **named)
            self._sent[mid] = ReceiptEntry(str(parse_object(payload)["msg_id"]), sha256_of(payload), "stored")
            return mid

        async def next(self) -> list[Received | Acknowledged]:
            items = await super().next()
            acknowledged = [item.mid for item in items if isinstance(item, Acknowledged)]
            entries = [self._sent.pop(mid) for mid in acknowledged if mid in self._sent]
            await asyncio.shield(stores[-1].receipts([entry for entry in entries if ":p" not in entry.msg_id]))
            return items

    Store.open = remember  # type: ignore[method-assign, assignment]
    uplink.Link = TrustingLink  # type: ignore[misc, attr-defined]
