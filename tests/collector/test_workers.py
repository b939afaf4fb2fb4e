"""Workers side by side in one group: every message once, also when one of them is killed in between."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

from station.contract.keys import new_key, save_key
from tests.collector.post import rows
from tests.servers.mosquitto import Mosquitto
from tests.uplink.rig import Bench, do_run, open_store

KEY = new_key()
ROOT = Path(__file__).parents[2]


async def start_worker(url: str, database: str, key: Path) -> asyncio.subprocess.Process:
    arguments = ["-m", "station.collector", "--broker", url, "--database", database, "--key", str(key)]
    worker = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, "--stop-with-parent", stdout=subprocess.PIPE, cwd=ROOT
    )
    assert worker.stdout is not None
    assert json.loads(await worker.stdout.readline())["ready"]
    return worker


async def test_two_workers_of_the_default_group_divide_the_messages_and_one_may_die(
    database: str, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    key = tmp_path / "key.json"
    save_key(key, KEY)
    first, second = await asyncio.gather(*(start_worker(mosquitto.url, database, key) for _ in range(2)))
    bench = Bench(await open_store(tmp_path / "station.sqlite"), mosquitto.url, KEY)
    for number in range(30):
        await do_run(bench.store)
        if number == 15:
            first.send_signal(signal.SIGKILL)
    await bench.drained()
    await bench.close()
    second.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(second.wait(), 10.0) == 0
    await first.wait()
    for table, count in (("messages", 90), ("results", 30), ("events", 60), ("gaps", 0), ("alarms", 0)):
        assert rows(database, f"SELECT count(*) FROM {table}") == [(count,)]
