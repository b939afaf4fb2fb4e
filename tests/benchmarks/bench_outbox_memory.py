"""100,000 results of 4 KB that wait: what they cost while nobody takes them, and whether their drain is smooth.

By hand: python tests/benchmarks/bench_outbox_memory.py [rows] [seconds of drain]. Prints the resident memory of the
station's process (no centre: a broker that never answers), the time of the outbox's queries, then drains for so long
before a centre that answers at once and prints the latest turn of the event loop (a 5 ms timer beside the drain,
without the time that other programs took) and the most memory. Goals: memory that does not grow with the rows; no turn
late by more than some milliseconds.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from station.contract.keys import new_key
from station.store.store import Store
from station.uplink.uplink import Uplink
from tests.benchmarks.bench_drain import centre, fill, write_receipts
from tests.servers.mosquitto import Mosquitto
from tests.uplink.rig import MESSAGES, open_store

TURN_S = 0.005


def resident_mb() -> float:
    lines = Path(f"/proc/{os.getpid()}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def waited_s() -> float:
    """For how long this thread has waited for a processor that others had."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


async def watch_loop(late_s: list[float]) -> None:
    """How late each 5 ms turn came, less the time that other programs took, until it is cancelled."""
    while True:
        began, waited = time.perf_counter(), waited_s()
        await asyncio.sleep(TURN_S)
        late_s.append(time.perf_counter() - began - TURN_S - (waited_s() - waited))


def tell_lateness(what: str, late_s: list[float]) -> None:
    late_s.sort()
    worst = [1e3 * late_s[int(share * (len(late_s) - 1))] for share in (0.5, 0.99, 1.0)]
    print(
        f"{what}: turns of the loop late by {worst[0]:.1f} ms (median), {worst[1]:.1f} (99 %), {worst[2]:.1f} (worst)"
    )


async def time_queries(store: Store) -> None:
    for name, query in (("due(20)", lambda: store.due(20)), ("counts()", store.counts)):
        took = []
        for _ in range(50):
            began = time.perf_counter()
            await query()
            took.append(time.perf_counter() - began)
        print(f"  {name}: {1e3 * sorted(took)[25]:.2f} ms")


async def main(rows: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, key = Path(name), new_key()
        store = await open_store(folder / "station.sqlite")
        print(f"empty outbox: {resident_mb():.1f} MB resident")
        await time_queries(store)
        for target in (rows // 10, rows):
            await fill(store, target - (await store.counts()).waiting)
            gc.collect()
            print(f"{target} rows wait: {resident_mb():.1f} MB resident")
            await time_queries(store)
        with Mosquitto(folder / "broker") as broker:
            uplink = Uplink(store, MESSAGES, broker.url, {key.key_id: key.public}, lambda event: None)
            late_s: list[float] = []
            watching = asyncio.create_task(watch_loop(late_s))
            serving = asyncio.create_task(uplink.run())
            await asyncio.sleep(seconds)
            tell_lateness(f"{seconds:.0f} s with nobody subscribed, {resident_mb():.1f} MB", late_s)
            await uplink.close()
            await serving
            await write_receipts(store, key, folder / "receipts")
            gc.collect()
            before = (await store.counts()).waiting
            uplink = Uplink(store, MESSAGES, broker.url, {key.key_id: key.public}, lambda event: None)
            most_mb, began = 0.0, time.perf_counter()
            with centre(broker.port, folder / "receipts", rows):
                await asyncio.sleep(0.1)
                late_s.clear()
                serving = asyncio.create_task(uplink.run())
                while (left := (await store.counts()).waiting) and time.perf_counter() - began < seconds:
                    most_mb = max(most_mb, resident_mb())
                    await asyncio.sleep(0.2)
                took = time.perf_counter() - began
                tell_lateness(f"drain of {before - left} rows in {took:.1f} s, at most {most_mb:.1f} MB", late_s)
                await uplink.close()
                await serving
            watching.cancel()
        await store.close()


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    asyncio.run(main(numbers[0] if numbers else 100_000, float(numbers[1]) if len(numbers) > 1 else 20.0))
