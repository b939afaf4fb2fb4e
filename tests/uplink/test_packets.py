"""Packets of any size from a real broker: what is too large stays there, and what is read leaves the loop its turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station.contract.canonical import MAX_MESSAGE_BYTES
from station.contract.commands import make_command
from station.contract.envelope import topic
from station.contract.keys import new_key
from station.domain.commands import Answer
from station.mqtt.address import parse_address
from station.mqtt.link import Link, LinkOptions, Received
from tests.servers.mosquitto import Mosquitto
from tests.uplink.rig import STATION, Bench, open_store, until

KEY = new_key()
CALLBACK_S = 0.010
"""Processor time of one callback of the loop: 1 ms here; 64 messages of 256 KiB at once took 17 to 30."""
QUEUED = 64


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def callbacks_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The processor time of every callback from here on."""
    measured: list[float] = []
    run = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> Any:
        began_s = time.thread_time()
        run(handle)
        measured.append(time.thread_time() - began_s)

    monkeypatch.setattr(asyncio.Handle, "_run", timed)
    return measured


def command(cmd_id: str) -> bytes:
    return make_command(
        KEY, STATION, "identify", {}, cmd_id=cmd_id, issued_at="2026-11-22T03:51:10Z",
        expires_at="2026-11-22T03:53:10Z",
    )  # fmt: skip


async def send_to_absent(broker: Mosquitto, options: LinkOptions, payloads: list[bytes]) -> None:
    """Have the broker keep these for a client with a session that is away."""
    absent, sender = Link(options), Link(LinkOptions(parse_address(broker.url), "sender"))
    await absent.open()
    await absent.subscribe("a")
    await absent.close()
    await sender.open()
    for payload in payloads:
        sender.publish("a", payload)
    await until(lambda: not sender.unacknowledged, "the broker has them all")
    await sender.close()


def let_the_kernel_fill() -> None:
    """Hold the loop up while the broker sends: some megabytes then wait to be read at once."""
    time.sleep(0.3)


async def test_twenty_megabytes_stay_at_the_broker_and_the_next_command_is_done(
    broker: Mosquitto, tmp_path: Path
) -> None:
    carried: list[str] = []

    def carry(verb: str, args: Any) -> Answer:
        carried.append(verb)
        return Answer()

    bench = Bench(await open_store(tmp_path / "station.sqlite"), broker.url, KEY, carry=carry)
    await until(lambda: bench.uplink.connected, "connected")
    centre = Link(LinkOptions(parse_address(broker.url), "centre"))
    await centre.open()
    for payload in (bytes(20_000_000), bytes(310_000), command("c1")):
        centre.publish(topic(STATION, "dn", "cmd"), payload)
    await until(lambda: carried, "the command is done")
    assert carried == ["identify"] and bench.uplink.session == 1, "the link stood"
    assert bench.uplink._inbox.ignored == 0, "what was too large came in"
    await centre.close()
    await bench.close()


async def test_many_large_messages_are_read_in_turns(broker: Mosquitto, callbacks_s: list[float]) -> None:
    options = LinkOptions(parse_address(broker.url), "sleeper", session_expiry_s=60)
    await send_to_absent(broker, options, [bytes(MAX_MESSAGE_BYTES)] * QUEUED)
    link = Link(options)
    await link.open()
    let_the_kernel_fill()
    callbacks_s.clear()
    got = 0
    while got < QUEUED:
        items = await asyncio.wait_for(link.next(), 10.0)
        for item in items:
            assert isinstance(item, Received) and len(item.payload) == MAX_MESSAGE_BYTES
            link.ack(item)
        got += len(items)
    assert max(callbacks_s) < CALLBACK_S and len(callbacks_s) > QUEUED, "no turn takes more than a message's bytes"
    await link.close()


async def test_a_link_that_takes_more_is_given_more(broker: Mosquitto) -> None:
    options = LinkOptions(parse_address(broker.url), "centre", session_expiry_s=60)
    await send_to_absent(broker, options, [bytes(1_000_000), b"small"])
    link = Link(replace(options, packet_max=1 << 20))
    await link.open()
    sizes: list[int] = []
    while len(sizes) < 2:
        sizes += [len(item.payload) for item in await asyncio.wait_for(link.next(), 10.0) if isinstance(item, Received)]
    assert sizes == [1_000_000, 5]
    await link.close()
