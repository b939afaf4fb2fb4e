"""A row that the broker does not take holds up no other: too large, or the end of every link; and how much it takes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from station.contract.bodies import Aggregate, Progress, Telemetry
from station.contract.envelope import sha256_of, topic
from station.contract.keys import new_key
from station.contract.receipts import make_receipt
from station.domain.outbox import Draft, Slot
from station.mqtt.address import parse_address
from station.mqtt.link import Dismissed, Link, LinkOptions
from station.store.outbox import OutboxRow
from station.store.store import Store
from station.uplink.ahead import ROWS, Ahead
from tests.servers.mosquitto import Mosquitto
from tests.uplink.rig import MESSAGES, STATION, Bench, Office, open_store, until

KEY = new_key()
CONNACK = b"\x20\x03\x00\x00\x00"
TAKES_TWO_AT_ONCE = b"\x20\x06\x00\x00\x03\x21\x00\x02"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(tmp_path / "station.sqlite")
    yield store
    await store.close()


def large(slot: Slot) -> bytes:
    return json.dumps({"msg_id": slot.msg_id, "x": "x" * 60_000}).encode()


class Broker:
    """A broker and centre in one, of a few lines: receipts what it takes, and drops the link at what it does not."""

    def __init__(
        self, connack: bytes = CONNACK, poison: bytes = b"nothing", refuse: int = 0, farewell: bytes = b""
    ) -> None:
        self.connack, self.poison, self.refuse, self.farewell = connack, poison, refuse, farewell
        self.links, self.pending, self.peak = 0, 0, 0
        self.stored: set[str] = set()
        self.served: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.links += 1
        self.pending = 0
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):  # a station that hangs up is no test's fault
            while (head := await reader.read(1)) and await self._answer(head[0], await _body(reader), writer):
                pass
        writer.close()
        self.served.append(writer)

    async def _answer(self, head: int, body: bytes, writer: asyncio.StreamWriter) -> bool:
        match head >> 4:
            case 1:
                writer.write(self.connack)
            case 8:
                writer.write(b"\x90\x04" + body[:2] + b"\x00\x01")
            case 12:
                writer.write(b"\xd0\x00")
            case 3 if head & 2:
                if self.poison in body:
                    writer.write(self.farewell)
                    return False
                self.pending += 1
                self.peak = max(self.peak, self.pending)
                asyncio.get_running_loop().call_later(0.01, self._take, body, writer)
        return True

    def _take(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(body[:2], "big")
        name, mid, payload = body[2 : 2 + length].decode(), body[2 + length : 4 + length], body[5 + length :]
        self.pending -= 1
        needs_receipt = name.rpartition("/")[2] in ("event", "alarm", "result")
        refuse = self.refuse if needs_receipt else 0
        writer.write(b"\x40\x03" + mid + bytes([refuse]))
        if needs_receipt and not refuse:
            msg_id = json.loads(payload)["msg_id"]
            self.stored.add(msg_id)
            where = topic(STATION, "dn", "receipt").encode()
            answer = make_receipt(msg_id, sha256_of(payload), "stored", KEY)
            packet = len(where).to_bytes(2, "big") + where + b"\x00" + answer
            writer.write(b"\x30" + bytes([len(packet) & 127 | 128, len(packet) >> 7]) + packet)


async def _body(reader: asyncio.StreamReader) -> bytes:
    size = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        size, shift = size | (byte & 127) << shift, shift + 7
        if byte < 128:
            return await reader.readexactly(size)


@contextlib.asynccontextmanager
async def listening(broker: Broker) -> AsyncIterator[str]:
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    async with server:
        yield f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await until(lambda: len(broker.served) == broker.links, "every link is closed")
        for writer in broker.served:
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def draining(broker: Broker, store: Store) -> AsyncIterator[Bench]:
    async with listening(broker) as url:
        bench = Bench(store, url, KEY)
        try:
            yield bench
        finally:
            await bench.uplink.close()
            await bench.task


def codes(bench: Bench) -> set[str]:
    return {alarm["code"] for alarm in bench.seen("alarm")}


async def test_a_row_too_large_for_the_broker_goes_to_quarantine_and_the_others_through(tmp_path: Path) -> None:
    lines = ("allow_anonymous true", "max_packet_size 50000")
    store = await open_store(tmp_path / "station.sqlite")
    await store.post([Draft("event", large), *[MESSAGES.event("reset")] * 5])
    with Mosquitto(tmp_path / "broker", lines) as mosquitto:
        office = await Office.open(mosquitto.url, tmp_path / "centre.sqlite", KEY)
        bench = Bench(store, mosquitto.url, KEY)
        await bench.drained()
        await until(lambda: codes(bench), "it is said")
        counts = await store.counts()
        assert (counts.quarantined, counts.delivered) == (1, 6), "five and the alarm"
        assert codes(bench) == {"too_large"} and bench.uplink.session == 1
        [cause] = {alarm["cause"] for alarm in bench.seen("alarm")}
        assert "bytes, and the broker takes packets of 50000; raise its limit, then `results requeue`" in cause
        assert await store.requeue() == 1
        await bench.close()
        await office.close()


@pytest.mark.parametrize("farewell", [b"", b"\xe0\x01\x95"], ids=["without a word", "packet too large"])
async def test_a_row_that_ends_every_link_rests_and_is_no_namesake(farewell: bytes, store: Store) -> None:
    broker = Broker(poison=b"x" * 60_000, farewell=farewell)
    await store.post([Draft("event", large), *[MESSAGES.event("reset")] * 25])
    async with draining(broker, store) as bench:
        await until(lambda: broker.links > 12, "it is tried again and again")
        await until(lambda: len(broker.stored) >= 26, "25 and the alarm")
        assert (await store.counts()).waiting == 1
        assert codes(bench) == {"links_lost"}


async def test_a_broker_that_says_why_it_ends_links_is_told_from_a_namesake(store: Store) -> None:
    broker = Broker(poison=b"online", farewell=b"\xe0\x01\x97")
    async with draining(broker, store) as bench:
        await until(lambda: broker.links > 8, "it comes again")
        await until(lambda: "Quota exceeded" in (bench.uplink.last_error or ""), "it is said why, between two links")
        assert codes(bench) == set()
    async with listening(broker) as url:
        link = Link(LinkOptions(parse_address(url), "another"))
        await link.open()
        link.publish("t", b"online")
        with pytest.raises(Dismissed):
            await asyncio.wait_for(link.next(), 5.0)
        await link.close()


async def test_no_more_are_under_way_than_the_broker_takes_at_once(store: Store) -> None:
    broker = Broker(TAKES_TWO_AT_ONCE)
    await store.post([MESSAGES.event("reset")] * 30)
    async with draining(broker, store) as bench:
        for name in ("info", "progress", "alarm_active"):
            bench.uplink.retain(name, Progress(state="ready"))
        reading = Aggregate(mean=1.0, low=0.5, high=2.0)
        await until(lambda: bench.uplink.connected, "connected")
        for _ in range(20):
            bench.uplink.telemetry(Telemetry(run_id="r", seconds=1.0, readings={"mains.power_w": reading}))
        await bench.drained()
    assert (broker.peak, broker.links) == (2, 1)


@pytest.mark.parametrize(("reason", "remedy"), [(0x87, "by its ACL?"), (0x97, "see its log")])
async def test_what_the_broker_refuses_is_said_until_it_takes_a_row(reason: int, remedy: str, store: Store) -> None:
    broker = Broker(refuse=reason)
    await store.post([MESSAGES.event("reset")])
    async with draining(broker, store) as bench:
        await until(lambda: f"0x{reason:02x}" in (bench.uplink.last_error or ""), "it is said")
        assert (bench.uplink.last_error or "").endswith(remedy)
        broker.refuse = 0
        await bench.drained()
        assert bench.uplink.last_error is None


async def test_a_broker_whose_answers_are_not_of_the_protocol_is_no_namesake(store: Store) -> None:
    """mosquitto 2.0 answers a PUBLISH beyond its `message_size_limit` with 0x95, which MQTT does not know there."""
    broker = Broker(refuse=0x95)
    await store.post([MESSAGES.event("reset")])
    async with draining(broker, store) as bench:
        await until(lambda: broker.links > 12, "it comes again")
        assert codes(bench) == {"links_lost"}
        broker.refuse = 0
        await bench.drained()


async def test_an_alarm_that_comes_while_rows_are_read_ahead_is_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.post([MESSAGES.event("reset")] * (2 * ROWS))
    ahead, due = Ahead(store), store.due
    store.on_posted = ahead.forget

    async def overtaken(limit: int, skip: set[int]) -> list[OutboxRow]:
        rows = await due(limit, skip)
        await store.post([MESSAGES.alarm("trip", "hot")])
        return rows

    with monkeypatch.context() as patched:
        patched.setattr(store, "due", overtaken)
        first = await ahead.take(1, set(), calm=True)
    assert [row.suffix for row in first] == ["event"]
    assert [row.suffix for row in await ahead.take(2, {first[0].seq}, calm=True)] == ["alarm", "event"]
