"""The drain of an outbox beside bare paho: messages a second, in one run, over a real mosquitto.

By hand: python tests/benchmarks/bench_drain.py [rows] [--profile]. Figures of 4 KB messages, QoS 1, at most 20 in
flight: bare paho, with nobody and with a centre subscribed; the station (rows committed with synchronous=FULL, taken
out by receipts) before a centre that answers with one receipt for all that came together, and with a receipt each,
signed beforehand; and before the real collector on SQLite. Goal: the station at least 50 % of bare paho. Only ratios
of one run count, and those by processor time where the machine is not idle. Beside them stands what one core verifies
in receipts alone: no station can be faster with a receipt each.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import pstats
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from station.contract.bodies import TAKES_ALSO, Info
from station.contract.envelope import seal
from station.contract.keys import SigningKey, new_key, public_keys_to_text, save_key
from station.contract.receipts import make_receipt, verify_receipt
from station.contract.records import to_plain
from station.domain.outbox import Draft
from station.domain.record import Record
from station.store.store import Store
from station.uplink.uplink import Uplink
from tests.servers.mosquitto import Mosquitto
from tests.uplink.rig import MESSAGES, STATION, full_record, open_store, read_stamp

ROOT = Path(__file__).resolve().parents[2]
SIZE = 4096
IN_FLIGHT = 20


def make_result(text: str) -> Draft:
    """A true record of 4 KB: `text` fills a field of it."""
    body = to_plain(full_record(), Record)
    body["dut"]["serial_number"] = text
    return Draft("result", lambda slot: seal("result", body, slot.msg_id, STATION, read_stamp()))


def result_of_size(size: int = SIZE) -> Draft:
    """A result whose payload has `size` bytes, give or take the digits of its number."""
    from station.domain.outbox import Slot

    bare = len(make_result("").encode(Slot(f"{STATION}:00000000:10000", 0)))
    return make_result("x" * (size - bare))


async def fill(store: Store, rows: int) -> None:
    """So many results in the outbox, 500 a commit."""
    draft = result_of_size()
    for start in range(0, rows, 500):
        await store.post([draft] * min(500, rows - start))


@contextmanager
def centre(port: int, receipts: Path | None, rows: int) -> Iterator[subprocess.Popen[str]]:
    """The light centre as a process of its own."""
    child = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/benchmarks/light_centre.py"), str(port), str(receipts or "-"), str(rows)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        assert child.stdout.readline().strip() == "ready"
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@contextmanager
def collector(url: str, folder: Path) -> Iterator[None]:
    """The real one, on SQLite, as a process of its own."""
    child = subprocess.Popen(
        [sys.executable, "-m", "station.collector", "--broker", url, "--database", str(folder / "centre.sqlite"),
         "--key", str(folder / "key.json")],
        stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        assert child.stdout.readline()
        yield
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def cpu_s() -> float:
    """Processor seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def bare_paho(port: int, rows: int) -> Figure:
    """paho alone: publish, PUBACK."""
    client = paho.Client(CallbackAPIVersion.VERSION2, "bare", protocol=paho.MQTTv5)
    client.max_inflight_messages_set(IN_FLIGHT)
    done, connected, count = threading.Event(), threading.Event(), 0

    def on_publish(*_: object) -> None:
        nonlocal count
        count += 1
        if count == rows:
            done.set()

    client.on_publish = on_publish
    client.on_connect = lambda *_: connected.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert connected.wait(5.0)
    head = b'{"schema":"result/1.0","msg_id":"%s:00000000:%d","x":"'
    began, cpu = time.perf_counter(), cpu_s()
    for number in range(rows):
        payload = head % (STATION.encode(), number)
        client.publish(f"bench/v1/{STATION}/up/result", payload + b"x" * (SIZE - len(payload)), qos=1)
    assert done.wait(300.0)
    took, used = time.perf_counter() - began, cpu_s() - cpu
    client.disconnect()
    client.loop_stop()
    return report("bare paho", rows, took, used)


