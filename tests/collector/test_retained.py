"""Over a real broker: a worker that comes later hears what is retained, deaths too; rejected messages have a budget."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from station.collector.budget import ALARMS_S, ALL_ALARMS, STATION_ALARMS, AlarmBudget
from station.collector.centre import CentreAlarm
from station.contract.bodies import AlarmActive, Info, Telemetry
from station.contract.envelope import topic
from station.contract.keys import new_key
from station.mqtt.address import parse_address
from station.mqtt.link import Link, LinkOptions
from tests.collector.post import rows
from tests.servers.mosquitto import Mosquitto
from tests.uplink.rig import MESSAGES, STATION, Bench, Office, open_store, until

KEY = new_key()
STATIONS = "SELECT station, state, session, info, alarm_active FROM stations"


@pytest.fixture
async def bench(mosquitto: Mosquitto, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(await open_store(tmp_path / "station.sqlite"), mosquitto.url, KEY)
    await until(lambda: bench.uplink.connected, "the station is there")
    yield bench
    await bench.close()


def stations(path: Path) -> list[tuple[Any, ...]]:
    return rows(str(path), STATIONS)


async def test_workers_that_come_later_hear_what_is_retained_and_none_goes_backwards(
    bench: Bench, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    path = tmp_path / "centre.sqlite"
    bench.uplink.retain("info", Info(software="0.1"))
    bench.uplink.retain("alarm_active", AlarmActive())
    first = await Office.open(mosquitto.url, path, KEY)
    info = Info(software="0.1").model_dump_json()
    await until(lambda: [row[:2] for row in stations(path)] == [(STATION, "online")], "presence is stored")
    await until(lambda: stations(path)[0][4] == '{"alarms":[]}', "and all the rest")
    assert stations(path)[0][3] == info
    session = stations(path)[0][2]
    second = await Office.open(mosquitto.url, path, KEY)
    await until(lambda: second.collector.figures.received["presence"] == 1, "the second hears it too")
    bench.uplink.telemetry(Telemetry(run_id="r", seconds=1.0, readings={}))
    await bench.close()
    await until(lambda: stations(path)[0][1] == "offline", "it said goodbye")
    assert stations(path)[0][2] == session
    assert "telemetry" not in first.collector.figures.received
    await first.close()
    await second.close()


async def test_who_clears_a_retained_topic_is_no_alarm(mosquitto: Mosquitto, tmp_path: Path) -> None:
    path = tmp_path / "centre.sqlite"
    office = await Office.open(mosquitto.url, path, KEY)
    link = Link(LinkOptions(parse_address(mosquitto.url), "janitor"))
    await link.open()
    for payload in (b"", b"{}"):
        link.publish(topic("bench-gone", "up", "presence"), payload)
    figures = office.collector.figures
    await until(lambda: figures.answered["presence", "rejected"] == 1, "the one that is no message is rejected")
    await link.close()
    await office.close()
    assert rows(str(path), "SELECT code, station FROM alarms") == [("message_rejected", "bench-gone")]
    assert figures.receipts.total() == 0, "nobody waits for a receipt of presence"


def test_alarms_are_written_down_within_a_budget() -> None:
    now_s = 0.0
    budget = AlarmBudget(lambda: now_s)
    flood = [CentreAlarm("message_rejected", "junk", "bench-07")] * 100
    assert len(budget.allow(flood)) == STATION_ALARMS and budget.allow(flood) == []
    other = [CentreAlarm("msg_id_reused", "junk", f"bench-{n}") for n in range(3000)]
    assert len(budget.allow(other)) == ALL_ALARMS - STATION_ALARMS
    now_s = ALARMS_S + 1.0
    assert len(budget.allow(flood)) == STATION_ALARMS
    assert budget.counts["message_rejected", "written"] == 2 * STATION_ALARMS
    assert budget.counts["message_rejected", "withheld"] == 300 - 2 * STATION_ALARMS


async def test_a_worker_that_ends_receipts_what_it_has_committed(mosquitto: Mosquitto, tmp_path: Path) -> None:
    path = tmp_path / "centre.sqlite"
    bench = Bench(await open_store(tmp_path / "station.sqlite"), mosquitto.url, KEY)
    office = await Office.open(mosquitto.url, path, KEY)
    slow, take = asyncio.Event(), office.centre.take
    loop = asyncio.get_running_loop()

    def taking(*arguments: Any) -> Any:
        answers = take(*arguments)
        if any(message.kind == "event" for message in arguments[0]):
            loop.call_soon_threadsafe(slow.set)
        return answers

    office.centre.take = taking  # type: ignore[method-assign]
    await bench.store.post([MESSAGES.event("reset")])
    await asyncio.wait_for(slow.wait(), 10)
    await office.close()
    assert office.collector.figures.receipts["stored"] == 1
    await bench.drained()
    await bench.close()
