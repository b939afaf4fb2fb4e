"""What a bench writes to its card: a whole outgoing test to the centre's receipt, and a day with nothing to do.

By hand: python -m tests.benchmarks.bench_writes [seconds of idling]. Real processes on the simulated bench. Counted is
what the kernel sent towards the disk for the daemon and its sound process (`write_bytes` of /proc/PID/io), the journal
of the file system not among it. A card wears by what it erases: small synced writes cost more than their bytes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from tests.scenarios.live import Live, Technician

SCANS = {
    "operator": "OP:bench", "work_order": "WO:WRITES-1", "serial_number": "SN:W1", "product": "PR:example-a-100",
}  # fmt: skip
DAY_S = 86_400.0


class Written(NamedTuple):
    """Bytes so far: towards the disk, the store's files, the log."""

    disk: int
    store: int
    log: int

    def since(self, before: Written) -> Written:
        """The difference."""
        return Written(self.disk - before.disk, self.store - before.store, self.log - before.log)


def written(live: Live) -> Written:
    """What daemon and sound process have written."""
    total = 0
    for pid in (live.station.pid, live.sound_pid()):
        fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
        total += int(fields["write_bytes"])
    files = [path for path in live.folder.rglob("*.sqlite*") if "centre" not in path.name]
    return Written(total, sum(path.stat().st_size for path in files), (live.folder / "run.log").stat().st_size)


def is_result(receipt: dict[str, Any], run_id: str) -> bool:
    """Whether it is the receipt of this run's record."""
    return receipt["run_id"] == run_id and receipt["of"] == "result"


def say(what: str, seconds: float, told: Written) -> None:
    """One line."""
    print(
        f"{what:<34}{seconds:9.1f} s   disk {told.disk / 1024:9.0f} KiB   store grew {told.store / 1024:7.0f} KiB",
        end="",
    )
    print(f"   log {told.log / 1024:6.1f} KiB")


def main(idle_s: float) -> None:
    """Play and print."""
    Live.afresh = True
    with tempfile.TemporaryDirectory() as folder, Live(Path(folder)) as live:
        technician = Technician(SCANS)
        began, before, run_id = 0.0, Written(0, 0, 0), ""
        for event in live.watch(technician, limit_s=400.0):
            if event["kind"] == "run_started":
                began, before, run_id = time.monotonic(), written(live), event["data"]["run_id"]
            elif event["kind"] == "run_ended":
                assert event["data"]["verdict"] == "PASS", event
            elif event["kind"] == "receipt" and is_result(event["data"], run_id):
                break
        say("a whole outgoing test, to receipt", time.monotonic() - began, written(live).since(before))
        time.sleep(5.0)
        began, before = time.monotonic(), written(live)
        time.sleep(idle_s)
        took_s, told = time.monotonic() - began, written(live).since(before)
        say("nothing to do", took_s, told)
        say("… over a day", DAY_S, Written(*(round(part * DAY_S / took_s) for part in told)))


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 120.0)