def verify_alone(count: int = 3000) -> None:
    """Receipts a second that one core verifies and does nothing else."""
    key = new_key()
    keys, receipt = {key.key_id: key.public}, make_receipt(f"{STATION}:00000000:1", "0" * 64, "stored", key)
    began, cpu = time.perf_counter(), cpu_s()
    for _ in range(count):
        verify_receipt(receipt, keys)
    report("receipts verified, nothing else", count, time.perf_counter() - began, cpu_s() - cpu)


class Figure(NamedTuple):
    """Messages a second, and messages a second of processor time."""

    rate: float
    rate_cpu: float

    def of(self, other: Figure) -> str:
        """As a share of another."""
        return f"{self.rate / other.rate:.0%} ({self.rate_cpu / other.rate_cpu:.0%} by processor time)"


def report(name: str, rows: int, took: float, used: float) -> Figure:
    print(f"{name:44}{rows / took:9.0f} /s{took:8.2f} s{used:8.2f} s of processor", flush=True)
    return Figure(rows / took, rows / used)


async def drain(store: Store, url: str, key: SigningKey, name: str) -> Figure:
    """The station, from the first CONNECT until the outbox is empty."""
    rows = (await store.counts()).waiting
    empty, left = asyncio.Event(), rows

    def follow(event: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            empty.set()

    uplink = Uplink(store, MESSAGES, url, {key.key_id: key.public}, follow)
    uplink.retain("info", Info(software="0.1", capabilities=(TAKES_ALSO,)))
    gc.collect()
    gc.freeze()
    commits, cpu, began = store.commits, cpu_s(), time.perf_counter()
    serving = asyncio.create_task(uplink.run())
    await asyncio.wait_for(empty.wait(), 120.0)
    took, used = time.perf_counter() - began, cpu_s() - cpu
    figure = report(name, rows, took, used)
    print(f"{'':46}{(store.commits - commits) / rows:.3f} commits a message")
    assert (await store.counts()).waiting == 0
    await uplink.close()
    await serving
    return figure


async def write_receipts(store: Store, key: SigningKey, path: Path) -> None:
    """A receipt for every row that waits, as the centre would sign it."""

    def work() -> None:
        with path.open("wb") as file:
            for seq, digest in store._db.execute("SELECT seq, sha256 FROM outbox WHERE state = 'waiting'"):
                msg_id = f"{STATION}:{store.store_epoch}:{seq}"
                file.write(msg_id.encode() + b"\t" + make_receipt(msg_id, digest, "stored", key) + b"\n")

    await store._call(work)


async def main(rows: int, profile: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = new_key()
        save_key(folder / "key.json", key)
        (folder / "public.json").write_text(public_keys_to_text(key))
        with Mosquitto(folder / "broker") as broker:
            alone = bare_paho(broker.port, rows)
            with centre(broker.port, None, rows):
                heard = bare_paho(broker.port, rows)
            store = await open_store(folder / "together.sqlite")
            await fill(store, rows)
            with centre(broker.port, folder / "key.json", rows):
                together = await drain(store, broker.url, key, "station, one receipt for what came together")
            await store.close()
            store = await open_store(folder / "station.sqlite")
            await fill(store, rows)
            await write_receipts(store, key, folder / "receipts")
            profiler = cProfile.Profile()
            with centre(broker.port, folder / "receipts", rows):
                if profile:
                    profiler.enable()
                ours = await drain(store, broker.url, key, "station, receipts signed beforehand")
                profiler.disable()
            if profile:
                pstats.Stats(profiler).sort_stats("tottime").print_stats(45)
            await store.close()
            store = await open_store(folder / "second.sqlite")
            await fill(store, rows)
            with collector(broker.url, folder):
                await drain(store, broker.url, key, "station, the real collector on SQLite")
            await store.close()
        verify_alone()
        for name, figure in (("receipts together", together), ("a receipt each", ours)):
            print(f"station / bare paho, {name}: {figure.of(alone)}; with a centre subscribed: {figure.of(heard)}")


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    asyncio.run(main(numbers[0] if numbers else 20_000, "--profile" in sys.argv))
