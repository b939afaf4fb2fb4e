"""Receipts a second of one collector, beside a subscriber that only counts, on a real mosquitto.

By hand: python tests/benchmarks/bench_collector.py [messages]. 20 stations, each with 20 messages in flight until its
receipts come, send results of about 4 KB and of about 60 KB (a full record with its curves). Every collector is a
process of its own, as in use; the load is one more process. Processor time is that of the collectors with their start,
the server's excepted. Then what checking and the database cost alone, without broker.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from station.collector.centre import Incoming
from station.collector.database import open_centre
from station.contract.envelope import open_envelope, sha256_of, topic
from station.contract.keys import new_key, save_key
from station.contract.messages import decode_body, encode_result
from station.domain.measurement import Curve
from station.domain.outbox import Slot
from station.domain.record import JudgedMeasurement, Record, StepRecord
from station.domain.verdict import Verdict
from station.mqtt.address import parse_address
from station.mqtt.link import Link, LinkOptions, Received
from station.store.store import mint_run_id
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Postgres
from tests.uplink.rig import TS, full_record, read_stamp

ROOT = Path(__file__).resolve().parents[2]
STATIONS, IN_FLIGHT = 20, 20
SIZES = {"4 KB": (1, 5, 40), "60 KB": (16, 40, 66)}
"""By name: steps, measurements in all, points of each step's curve."""


