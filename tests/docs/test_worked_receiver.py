"""docs/subscribers/receiver.py, run as written against a real broker and a real station, and killed in between."""

from __future__ import annotations

import ast
import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from station.cli.broker import EmbeddedBroker
from station.contract.envelope import Stamp, seal, sha256_of, topic
from station.contract.keys import SigningKey, new_key
from station.contract.receipts import verify_receipt
from tests.docs.pages import ROOT
from tests.uplink.rig import CLOCK, STATION, TS, Bench, do_run, open_store, until

PROGRAM = ROOT / "docs" / "subscribers" / "receiver.py"
RUNS = 12


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker


def make_receipts_key(folder: Path) -> SigningKey:
    """The receiver's key, as `openssl genpkey` writes one; its name is the one that the receiver gives it."""
    key = new_key()
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "receipts.pem").write_bytes(pem)
    return key


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return make_receipts_key(tmp_path)


@contextmanager
def receiver(folder: Path, url: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, str(PROGRAM), url, str(folder / "centre.sqlite"), str(folder / "receipts.pem"), *more]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert "receipt-keys.json" in child.stdout.readline()
        yield child
    finally:
        child.kill()
        child.communicate()


def rows(folder: Path, sql: str) -> list[Any]:
    with contextlib.closing(sqlite3.connect(folder / "centre.sqlite", timeout=10.0)) as db:
        return db.execute(sql).fetchall()


async def stored(folder: Path, least: int) -> None:
    def enough() -> bool:
        with contextlib.suppress(sqlite3.OperationalError):  # it has not made its tables yet
            return int(rows(folder, "SELECT count(*) FROM messages")[0][0]) >= least
        return False

    await until(enough, f"{least} messages stored")


def test_it_is_short_and_takes_nothing_of_ours() -> None:
    text = PROGRAM.read_text(encoding="utf-8")
    assert text.count("\n") < 120
    names = {alias.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in names if name.split(".")[0] in ("station", "drivers", "tests")}


async def test_results_arrive_once_though_it_is_killed_in_between(
    broker: EmbeddedBroker, key: SigningKey, tmp_path: Path
) -> None:
    store = await open_store(tmp_path / "station.sqlite")
    bench = Bench(store, broker.url, key)
    records = []
    try:
        with receiver(tmp_path, broker.url) as first:
            records += [await do_run(store) for _ in range(RUNS // 2)]
            await stored(tmp_path, 1)
            first.kill()  # wherever it stands: stored and not receipted, or receipted and not heard
        records += [await do_run(store) for _ in range(RUNS - len(records))]
        with receiver(tmp_path, broker.url):
            await bench.drained()
    finally:
        await bench.close()
    assert len(rows(tmp_path, "SELECT msg_id FROM messages")) == 3 * RUNS, "two events and a result a run, each once"
    told = rows(tmp_path, "SELECT run_id, verdict, work_order, serial_number, first_cause FROM results ORDER BY rowid")
    assert sorted(told) == sorted((r.run_id, r.verdict.value, "WO-1", "SN-1", None) for r in records)
    for payload, sha256 in rows(tmp_path, "SELECT payload, sha256 FROM messages"):
        assert sha256_of(payload.encode()) == sha256, "the exact bytes"


class Onlooker:
    """Publishes as a station would and hears the receipts."""

    def __init__(self, port: int) -> None:
        self.receipts: list[bytes] = []
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "onlooker", protocol=mqtt.MQTTv5)
        self._client.on_message = lambda client, data, message: self.receipts.append(message.payload)
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topic(STATION, "dn", "receipt"), qos=1)
        self._client.loop_start()

    def publish(self, payload: bytes, kind: str = "event") -> None:
        self._client.publish(topic(STATION, "up", kind), payload, qos=1)

    def answers_to(self, payload: bytes) -> list[bytes]:
        return [one for one in self.receipts if json.loads(one)["sha256"] == sha256_of(payload)]

    async def answer(self, payload: bytes, kind: str) -> bytes:
        count = len(self.answers_to(payload))
        self.publish(payload, kind)
        await until(lambda: len(self.answers_to(payload)) > count, "a receipt")
        return self.answers_to(payload)[-1]

    async def heard(self) -> None:
        """Until somebody receipts: it has subscribed."""
        first = an_event(99)

        def answered() -> bool:
            self.publish(first)
            return bool(self.answers_to(first))

        await until(answered, "somebody receipts")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def an_event(number: int, **more: Any) -> bytes:
    body = {"event": "reset", "work_order": None, "run_id": None, "reason": None, **more}
    return seal("event", body, f"{STATION}:9f31c2aa:{number}", STATION, Stamp(TS, CLOCK, 1))


async def test_repeats_reused_numbers_and_nonsense_are_answered_as_the_page_says(
    broker: EmbeddedBroker, key: SigningKey, tmp_path: Path
) -> None:
    keys = {key.key_id: key.public}
    onlooker = Onlooker(broker.port)
    try:
        with receiver(tmp_path, broker.url) as child:
            await onlooker.heard()
            for junk in (b"", b"\xff", b"[]", b"[" * 90_000, b'{"msg_id": 7}', b'{"msg_id": "bench-08:9f31c2aa:1"}'):
                onlooker.publish(junk)
            said = []
            for payload, kind in [
                (an_event(1), "event"), (an_event(1), "event"), (an_event(1, reason="other"), "event"),
                (an_event(2), "result"), (an_event(3).replace(b"event/1.0", b"event/2.0"), "event"),
                (seal("result", {"run_id": {}}, f"{STATION}:9f31c2aa:4", STATION, Stamp(TS, CLOCK, 1)), "result"),
            ]:  # fmt: skip
                receipt = verify_receipt(await onlooker.answer(payload, kind), keys)
                assert receipt.sha256 == sha256_of(payload)
                said.append(receipt.status)
            assert said == ["stored", "duplicate", "rejected", "rejected", "rejected", "rejected"]
            assert child.poll() is None, "it lives"
    finally:
        onlooker.close()
    kept = [payload for (payload,) in rows(tmp_path, "SELECT payload FROM messages ORDER BY msg_id")]
    assert kept == [an_event(1).decode(), an_event(99).decode()], "the first stays, the changed one is not put over it"
