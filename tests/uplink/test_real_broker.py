"""The uplink on Debian's mosquitto, which answers, forgets, hangs and drops as the embedded broker never does."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from station.contract.bodies import Aggregate, Progress, Telemetry
from station.contract.envelope import sha256_of, topic
from station.contract.keys import new_key, public_keys_to_text, save_key
from station.contract.receipts import make_receipt
from station.domain.outbox import Draft
from station.mqtt.address import parse_address
from station.mqtt.keeper import Backoff
from station.mqtt.link import NO_MATCHING_SUBSCRIBERS, Acknowledged, Link, LinkOptions, Received, TakenOver
from station.uplink.uplink import Uplink
from tests.servers.mosquitto import Mosquitto
from tests.uplink.rig import MESSAGES, STATION, Bench, Office, do_run, open_store, until

KEY = new_key()
ROOT = Path(__file__).parents[2]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
async def bench(broker: Mosquitto, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(await open_store(tmp_path / "station.sqlite"), broker.url, KEY)
    yield bench
    await bench.close()


async def open_link(url: str, client_id: str, *filters: str) -> Link:
    link = Link(LinkOptions(parse_address(url), client_id))
    await link.open()
    for wanted in filters:
        await link.subscribe(wanted)
    return link


async def next_body(link: Link) -> dict[str, Any]:
    """The next message on the link, its body."""
    while True:
        for item in await asyncio.wait_for(link.next(), 10.0):
            if isinstance(item, Received):
                body: dict[str, Any] = json.loads(item.payload)["body"]
                return body


def stored(path: Path) -> list[str]:
    db = sqlite3.connect(path)
    kinds = [kind for (kind,) in db.execute("SELECT kind FROM messages ORDER BY rowid")]
    db.close()
    return kinds


async def test_a_puback_that_says_nobody_listens_is_no_delivery(
    bench: Bench, broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons: list[int] = []
    refused = bench.uplink._window.refused
    monkeypatch.setattr(bench.uplink._window, "refused", lambda mid, now: (reasons.append(mid), refused(mid, now)))
    record = await do_run(bench.store)
    await until(lambda: len(set(reasons)) > 3, "refused at once, and sent again each time")
    assert (await bench.store.counts()).waiting == 3
    by_hand = await open_link(broker.url, "by-hand")
    by_hand.publish(topic(STATION, "up", "event"), b"{}")
    [answer] = await by_hand.next()
    assert isinstance(answer, Acknowledged) and answer.reason == NO_MATCHING_SUBSCRIBERS
    office = await Office.open(broker.url, tmp_path / "centre.sqlite", KEY)
    await bench.drained()
    await office.close()
    await by_hand.close()
    assert sorted(stored(tmp_path / "centre.sqlite")) == ["event/1.0", "event/1.0", "result/1.0"]
    assert record.run_id in {data["run_id"] for data in bench.seen("receipt")}


async def test_an_alarm_goes_before_results_that_were_read_ahead(bench: Bench, broker: Mosquitto) -> None:
    centre = await open_link(broker.url, "centre", topic(STATION, "up", "result"), topic(STATION, "up", "alarm"))
    draft = MESSAGES.event("reset")
    await bench.store.post([Draft("result", draft.encode)] * 200)
    got: list[Received] = []

    async def take(count: int) -> list[Received]:
        while len(got) < count:
            got.extend(item for item in await asyncio.wait_for(centre.next(), 10.0) if isinstance(item, Received))
        return [got.pop(0) for _ in range(count)]

    first = await take(20)
    for message in first[:5]:
        centre.publish(topic(STATION, "dn", "receipt"), receipt_for(message))
    assert all(message.topic.endswith("result") for message in await take(5))
    await bench.store.post([MESSAGES.alarm("trip", "hot")])
    centre.publish(topic(STATION, "dn", "receipt"), receipt_for(first[5]))
    [message] = await take(1)
    assert message.topic.endswith("alarm")
    await centre.close()


def receipt_for(message: Received) -> bytes:
    return make_receipt(json.loads(message.payload)["msg_id"], sha256_of(message.payload), "stored", KEY)


async def test_a_broker_that_forgets_everything_when_it_is_killed_loses_nothing(
    bench: Bench, broker: Mosquitto, tmp_path: Path
) -> None:
    office = await Office.open(broker.url, tmp_path / "centre.sqlite", KEY)
    bench.uplink.retain("progress", Progress(state="ready"))
    for _ in range(3):
        for _ in range(10):
            await do_run(bench.store)
        broker.kill()
        await do_run(bench.store)
        broker.start()
    await bench.drained()
    watcher = await open_link(broker.url, "watcher", topic(STATION, "up", "progress"))
    assert (await next_body(watcher))["state"] == "ready", "what is retained is said again"
    await watcher.close()
    await office.close()
    kinds = stored(tmp_path / "centre.sqlite")
    assert (len(kinds), kinds.count("result/1.0")) == (99, 33)


async def test_a_broker_that_hangs_is_left_telemetry_is_dropped_and_the_results_come(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.uplink.uplink.LinkOptions", partial(LinkOptions, keepalive_s=2))
    monkeypatch.setattr("station.mqtt.link._CONNECT_TIMEOUT_S", 0.5)
    bench = Bench(await open_store(tmp_path / "station.sqlite"), broker.url, KEY)
    await until(lambda: bench.uplink.connected, "connected")
    office = await Office.open(broker.url, tmp_path / "centre.sqlite", KEY)
    link = bench.uplink._link
    assert link is not None
    broker.signal(signal.SIGSTOP)
    readings = {f"mains.{n}_v": Aggregate(mean=1.0, low=0.5, high=2.0) for n in range(64)}
    told = 0
    while not link.congested:
        bench.uplink.telemetry(Telemetry(run_id="r", seconds=1.0, readings=readings))
        told += 1
        await asyncio.sleep(0)
    for _ in range(100):
        bench.uplink.telemetry(Telemetry(run_id="r", seconds=1.0, readings=readings))
        bench.uplink.retain("progress", Progress(state=f"s{told}"))
        told += 1
        await asyncio.sleep(0)
    assert len(link._client._out_packet) < 30, "nothing queues behind a socket that takes nothing"
    await do_run(bench.store)
    await until(lambda: not bench.uplink.connected, "the link is given up after two keepalives")
    await until(lambda: "no CONNACK" in (bench.uplink.last_error or ""), "the system accepts, the broker does not")
    assert (await bench.store.counts()).waiting == 3
    broker.signal(signal.SIGCONT)
    await bench.drained()
    await bench.close()
    await office.close()


def alarms_of(events: list[Any]) -> list[Any]:
    return [event.data for event in events if event.kind == "alarm"]


async def test_two_stations_of_one_name_end_in_no_storm_and_each_says_so_once(
    broker: Mosquitto, tmp_path: Path
) -> None:
    office = await Office.open(broker.url, tmp_path / "centre.sqlite", KEY)
    calm = Backoff(base_s=0.1, cap_s=1.0)
    events: list[list[Any]] = [[], []]
    stores = [await open_store(tmp_path / f"{name}.sqlite") for name in ("one", "other")]
    uplinks = [
        Uplink(store, MESSAGES, broker.url, {KEY.key_id: KEY.public}, seen.append, backoff=calm)
        for store, seen in zip(stores, events, strict=True)
    ]
    tasks = [asyncio.create_task(uplink.run()) for uplink in uplinks]
    began = time.monotonic()
    await until(lambda: all(alarms_of(seen) for seen in events), "both say so", 40.0)
    await asyncio.sleep(1.0)
    sessions = sum(uplink.session for uplink in uplinks)
    assert sessions <= 20 + 10 * (time.monotonic() - began), "each comes back after its back-off, and no sooner"
    for seen in events:
        alarms = alarms_of(seen)
        assert [alarm["code"] for alarm in alarms] == ["namesake"], "once, however often it happens"
        assert f"is another client called {STATION!r}" in alarms[0]["cause"]
    await uplinks[1].close()
    await tasks[1]
    await do_run(stores[0])
    await until(lambda: stored(tmp_path / "centre.sqlite").count("result/1.0") == 1, "the one that is left delivers")
    await uplinks[0].close()
    await tasks[0]
    for store in stores:
        await store.close()
    await office.close()


async def test_a_broker_that_says_taken_over_is_an_alarm_once(tmp_path: Path) -> None:
    """mosquitto 2.0 closes without a word; those that say why do it like this."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"\x20\x03\x00\x00\x00" + b"\x90\x04\x00\x01\x00\x01")  # CONNACK, SUBACK of the first mid
        writer.write(b"\xe0\x01\x8e")  # DISCONNECT, session taken over
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(TakenOver, match="Session taken over"):
        await open_link_and_wait(url)
    bench = Bench(await open_store(tmp_path / "station.sqlite"), url, KEY)
    await until(lambda: bench.uplink.session > 3, "it comes again")
    [alarm] = bench.seen("alarm")
    assert alarm["code"] == "namesake" and "taken over" in alarm["cause"] and STATION in alarm["cause"]
    await bench.close()
    server.close()


