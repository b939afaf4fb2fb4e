"""What a purge costs: time, bytes written, and how long a daemon's commits wait beside it.

    python tests/benchmarks/bench_purge.py [RUNS] [FOLDER]

Makes a store of RUNS receipted runs of about 50 KB each (a record with curves), purges half of it by `station purge`
in a process of its own while this one commits an event again and again, then compacts what is left. Bytes are those
that were handed to the system (`wchar` of /proc/PID/io), whatever the card makes of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from station.domain.measurement import Curve
from station.store.outbox import ReceiptEntry
from station.store.store import Store
from tests.uplink.rig import MESSAGES, make_draft, make_record, make_step, open_store

OLD, YOUNG = "2024-01-05T10:00:00.000Z", "2026-11-20T10:00:00.000Z"


def written_bytes(process: str = "self") -> int:
    return int(Path(f"/proc/{process}/io").read_text().partition("wchar: ")[2].split()[0])


async def fill(store: Store, runs: int) -> None:
    points = tuple(round(1.0 + number / 7.0, 6) for number in range(2500))
    curve = Curve("response", "frequency", "Hz", "level", "dB", points, points)
    for number in range(1, runs + 1):
        draft = make_draft()
        draft = replace(
            draft, dut=replace(draft.dut, serial_number=f"SN-{number * 7919 % runs}"), work_order=f"WO-{number}"
        )
        run_no = await store.begin_run(draft)
        step = replace(make_step("first"), curves=(curve,))
        await store.add_step(draft.run_id, 0, step)
        record = replace(make_record(draft, run_no, (step,)), ended_at=OLD if number <= runs // 2 else YOUNG)
        await store.finish_run(record, [MESSAGES.result(record), MESSAGES.event("run_ended", run_id=draft.run_id)])
        rows = await store.due(10)
        await store.receipts([
            ReceiptEntry(row.msg_id, hashlib.sha256(row.payload).hexdigest(), "stored") for row in rows
        ])  # fmt: skip


async def commit_beside(store: Store, purging: asyncio.subprocess.Process) -> list[float]:
    waits = []
    while purging.returncode is None:
        began_s = time.perf_counter()
        await store.post([MESSAGES.event("reset")])
        waits.append(time.perf_counter() - began_s)
        await asyncio.sleep(0.01)
    return sorted(waits)


async def purge(config: Path, *arguments: str) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "station", "purge", "--config", str(config), "--json", *arguments]
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)


async def main(runs: int, folder: Path) -> None:
    path = folder / "station.sqlite"
    (folder / "station.toml").write_text(
        f'[station]\nname = "bench-07"\ntimezone = "UTC"\nsimulated = true\n[store]\npath = "{path}"\n',
        encoding="utf-8",
    )
    store = await open_store(path)
    before = written_bytes()
    await fill(store, runs)
    size = path.stat().st_size
    print(f"{runs} runs: {size / 1e6:.0f} MB, {(written_bytes() - before) / runs / 1e3:.0f} kB written a run")
    began_s = time.perf_counter()
    purging = await purge(folder, "--days", "400")
    waits = await commit_beside(store, purging)
    assert purging.stdout is not None
    told = json.loads(await purging.stdout.read())
    took_s = time.perf_counter() - began_s
    print(
        f"purge of {told['runs']} runs ({told['bytes'] / 1e6:.0f} MB) beside a daemon: {took_s:.1f} s; {told['left']}"
    )
    middle, most = waits[len(waits) // 2] * 1e3, waits[len(waits) * 99 // 100] * 1e3
    print(
        f"{len(waits)} commits meanwhile: median {middle:.1f} ms, 99 % under {most:.1f} ms, longest"
        f" {waits[-1] * 1e3:.1f} ms"
    )
    await store.close()
    print(f"file after it: {path.stat().st_size / 1e6:.0f} MB (free pages are used again)")
    compacting = await purge(folder, "--compact")
    assert compacting.stdout is not None
    print(f"--compact: {json.loads(await compacting.stdout.read())['compacted']}")
    await compacting.wait()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as place:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 400, Path(place)))
