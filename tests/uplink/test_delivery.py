"""Delivery over a real broker: a PUBACK is nothing, a receipt is everything, and only a true one."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from station.cli.broker import EmbeddedBroker
from station.collector.database import read_record
from station.collector.sqlite import SqliteCentre
from station.contract.bodies import Aggregate, Progress, Telemetry
from station.contract.canonical import to_json
from station.contract.envelope import sha256_of, topic
from station.contract.keys import SigningKey, new_key
from station.contract.receipts import make_receipt
from station.domain.errors import CentreError
from station.mqtt.address import parse_address
from station.mqtt.link import Link, LinkOptions, Received
from station.store.outbox import OutboxCounts
from station.uplink.window import WindowLimits
from tests.uplink.rig import MESSAGES, STATION, Bench, Office, do_run, open_store, until

KEY = new_key()


@pytest.fixture
async def bench(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(await open_store(tmp_path / "station.sqlite"), broker.url, KEY)
    yield bench
    await bench.close()


class Centre:
    """A link of the centre's, held by the test."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.got: list[Received] = []

    @classmethod
    async def open(cls, url: str, *filters: str) -> Centre:
        centre = cls(Link(LinkOptions(parse_address(url), "centre-by-hand")))
        await centre.link.open()
        for wanted in filters:
            await centre.link.subscribe(wanted)
        return centre

    async def next(self, suffix: str) -> Received:
        """The next message on a topic that ends so."""
        while True:
            for index, message in enumerate(self.got):
                if message.topic.endswith(suffix):
                    return self.got.pop(index)
            async with asyncio.timeout(10.0):
                items = await self.link.next()
            self.got += [item for item in items if isinstance(item, Received)]

    def send(self, suffix: str, payload: bytes) -> None:
        self.link.publish(topic(STATION, "dn", suffix), payload)


@pytest.fixture
async def by_hand(broker: EmbeddedBroker) -> AsyncIterator[Centre]:
    centre = await Centre.open(broker.url, "bench/v1/+/up/result", "bench/v1/+/up/event", "bench/v1/+/up/reply")
    yield centre
    await centre.link.close()


def plain(message: Received) -> dict[str, Any]:
    value = json.loads(message.payload)
    assert isinstance(value, dict)
    return value


def receipt_for(message: Received, key: SigningKey = KEY, status: Any = "stored", sha256: str | None = None) -> bytes:
    return make_receipt(plain(message)["msg_id"], sha256 or sha256_of(message.payload), status, key, "as told")