def make_record(station: str, number: int, steps: int, measurements: int, points: int) -> Record:
    """A record as a plan of so many steps leaves it."""
    each = -(-measurements // steps)
    x = tuple(round(20.0 * 1.11**index, 3) for index in range(points))
    made = tuple(
        StepRecord(
            f"step-{step}", f"use-{step}", {"zh": "步骤", "en": "a step"}, Verdict.PASS, 1, TS, 12.25,
            tuple(
                JudgedMeasurement(f"thd_{index}_percent", 0.0123 + number * 1e-6, "%", Verdict.PASS, "left", None, 0.1,
                                  0.0004, None, "data plate", {"frequency_hz": 1000.0, "at_w": 100.0})
                for index in range(each)
            ),
            (Curve("response", "frequency", "Hz", "level", "dB", x, tuple(round(-0.01234 * v % 1, 5) for v in x)),) * 2,
        )
        for step in range(steps)
    )  # fmt: skip
    return replace(full_record(), run_id=mint_run_id(), run_no=number, station=station, steps=made)


def payload_of(station: str, number: int, size: str) -> bytes:
    record = make_record(station, number, *SIZES[size])
    return encode_result(record, Slot(f"{station}:9f31c2aa:{number}", number), read_stamp())


@dataclass
class Sender:
    """One station: keeps `IN_FLIGHT` results on their way until all have their receipt."""

    name: str
    waiting: deque[bytes]
    by_puback: bool
    receipted: int = 0
    statuses: Counter[str] = field(default_factory=Counter)

    async def open(self, url: str) -> None:
        self.link = Link(LinkOptions(parse_address(url), self.name))
        await self.link.open()
        await self.link.subscribe(topic(self.name, "dn", "receipt"))

    async def drain(self) -> None:
        total = len(self.waiting)
        for _ in range(min(IN_FLIGHT, total)):
            self._send()
        while self.receipted < total:
            for item in await self.link.next():
                if isinstance(item, Received):
                    self.link.ack(item)
                    self.statuses[json.loads(item.payload)["status"]] += 1
                if isinstance(item, Received) is not self.by_puback:
                    self.receipted += 1
                    if self.waiting:
                        self._send()

    def _send(self) -> None:
        self.link.publish(topic(self.name, "up", "result"), self.waiting.popleft())


async def load(url: str, payloads: dict[str, list[bytes]], by_puback: bool) -> float:
    """Seconds until all have their receipts (or only their PUBACKs)."""
    senders = [Sender(name, deque(listed), by_puback) for name, listed in payloads.items()]
    await asyncio.gather(*(sender.open(url) for sender in senders))
    began = time.perf_counter()
    await asyncio.gather(*(sender.drain() for sender in senders))
    took = time.perf_counter() - began
    await asyncio.gather(*(sender.link.close() for sender in senders))
    wrong = sum((sender.statuses for sender in senders), Counter[str]())
    assert by_puback or set(wrong) == {"stored"}, wrong
    return took


COUNTER = """
import asyncio, sys
from station.mqtt.address import parse_address
from station.mqtt.link import Link, LinkOptions, Received
async def main():
    link = Link(LinkOptions(parse_address(sys.argv[1]), "counter", receive_maximum=400))
    await link.open()
    await link.subscribe("bench/v1/+/up/result")
    print("ready", flush=True)
    while True:
        for item in await link.next():
            if isinstance(item, Received):
                link.ack(item)
asyncio.run(main())
"""


def start(url: str, database: str | None, key: Path) -> subprocess.Popen[bytes]:
    line = ["-c", COUNTER, url] if database is None else [
        "-m", "station.collector", "--broker", url, "--database", database, "--key", str(key)
    ]  # fmt: skip
    worker = subprocess.Popen(
        [sys.executable, *line], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert worker.stdout is not None and worker.stdout.readline()
    return worker


def measure(what: str, url: str, database: str | None, workers: int, count: int, size: str, folder: Path) -> None:
    names = [f"bench-{number}" for number in range(STATIONS)]
    payloads = {name: [payload_of(name, number + 1, size) for number in range(count // STATIONS)] for name in names}
    each = sum(map(len, payloads[names[0]])) / len(payloads[names[0]])
    processes = [start(url, database, folder / "key.json") for _ in range(workers)]
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = asyncio.run(load(url, payloads, database is None))
    for process in processes:
        process.send_signal(signal.SIGTERM)
        process.wait()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
    figures = (
        f"{count / took:8.0f} a second {count * each / took / 1e6:7.1f} MB/s {1e3 * spent / count:7.2f} ms of processor"
    )
    print(f"{size:>6} ({each / 1000:.1f} KB) {what:32} {figures}", flush=True)


def measure_parts(count: int, size: str, urls: dict[str, str]) -> None:
    """What checking costs, and what each database costs, in one process without a broker."""
    payloads = [payload_of("bench-0", number + 1, size) for number in range(count)]
    began = time.perf_counter()
    made: list[Incoming] = []
    for payload in payloads:
        envelope = open_envelope(payload)
        made.append(Incoming(envelope, decode_body(envelope), payload, sha256_of(payload)))
    print(f"{size:>6} checking: {1e3 * (time.perf_counter() - began) / count:.3f} ms a message")
    for name, url in urls.items():
        centre: Any = open_centre(url)
        centre.ready()
        began = time.perf_counter()
        for place in range(0, count, 100):
            centre.take(made[place : place + 100], [], TS)
        print(f"{size:>6} {name}: {1e3 * (time.perf_counter() - began) / count:.3f} ms a message in batches of 100")
        centre.close()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    print(f"load average {os.getloadavg()}")
    with tempfile.TemporaryDirectory() as place, Postgres() as server, Mosquitto(Path(place) / "broker") as broker:
        folder = Path(place)
        save_key(folder / "key.json", new_key())
        for size in SIZES:
            several = count if size == "4 KB" else count // 5
            short = size.replace(" ", "")
            one, two, alone = (server.create(f"{short}{name}".lower()) for name in ("one", "two", "alone"))
            measure("counts only", broker.url, None, 1, several, size, folder)
            measure("SQLite", broker.url, str(folder / f"{short}.sqlite"), 1, several, size, folder)
            measure("PostgreSQL", broker.url, one, 1, several, size, folder)
            measure("PostgreSQL, two workers", broker.url, two, 2, several, size, folder)
            measure_parts(several // 4, size, {"SQLite": str(folder / f"{short}-alone.sqlite"), "PostgreSQL": alone})


if __name__ == "__main__":
    main()