async def open_link_and_wait(url: str) -> None:
    link = Link(LinkOptions(parse_address(url), "same"))
    try:
        await link.open()
        await asyncio.wait_for(link.next(), 5.0)
    finally:
        await link.close()


@pytest.mark.parametrize("name", ["connect", "message", "publish", "subscribe", "disconnect"])
async def test_an_exception_in_any_callback_is_seen_ends_the_link_and_loses_nothing(
    name: str, broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = getattr(Link, f"_on_{name}")
    bursts = 0

    def burst(link: Link, *arguments: Any) -> None:
        nonlocal bursts
        if link._options.client_id == STATION and not bursts:
            bursts += 1
            raise RuntimeError(f"a bug in on_{name}")
        whole(link, *arguments)

    monkeypatch.setattr(Link, f"_on_{name}", burst)
    office = await Office.open(broker.url, tmp_path / "centre.sqlite", KEY)
    bench = Bench(await open_store(tmp_path / "station.sqlite"), broker.url, KEY)
    await do_run(bench.store)
    if name == "disconnect":
        await until(lambda: bench.uplink.connected, "connected")
        broker.kill()
        broker.start()
    await until(lambda: bursts, "it happened")
    await bench.drained()
    assert bench.uplink.session == 2, "one link ended, the next began"
    assert f"a bug in on_{name}" in caplog.text and "Traceback" in caplog.text
    await bench.close()
    await office.close()
    assert stored(tmp_path / "centre.sqlite").count("result/1.0") == 1


async def test_what_nobody_takes_is_not_read(broker: Mosquitto) -> None:
    link = await open_link(broker.url, "slow", "flood")
    other = await open_link(broker.url, "other")
    for _ in range(1000):
        other.publish("flood", b"x" * 100, qos=0)
    for _ in range(50):
        await asyncio.sleep(0.005)
    assert 0 < len(link._inbox) <= 3 * 64
    got = 0
    while got < 1000:
        got += len(await asyncio.wait_for(link.next(), 5.0))
    assert got == 1000
    await link.close()
    await other.close()


async def test_presence_survives_kill_nine_with_epoch_and_session(broker: Mosquitto, tmp_path: Path) -> None:
    save_key(tmp_path / "key.json", KEY)
    (tmp_path / "public.json").write_text(public_keys_to_text(KEY))
    places = [str(tmp_path), broker.url, str(tmp_path / "public.json")]
    watcher = await open_link(broker.url, "watcher", topic(STATION, "up", "presence"))
    told = []
    for _ in range(2):
        arguments = [sys.executable, "-m", "tests.uplink.kill_station", *places, "0.05"]
        station = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.DEVNULL, cwd=ROOT)
        told.append(await next_body(watcher))
        station.kill()
        await station.wait()
        told.append(await next_body(watcher))
    late = await open_link(broker.url, "late", topic(STATION, "up", "presence"))
    [retained] = [item for item in await late.next() if isinstance(item, Received)]
    assert retained.retained and json.loads(retained.payload)["body"] == told[-1]
    assert [(body["state"], body["session"]) for body in told] == [
        ("online", 1), ("offline", 1), ("online", 2), ("offline", 2),
    ]  # fmt: skip
    assert len({body["store_epoch"] for body in told}) == 1
    await late.close()
    await watcher.close()
