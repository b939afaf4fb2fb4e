"""One receipt for many messages: only where the station says that it takes such, and then it settles every row."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from station.collector.collector import Collector
from station.collector.sqlite import SqliteCentre
from station.contract.bodies import TAKES_ALSO, Info
from station.contract.envelope import topic
from station.contract.keys import SigningKey, new_key
from station.mqtt.address import parse_address
from station.mqtt.link import Link, LinkOptions, Received
from tests.servers.mosquitto import Mosquitto
from tests.uplink.rig import FAST, MESSAGES, STATION, Bench, open_store, until

MANY = 120


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Every receipt for the station, as the wire has it."""
    heard: list[dict[str, Any]] = []
    link = Link(LinkOptions(parse_address(url), "listener"))

    async def listen() -> None:
        while True:
            for item in await link.next():
                if isinstance(item, Received):
                    heard.append(json.loads(item.payload))
                    link.ack(item)

    await link.open()
    await link.subscribe(topic(STATION, "dn", "receipt"))
    task = asyncio.create_task(listen())
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await link.close()


async def drain(folder: Path, url: str, key: SigningKey, capabilities: tuple[str, ...]) -> list[dict[str, Any]]:
    """So many events go out to a collector that hears them all at once; the receipts that it gave."""
    centre = SqliteCentre(folder / "centre.sqlite")
    ready = asyncio.Event()
    collector = Collector(url, centre, key, backoff=FAST, on_ready=ready.set)
    serving = asyncio.create_task(collector.run())
    await asyncio.wait_for(ready.wait(), 10.0)
    store = await open_store(folder / "station.sqlite")
    await store.post([MESSAGES.event("reset")] * MANY)
    async with listening(url) as heard:
        bench = Bench(store, url, key)
        bench.uplink.retain("info", Info(software="0.1", capabilities=capabilities))
        await bench.drained()
        assert len(bench.seen("receipt")) == MANY, "each row is settled, once"
        await until(lambda: sum(1 + len(one.get("also", ())) for one in heard) >= MANY, "every receipt was heard")
        assert collector.figures.receipts["stored"] == MANY
        await bench.close()
    collector.close()
    await serving
    centre.close()
    return heard


async def test_a_station_that_says_so_gets_one_receipt_for_many_messages(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        receipts = await drain(tmp_path, broker.url, new_key(), (TAKES_ALSO,))
    assert len(receipts) < MANY / 2
    named = [one["msg_id"] for receipt in receipts for one in (receipt, *receipt.get("also", ()))]
    assert len(named) == len(set(named)) == MANY


async def test_any_other_station_gets_one_receipt_a_message_with_the_fields_of_the_contract(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        receipts = await drain(tmp_path, broker.url, new_key(), ("verb:abort",))
    assert len(receipts) == MANY
    assert {name for receipt in receipts for name in receipt} == {
        "msg_id", "sha256", "status", "reason", "key_id", "sig"
    }  # fmt: skip
