"""The collector: stores once, receipts only what is stored, rejects with the reason, and never dies in silence."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station.cli.broker import EmbeddedBroker
from station.collector.centre import RECEIPTED, CentreAlarm, Incoming, Stored
from station.collector.database import open_centre, read_record
from station.collector.sqlite import SqliteCentre
from station.contract.bodies import Receipt
from station.contract.canonical import to_json
from station.contract.envelope import open_envelope, sha256_of, topic
from station.contract.keys import new_key, save_key
from station.contract.messages import encode_result
from station.contract.receipts import verify_receipt
from station.domain.errors import SettingsError
from station.domain.outbox import Slot
from station.domain.record import Record
from station.mqtt.address import parse_address
from station.mqtt.link import Link, LinkOptions, Received
from tests.uplink.rig import MESSAGES, STATION, Bench, Office, do_run, full_record, open_store, read_stamp, until

KEY = new_key()
ROOT = Path(__file__).parents[2]
EPOCH = "9f31c2aa"


class Station:
    """A station's link, held by the test."""

    def __init__(self, link: Link) -> None:
        self.link = link

    @classmethod
    async def open(cls, url: str) -> Station:
        station = cls(Link(LinkOptions(parse_address(url), STATION)))
        await station.link.open()
        await station.link.subscribe(topic(STATION, "dn", "receipt"))
        return station

    async def receipts(self, count: int) -> list[Receipt]:
        got: list[Receipt] = []
        async with asyncio.timeout(10.0):
            while len(got) < count:
                for item in await self.link.next():
                    if isinstance(item, Received):
                        self.link.ack(item)
                        got.append(verify_receipt(item.payload, {KEY.key_id: KEY.public}))
        return got

    async def send(self, suffix: str, *payloads: bytes) -> list[Receipt]:
        for payload in payloads:
            self.link.publish(topic(STATION, "up", suffix), payload)
        return await self.receipts(len(payloads))


@pytest.fixture
async def office(broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Office]:
    office = await Office.open(broker.url, tmp_path / "centre.sqlite", KEY)
    yield office
    await office.close()


@pytest.fixture
async def station(broker: EmbeddedBroker) -> AsyncIterator[Station]:
    station = await Station.open(broker.url)
    yield station
    await station.link.close()


def read(path: Path, sql: str) -> list[Any]:
    db = sqlite3.connect(path)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def names_in(folder: Path, begin: str = "") -> list[str]:
    return sorted(path.name for path in folder.glob(f"{begin}*"))


def result(record: Record, seq: int = 1) -> bytes:
    return encode_result(record, Slot(f"{STATION}:{EPOCH}:{seq}", seq), read_stamp())


async def test_a_message_is_stored_once_and_its_duplicate_gets_a_receipt_too(
    office: Office, station: Station, tmp_path: Path
) -> None:
    payload = result(full_record())
    receipts = await station.send("result", payload, payload, payload)
    assert [receipt.status for receipt in receipts] == ["stored", "duplicate", "duplicate"]
    assert {receipt.sha256 for receipt in receipts} == {sha256_of(payload)}
    assert read(tmp_path / "centre.sqlite", "SELECT payload FROM messages") == [(payload.decode(),)]


async def test_a_result_is_also_plain_columns(office: Office, station: Station, tmp_path: Path) -> None:
    record = full_record()
    await station.send("result", result(record))
    columns = "run_id, station, store_epoch, run_no, verdict, serial_number, first_cause_measurement, simulated"
    assert read(tmp_path / "centre.sqlite", f"SELECT {columns} FROM results") == [
        (record.run_id, STATION, EPOCH, record.run_no, "FAIL", "SN-1", "thd_percent", 1)
    ]
    assert read_record(tmp_path / "centre.sqlite", record.run_id) == record
    assert read_record(tmp_path / "centre.sqlite", "another") is None


async def test_the_same_id_with_another_content_is_an_alarm_and_never_stored(
    office: Office, station: Station, tmp_path: Path
) -> None:
    record = full_record()
    other = result(replace(record, run_no=record.run_no + 1))
    first, second = await station.send("result", result(record), other)
    assert (first.status, second.status, second.sha256) == ("stored", "rejected", sha256_of(other))
    assert read(tmp_path / "centre.sqlite", "SELECT code, source FROM alarms") == [("msg_id_reused", "centre")]
    assert read_record(tmp_path / "centre.sqlite", record.run_id) == record