async def test_a_run_reaches_the_centre_whole_and_its_rows_leave_on_the_receipt(
    bench: Bench, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    office = await Office.open(broker.url, tmp_path / "centre.sqlite", KEY)
    record = await do_run(bench.store)
    await bench.drained()
    await office.close()
    assert read_record(tmp_path / "centre.sqlite", record.run_id) == record
    assert await bench.store.counts() == OutboxCounts(0, 0, 3)
    told = [(data["of"], data["run_id"], data["status"]) for data in bench.seen("receipt")]
    assert sorted(told) == [
        ("event", record.run_id, "stored"), ("event", record.run_id, "stored"), ("result", record.run_id, "stored"),
    ]  # fmt: skip


async def test_a_puback_is_not_delivery_rows_wait_for_a_centre_that_is_away(
    bench: Bench, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    records = [await do_run(bench.store) for _ in range(3)]
    await until(lambda: bench.uplink._window._silences > 2, "rows were sent, acknowledged by the broker, and timed out")
    assert await bench.store.counts() == OutboxCounts(9, 0, 0)
    office = await Office.open(broker.url, tmp_path / "centre.sqlite", KEY)
    await bench.drained()
    await office.close()
    assert [read_record(tmp_path / "centre.sqlite", record.run_id) for record in records] == records


async def test_repeats_have_the_same_bytes_and_count_once(bench: Bench, by_hand: Centre, tmp_path: Path) -> None:
    await bench.store.post([MESSAGES.event("reset")])
    first, second = await by_hand.next("event"), await by_hand.next("event")
    assert first.payload == second.payload
    by_hand.send("receipt", receipt_for(second))
    await bench.drained()


async def test_a_receipt_with_another_hash_is_ignored_and_is_an_alarm(bench: Bench, by_hand: Centre) -> None:
    await bench.store.post([MESSAGES.event("reset")])
    message = await by_hand.next("event")
    for _ in range(5):
        by_hand.send("receipt", receipt_for(message, sha256="0" * 64))
    await until(lambda: bench.seen("alarm"), "an alarm")
    [alarm] = bench.seen("alarm")
    assert alarm["code"] == "receipt_mismatch" and plain(message)["msg_id"] in alarm["cause"]
    assert (await bench.store.counts()).waiting == 2, "the event, and one alarm however often it happens"


async def test_a_receipt_with_a_wrong_signature_is_ignored_and_is_an_alarm(bench: Bench, by_hand: Centre) -> None:
    await bench.store.post([MESSAGES.event("reset")])
    message = await by_hand.next("event")
    forged = SigningKey(KEY.key_id, new_key().private)
    for payload in (receipt_for(message, forged), receipt_for(message, new_key()), b"{}", b"\xff", b""):
        by_hand.send("receipt", payload)
    await until(lambda: bench.uplink._inbox.ignored >= 5, "all five were looked at")
    assert [alarm["code"] for alarm in bench.seen("alarm")] == ["receipt_invalid"]
    assert {row.suffix for row in await bench.store.due(10)} == {"event", "alarm"}
    by_hand.send("receipt", receipt_for(message))
    await until(lambda: bench.seen("receipt"), "a true one is still taken")


async def test_rejected_is_kept_in_quarantine_and_told_until_it_is_sent_again(bench: Bench, by_hand: Centre) -> None:
    record = await do_run(bench.store)
    message = await by_hand.next("result")
    by_hand.send("receipt", receipt_for(message, status="rejected"))
    await until(lambda: bench.seen("alarm"), "an alarm")
    [alarm] = bench.seen("alarm")
    assert alarm["code"] == "rejected" and alarm["run_id"] == record.run_id and "as told" in alarm["cause"]
    assert (await bench.store.counts()).quarantined == 1
    by_hand.got = [m for m in by_hand.got if not m.topic.endswith("result")]
    assert await bench.store.requeue() == 1
    again = await by_hand.next("result")
    assert again.payload == message.payload
    by_hand.send("receipt", receipt_for(again))
    await until(lambda: "stored" in [d["status"] for d in bench.seen("receipt")], "stored at last")


async def test_every_command_is_answered_refused_once_and_kept(bench: Bench, by_hand: Centre) -> None:
    stamps = {"issued_at": "2026-11-22T03:52:10Z", "expires_at": "2026-11-22T03:53:10Z"}
    for cmd_id in ("c1", "c1", "c2"):
        command = {"cmd_id": cmd_id, "station": STATION, "verb": "abort", "args": {"run_id": "r"}, **stamps}
        by_hand.send("cmd", to_json(KEY.sign(command)))
    by_hand.send("cmd", b"not a command")
    by_hand.send("cmd", b'{"cmd_id": 5}')
    by_hand.send("gossip", b"hello")
    replies = {}
    while set(replies) != {"c1", "c2"}:
        message = await by_hand.next("reply")
        by_hand.send("receipt", receipt_for(message))
        replies[plain(message)["body"]["cmd_id"]] = plain(message)["body"]
    assert replies["c1"] == {"cmd_id": "c1", "status": "refused", "reason": "abort: not supported yet"}
    await bench.drained()
    assert (await bench.store.counts()).delivered == 2
    assert bench.uplink._inbox.ignored == 3


async def test_presence_is_born_retained_and_dies_by_will_or_by_word(
    bench: Bench, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    await until(lambda: bench.uplink.connected, "connected")
    watcher = await Centre.open(broker.url, f"bench/v1/{STATION}/up/presence")
    birth = await watcher.next("presence")
    assert birth.retained
    body = plain(birth)["body"]
    assert body == {"state": "online", "store_epoch": bench.store.store_epoch, "session": bench.uplink.session}
    assert plain(birth)["msg_id"].startswith(f"{STATION}:{bench.store.store_epoch}:p")
    link = bench.uplink._link
    assert link is not None and link._client._sock is not None
    link._client._sock.shutdown(2)  # as if the cable were cut
    states = [plain(await watcher.next("presence"))["body"] for _ in range(2)]
    assert [state["state"] for state in states] == ["offline", "online"]
    assert [state["session"] for state in states] == [body["session"], body["session"] + 1]
    bench.task.cancel()
    farewell = plain(await watcher.next("presence"))["body"]
    assert farewell["state"] == "offline" and farewell["session"] == body["session"] + 1
    with pytest.raises(asyncio.CancelledError):
        await bench.task
    bench.task = asyncio.create_task(bench.uplink.run())
    await watcher.link.close()


async def test_progress_is_retained_sent_on_change_only_and_again_after_a_break(
    bench: Bench, broker: EmbeddedBroker
) -> None:
    for state in ("ready", "ready", "energised"):
        bench.uplink.retain("progress", Progress(state=state))
    await until(lambda: bench.uplink.connected, "connected")
    watcher = await Centre.open(broker.url, f"bench/v1/{STATION}/up/progress", f"bench/v1/{STATION}/up/telemetry")
    assert plain(await watcher.next("progress"))["body"]["state"] == "energised"
    bench.uplink.retain("progress", Progress(state="energised"))
    bench.uplink.retain("progress", Progress(state="cooling"))
    assert plain(await watcher.next("progress"))["body"]["state"] == "cooling"
    reading = Aggregate(mean=1.0, low=0.5, high=2.0)
    bench.uplink.telemetry(Telemetry(run_id="r", seconds=1.0, readings={"mains.power_w": reading}))
    telemetry = await watcher.next("telemetry")
    assert not telemetry.retained
    await watcher.link.close()


async def test_a_callback_that_raises_ends_the_link_and_the_next_one_loses_nothing(
    bench: Bench, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    await until(lambda: bench.uplink.connected, "connected")
    session, link = bench.uplink.session, bench.uplink._link
    assert link is not None

    def burst(*_: Any) -> None:
        raise RuntimeError("a bug in a callback")

    link._client.on_publish = burst
    await bench.store.post([MESSAGES.event("reset")])
    await until(lambda: bench.uplink.connected and bench.uplink.session > session, "a fresh link")
    assert not link.alive
    office = await Office.open(broker.url, tmp_path / "centre.sqlite", KEY)
    await bench.drained()
    await office.close()


async def test_a_broker_that_dies_and_comes_back_loses_nothing(tmp_path: Path) -> None:
    broker = EmbeddedBroker().start()
    port, url = broker.port, broker.url
    bench = Bench(await open_store(tmp_path / "station.sqlite"), url, KEY)
    office = await Office.open(url, tmp_path / "centre.sqlite", KEY)
    records = [await do_run(bench.store)]
    for _ in range(2):
        broker.stop()
        records.append(await do_run(bench.store))
        broker = EmbeddedBroker(port).start()
        await bench.drained()
    records.append(await do_run(bench.store))
    await bench.drained()
    assert bench.seen("alarm") == []
    await bench.close()
    await office.close()
    broker.stop()
    assert [read_record(tmp_path / "centre.sqlite", record.run_id) for record in records] == records


async def test_the_same_client_id_elsewhere_takes_over_and_both_come_to_rest(
    bench: Bench, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    await until(lambda: bench.uplink.connected, "connected")
    session = bench.uplink.session
    thief = Link(LinkOptions(parse_address(broker.url), STATION))
    await thief.open()
    await until(lambda: bench.uplink.session > session and bench.uplink.connected, "the link was taken back")
    await thief.close()
    office = await Office.open(broker.url, tmp_path / "centre.sqlite", KEY)
    await do_run(bench.store)
    await bench.drained()
    await office.close()


async def test_two_hundred_rows_go_out_at_most_twenty_at_a_time_alarms_first(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    store = await open_store(tmp_path / "station.sqlite")
    for _ in range(60):
        await do_run(store)
    await store.post([MESSAGES.alarm("trip", "hot")] * 20)
    peak = 0
    office = await Office.open(broker.url, tmp_path / "centre.sqlite", KEY)
    bench = Bench(store, broker.url, KEY, WindowLimits(receipt_timeout_s=10.0))
    sent = bench.uplink._window.sent

    def counting(seq: int, mid: int, now: float) -> None:
        nonlocal peak
        sent(seq, mid, now)
        peak = max(peak, bench.uplink._window.in_flight)

    bench.uplink._window.sent = counting  # type: ignore[method-assign]
    await bench.drained()
    await bench.close()
    await office.close()
    assert peak <= 20
    db = sqlite3.connect(tmp_path / "centre.sqlite")
    order = [kind for (kind,) in db.execute("SELECT kind FROM messages ORDER BY rowid")]
    db.close()
    assert len(order) == 200
    assert set(order[:20]) == {"alarm/1.0"}
    assert set(order[20:130]) == {"event/1.0"}, "events before results, but for the last few in flight together"


async def test_a_centre_that_cannot_commit_sends_no_receipt(
    bench: Bench, broker: EmbeddedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre = SqliteCentre(tmp_path / "centre.sqlite")
    office = Office(broker.url, centre, KEY)
    await asyncio.wait_for(office.ready.wait(), 10.0)

    def fail(*_: Any) -> None:
        raise CentreError("the disk of the centre is full")

    with monkeypatch.context() as patched:
        patched.setattr(centre, "take", fail)
        await do_run(bench.store)
        await until(lambda: bench.uplink._window._silences > 2, "no receipt came")
        assert (await bench.store.counts()).waiting == 3
    await bench.drained()
    await office.close()
