"""Figures of `resend`: 100,000 delivered messages of 4 KB asked for again, against one statement that brings them back.

python -m tests.benchmarks.bench_resend [FOLDER]
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from station.domain.commands import ResendRange
from station.domain.outbox import Draft
from station.store.store import Store
from tests.uplink.rig import open_store

ROWS, BATCH, BYTES = 100_000, 1000, 4000


async def fill(path: Path) -> None:
    """A history in which everything was delivered."""
    store = await open_store(path)
    body = os.urandom(BYTES // 2).hex().encode()
    for _ in range(ROWS // BATCH):
        await store.post([Draft("result", lambda slot: body)] * BATCH)
    await store.close()
    deliver(path)


def deliver(path: Path) -> None:
    """The receipts of a day, in one go."""
    with sqlite3.connect(path) as db:
        db.execute("UPDATE outbox SET state = 'delivered'")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def megabytes(path: Path) -> float:
    """The size of a file, in 10^6 bytes."""
    return path.stat().st_size / 1e6


class Lag:
    """The longest time for which the event loop did nothing else."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self.task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            began_s = time.perf_counter()
            await asyncio.sleep(0.001)
            self.longest_s = max(self.longest_s, time.perf_counter() - began_s - 0.001)

    def take(self) -> str:
        """Since the last time."""
        said, self.longest_s = f"loop held up for {self.longest_s * 1e3:.0f} ms at most", 0.0
        return said


async def pieces(store: Store, lag: Lag, log: Path) -> None:
    """As the drain does it."""
    began_s = time.perf_counter()
    print(await store.change([ResendRange(1, 10**15)]))
    print(f"command {time.perf_counter() - began_s:.3f} s, {lag.take()}")
    began_s, count, longest_s = time.perf_counter(), 0, 0.0
    while (await store.counts()).waiting < ROWS:
        asked_s = time.perf_counter()
        await store.due(20)
        count, longest_s = count + 1, max(longest_s, time.perf_counter() - asked_s)
    print(
        f"{count} pieces {time.perf_counter() - began_s:.1f} s, the longest {longest_s:.3f} s, {lag.take()}, "
        f"log {megabytes(log):.0f} MB"
    )


async def at_once(store: Store, lag: Lag, log: Path) -> None:
    """What it is measured against."""
    began_s = time.perf_counter()

    def work() -> None:
        with store._transaction("requeue"):
            store._db.execute("UPDATE outbox SET state = 'waiting' WHERE state = 'delivered' AND seq >= 1")

    await store._call(work)
    print(f"one statement {time.perf_counter() - began_s:.1f} s, {lag.take()}, log {megabytes(log):.0f} MB")


async def main(folder: str | None) -> None:
    """Both, on the same rows."""
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        path = Path(inside) / "station.sqlite"
        await fill(path)
        for way in (pieces, at_once):
            store = await open_store(path)
            lag = Lag()
            await way(store, lag, path.with_name(path.name + "-wal"))
            lag.task.cancel()
            await store.close()
            deliver(path)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
