"""Time and peak memory of `station stats` over made-up runs, in a store and in the centre's SQLite and PostgreSQL.

By hand: python tests/benchmarks/bench_stats.py [records] [--keep DIR]. Records are of real shape (38 measurements,
50 KB with their curves), by 50 benches, made once and written to all three. Each `stats` is a process of its own, as in
use; processor and memory (its resident peak) are that process's, the server's apart. With --keep the files stay in DIR.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from station.collector import rows  # noqa: E402
from station.collector.database import open_centre  # noqa: E402
from station.contract.envelope import open_envelope, sha256_of  # noqa: E402
from station.contract.messages import encode_result  # noqa: E402
from station.domain.outbox import Slot  # noqa: E402
from station.domain.record import Record  # noqa: E402
from station.store.schema import open_database  # noqa: E402
from tests.servers.postgres import Postgres  # noqa: E402
from tests.statistics.made_up import MadeUp, text_of, with_curves  # noqa: E402
from tests.uplink.rig import TS, read_stamp  # noqa: E402

BENCHES, EPOCH, BATCH = 50, "9f31c2aa", 500
RUN_COLUMNS = (
    "run_no, run_id, record, purpose, plan, product, serial_number, work_order, simulated, started_at,"
    " ended_at, verdict"
)
PROGRAM = """
import sys, time
from station.cli.main import main
try:
    main()
finally:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(time.process_time(), peak.split()[1], file=sys.stderr)
"""
"""`station`, then its processor seconds and resident peak in kB: wait4 begins a child with the peak of its parent."""


def written(record: Record) -> tuple[tuple[object, ...], tuple[object, ...], rows.Row]:
    """Its rows: of the store without the number, of the centre's messages and results."""
    slot = Slot(f"{record.station}:{EPOCH}:{record.run_no}", record.run_no)
    bare = encode_result(record, slot, read_stamp())
    payload = with_curves(bare.decode())
    envelope = open_envelope(bare)
    message = (envelope.msg_id, record.station, envelope.schema_, sha256_of(payload.encode()), TS, TS, payload, EPOCH,
               record.run_no)  # fmt: skip
    run = (record.run_id, text_of(record), record.purpose, record.plan.id, record.dut.product, record.dut.serial_number,
           record.work_order, record.simulated, record.started_at, record.ended_at, record.verdict.value)  # fmt: skip
    return run, message, rows.result_row(envelope, record)


def fill(count: int, store: Path, centre: Path, url: str) -> None:
    """The same runs into all three."""
    for database in (str(centre), url):
        made = open_centre(database)
        made.ready()
        made.close()
    own, lite = open_database(store), sqlite3.connect(centre)
    with psycopg.connect(url) as server:
        for first, batch in batches(MadeUp(8, BENCHES).records(count, between=timedelta(minutes=4))):
            made_rows = [written(record) for record in batch]
            own.execute("BEGIN")
            own.executemany(
                f"INSERT INTO runs ({RUN_COLUMNS}) VALUES ({', '.join('?' * 12)})",
                [(first + at, *run) for at, (run, _, _) in enumerate(made_rows)],
            )
            own.execute("COMMIT")
            each = [("messages", [message for _, message, _ in made_rows]), ("results", [r for *_, r in made_rows])]
            each += [("measurements", [row for record in batch for row in rows.measurement_rows(record)]),
                     ("steps", [row for record in batch for row in rows.step_rows(record)]),
                     ("findings", [row for record in batch for row in rows.finding_rows(record)])]  # fmt: skip
            for table, listed in each:
                if listed:
                    lite.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(listed[0]))})", listed)
                    with server.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                        for row in listed:
                            copy.write_row(row)
            print(f"\r{first + len(batch) - 1} records", end="", file=sys.stderr, flush=True)
        server.commit()
        server.execute("ANALYZE")
    own.close()
    lite.commit()
    lite.close()


def batches(records: Iterator[Record]) -> Iterator[tuple[int, list[Record]]]:
    """The number of its first record, and the batch."""
    first = 1
    while batch := list(islice(records, BATCH)):
        yield first, batch
        first += len(batch)


def measure(name: str, size: float, arguments: list[str]) -> str:
    """One `stats`, timed; what it prints."""
    command = [sys.executable, "-c", PROGRAM, "stats", "--json", *arguments]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{name}: status {done.returncode}\n{done.stderr}")
    *_, busy_s, peak_kb = done.stderr.split()
    figures = f"{took:7.1f} s  {float(busy_s):6.1f} s of processor  {int(peak_kb) / 1024:5.0f} MB"
    counted = json.loads(done.stdout)["counts"]["runs"]
    print(f"{name:24} {size / 1e9:6.2f} GB {figures}  {counted} runs counted", flush=True)
    return done.stdout


def main(arguments: list[str]) -> None:
    keep = Path(arguments.pop(arguments.index("--keep") + 1)) if "--keep" in arguments else None
    count = next((int(one) for one in arguments if one.isdigit()), 100_000)
    with tempfile.TemporaryDirectory() as place, Postgres() as server:
        folder = keep or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        store, centre, url = folder / "station.sqlite", folder / "centre.sqlite", server.url
        (folder / "station.toml").write_text(
            f'[station]\nname = "bench-01"\ntimezone = "Asia/Shanghai"\n[store]\npath = "{store}"\n', encoding="utf-8"
        )
        began = time.perf_counter()
        fill(count, store, centre, url)
        print(f"\n{count} records written in {time.perf_counter() - began:.0f} s; load average {os.getloadavg()}")
        with psycopg.connect(url) as db:
            row = db.execute("SELECT pg_database_size(current_database())").fetchone()
        sizes = {"store": store.stat().st_size, "SQLite": centre.stat().st_size, "PostgreSQL": row[0] if row else 0}
        config = ["--config", str(folder)]
        measure("a bench's store", sizes["store"], config)
        said = [
            measure(name, sizes[name], ["--database", at])
            for name, at in (("SQLite", str(centre)), ("PostgreSQL", url))
        ]
        month = ["--since", "2026-03-01", "--until", "2026-03-31"]
        measure("SQLite, one month", sizes["SQLite"], ["--database", str(centre), *month])
        measure("PostgreSQL, one month", sizes["PostgreSQL"], ["--database", url, *month])
        left, right = ({k: v for k, v in json.loads(text).items() if k != "source"} for text in said)
        print("both databases of the centre say the same" if left == right else "THE TWO DATABASES DIFFER")


if __name__ == "__main__":
    main(sys.argv[1:])