async def test_two_messages_with_one_run_are_an_alarm_and_the_first_record_stands(
    office: Office, station: Station, tmp_path: Path
) -> None:
    record = full_record()
    await station.send("result", result(record, 1), result(replace(record, duration_s=9.0), 2))
    assert read(tmp_path / "centre.sqlite", "SELECT code FROM alarms") == [("run_recorded_twice",)]
    assert read(tmp_path / "centre.sqlite", "SELECT count(*) FROM messages") == [(2,)]
    assert read_record(tmp_path / "centre.sqlite", record.run_id) == record


BAD = {
    "unknown verdict": lambda m: {**m, "body": {**m["body"], "verdict": "OK"}},
    "body of another kind": lambda m: {**m, "body": {"event": "reset"}},
    "schema of another topic": lambda m: {**m, "schema": "event/1.0", "body": {"event": "reset"}},
    "next major": lambda m: {**m, "schema": "result/2.0"},
    "another station in the envelope": lambda m: {**m, "station": "bench-08"},
    "no clock": lambda m: {k: v for k, v in m.items() if k != "clock"},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
async def test_what_is_malformed_is_rejected_with_the_reason(
    office: Office, station: Station, tmp_path: Path, change: Any
) -> None:
    payload = to_json(change(json.loads(result(full_record()))))
    [receipt] = await station.send("result", payload)
    assert receipt.status == "rejected" and receipt.reason and receipt.sha256 == sha256_of(payload)
    assert read(tmp_path / "centre.sqlite", "SELECT count(*) FROM messages") == [(0,)]
    assert read(tmp_path / "centre.sqlite", "SELECT code FROM alarms") == [("message_rejected",)]


async def test_bytes_without_a_readable_id_get_no_receipt_and_stop_nothing(
    office: Office, station: Station, tmp_path: Path
) -> None:
    foreign = result(full_record()).replace(b"bench-07:", b"bench-08:", 1)
    junk = [b"", b"\xff\xfe", b"{}", b"[]", b"NaN", b'{"msg_id": 5}', b'{"msg_id": "x"}', foreign, b"[" * 90_000]
    for payload in junk:
        station.link.publish(topic(STATION, "up", "result"), payload)
    good = result(full_record(), 2)
    [receipt] = await station.send("result", good)
    assert (receipt.status, receipt.sha256) == ("stored", sha256_of(good))
    assert read(tmp_path / "centre.sqlite", "SELECT count(*) FROM alarms") == [(len(junk),)]


def overlong(**members: str) -> bytes:
    """A result of more than 256 KiB; `members` stand before everything else."""
    message = json.loads(result(full_record()))
    message["body"]["steps"][0]["notes"] = ["n" * 300_000]
    return to_json({**members, **message})


async def test_more_than_256_kib_is_rejected_with_size_and_bound_and_never_stored(
    office: Office, station: Station, tmp_path: Path
) -> None:
    payload = overlong()
    [receipt] = await station.send("result", payload)
    assert (receipt.msg_id, receipt.status, receipt.sha256) == (f"{STATION}:{EPOCH}:1", "rejected", sha256_of(payload))
    assert (
        receipt.reason is not None and f"{len(payload)} bytes" in receipt.reason and "at most 262144" in receipt.reason
    )
    assert read(tmp_path / "centre.sqlite", "SELECT count(*) FROM messages") == [(0,)]
    [(cause, msg_id)] = read(tmp_path / "centre.sqlite", "SELECT cause, msg_id FROM alarms")
    assert "at most 262144" in cause and msg_id == receipt.msg_id


async def test_more_than_256_kib_without_a_readable_id_of_that_station_gets_no_receipt(
    office: Office, station: Station, tmp_path: Path
) -> None:
    foreign = overlong().replace(b"bench-07:", b"bench-08:", 1)
    for payload in (overlong(padding="p" * 2000), foreign, b" " * 300_000):
        station.link.publish(topic(STATION, "up", "result"), payload)
    [receipt] = await station.send("result", result(full_record(), 2))
    assert (receipt.msg_id, receipt.status) == (f"{STATION}:{EPOCH}:2", "stored")
    assert read(tmp_path / "centre.sqlite", "SELECT count(*) FROM alarms") == [(3,)]


class Stumbling:
    """A database whose process stumbles between commit and receipt, the first few times."""

    def __init__(self, path: Path, times: int) -> None:
        self.inner = SqliteCentre(path)
        self.alarm_counts = self.inner.alarm_counts
        self.left = times

    def take(self, messages: Sequence[Incoming], alarms: Sequence[CentreAlarm], now: str) -> list[Stored]:
        answers = self.inner.take(messages, alarms, now)
        if self.left and any(message.kind in RECEIPTED for message in messages):
            self.left -= 1
            raise RuntimeError("died between commit and receipt")
        return answers

    def ready(self) -> None:
        self.inner.ready()

    def stations_online(self) -> int:
        return self.inner.stations_online()

    def close(self) -> None:
        self.inner.close()


async def test_a_collector_that_dies_between_commit_and_receipt_stores_once_and_receipts_later(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    office = Office(broker.url, Stumbling(tmp_path / "centre.sqlite", 2), KEY)
    await asyncio.wait_for(office.ready.wait(), 10.0)
    bench = Bench(await open_store(tmp_path / "station.sqlite"), broker.url, KEY)
    record = await do_run(bench.store)
    await bench.drained()
    assert "duplicate" in {data["status"] for data in bench.seen("receipt")}
    await bench.close()
    await office.close()
    assert read_record(tmp_path / "centre.sqlite", record.run_id) == record
    assert read(tmp_path / "centre.sqlite", "SELECT count(*) FROM messages") == [(3,)]


async def test_workers_that_share_a_subscription_store_each_message_once(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    save_key(tmp_path / "key.json", KEY)
    arguments = ["-m", "station.collector", "--broker", broker.url, "--database", str(tmp_path / "centre.sqlite")]
    arguments += ["--key", str(tmp_path / "key.json"), "--share", "centre", "--stop-with-parent"]
    workers = [
        await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=subprocess.PIPE, cwd=ROOT)
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        ready = json.loads(await worker.stdout.readline())
        assert ready["ready"] and ready["key_id"] == KEY.key_id
    bench = Bench(await open_store(tmp_path / "station.sqlite"), broker.url, KEY)
    for _ in range(10):
        await do_run(bench.store)
    await bench.drained()
    await bench.close()
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 10.0) == 0
    assert names_in(tmp_path, "centre") == ["centre.sqlite"]
    assert read(tmp_path / "centre.sqlite", "SELECT count(*) FROM messages") == [(30,)]
    assert read(tmp_path / "centre.sqlite", "SELECT count(*) FROM results") == [(10,)]


async def test_alarms_and_events_of_a_station_are_columns_too(
    office: Office, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    bench = Bench(await open_store(tmp_path / "station.sqlite"), broker.url, KEY)
    await bench.store.post([MESSAGES.alarm("E12", "hot"), MESSAGES.event("accepted", work_order="WO-1")])
    await bench.drained()
    await bench.close()
    path = tmp_path / "centre.sqlite"
    assert read(path, "SELECT source, station, code, cause FROM alarms") == [("station", STATION, "E12", "hot")]
    assert read(path, "SELECT station, event, work_order FROM events") == [(STATION, "accepted", "WO-1")]


def test_wrong_use_is_one_clear_line_and_exit_2(tmp_path: Path) -> None:
    save_key(tmp_path / "key.json", KEY)
    for broker, key in (("mqtt://10.0.0.5", "key.json"), ("mqtt://127.0.0.1:1", "gone.json")):
        done = subprocess.run(
            [sys.executable, "-m", "station.collector", "--broker", broker, "--database", str(tmp_path / "c"),
             "--key", str(tmp_path / key)], capture_output=True, text=True, cwd=ROOT, env={**os.environ}, timeout=30,
        )  # fmt: skip
        assert done.returncode == 2
        assert done.stderr.startswith("station collect: ") and done.stderr.count("\n") == 1
    with pytest.raises(SettingsError, match="postgresql://user@host/name"):
        open_centre("mysql://localhost/centre")


async def test_a_collector_without_a_broker_keeps_trying(tmp_path: Path) -> None:
    with EmbeddedBroker() as gone:
        pass
    office = Office(gone.url, SqliteCentre(tmp_path / "centre.sqlite"), KEY)
    await asyncio.sleep(0.1)
    with EmbeddedBroker(gone.port):
        await until(office.ready.is_set, "subscribed once the broker is there")
        await office.close()


def test_a_database_that_cannot_be_opened_is_said_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database at all, but a text that is long enough to be looked at\n" * 20)
    for wrong in (tmp_path, tmp_path / "text", tmp_path / "text" / "centre.sqlite"):
        with pytest.raises(SettingsError, match="directory that you may write to") as refused:
            open_centre(str(wrong))
        assert str(wrong) in str(refused.value)


def test_reading_a_record_leaves_nothing_beside_the_database(tmp_path: Path) -> None:
    path, record = tmp_path / "centre.sqlite", full_record()
    payload = result(record)
    centre = open_centre(f"sqlite:///{path}")
    envelope = open_envelope(payload)
    centre.take([Incoming(envelope, record, payload, sha256_of(payload))], [], "2026-11-22T03:52:10.123Z")
    assert read_record(path, record.run_id) == record, "while the collector has it open"
    centre.close()
    assert read_record(path, record.run_id) == record
    assert names_in(tmp_path) == ["centre.sqlite"]
