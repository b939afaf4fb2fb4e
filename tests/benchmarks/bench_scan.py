"""How late the scan is against its tick: idle, under the soak at 240 times real time, and beside processor hogs.

By hand: python tests/benchmarks/bench_scan.py [seconds of each]. Seen from outside, so that it costs the daemon
nothing: ticks are whole multiples of the period on CLOCK_MONOTONIC, every completed scan sends a heartbeat, and the
guard's firmware stamps each one that it accepts. What is shown is therefore the lateness of the scan, plus its own
duration, the wire and the guard's wake-up. A tick without a heartbeat counts as missed, and the next heartbeat as late
by all of it. A scan that is late by more than one period is a trip (K01): then the phase says so. The daemon and the
simulated bench run with real-time priority where the system grants it; hogs do not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from station.safety.rules import Rules
from tests.scenarios.deaths import Deathbed, stolen_ms

PERIOD_NS = round(Rules().period_s * 1e9)
SPEED = 240
SETTLE_S = 3.0
HOG = "while True: pass"


def lateness_ms(stamps: list[int]) -> tuple[list[float], int]:
    """Of each heartbeat against the first tick that it answers, in order of size, and how many ticks were missed."""
    late, missed = [], 0
    for before, stamp in pairwise(stamps):
        behind = max(0, stamp // PERIOD_NS - before // PERIOD_NS - 1)
        late.append((stamp % PERIOD_NS + behind * PERIOD_NS) / 1e6)
        missed += behind
    return sorted(late), missed


@contextmanager
def hogs(count: int) -> Iterator[None]:
    """So many busy loops at normal priority."""
    running = [subprocess.Popen([sys.executable, "-S", "-c", HOG]) for _ in range(count)]
    try:
        yield
    finally:
        for hog in running:
            hog.kill()
            hog.wait()


def look(bench: Deathbed, name: str, seconds: float) -> None:
    """One phase and its line."""
    trips, began_ns, stolen = bench.said().count("scan, LATE"), time.monotonic_ns(), stolen_ms()
    time.sleep(seconds)
    file = bench.folder / "heartbeats.json"
    bench.order(f"heartbeats {file}")
    stamps = [stamp for stamp in json.loads(file.read_text()) if stamp >= began_ns]
    late, missed = lateness_ms(stamps)
    trips = bench.said().count("scan, LATE") - trips
    stolen = stolen_ms() - stolen
    print(
        f"{name:26} {len(late):6} {_at(late, 0.5):8.2f} {_at(late, 0.99):8.2f} {late[-1]:8.2f} {missed:7} {trips:6}"
        f"   {os.getloadavg()[0]:.2f}, {stolen / (10 * seconds * (os.cpu_count() or 1)):.1f} %",
        flush=True,
    )


def _at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, round(share * len(values)))]


def in_soak(bench: Deathbed) -> None:
    """A run up to its soak, DUT driven."""
    run_id = bench.begin("drive", reached="soak-3")
    bench.until(lambda: bench.driven() or run_id in bench.results(), "drive")
    time.sleep(1.0)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 25.0
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="scan-") as folder, Deathbed(Path(folder), speed=SPEED) as bench:
        bench.session()
        time.sleep(SETTLE_S)
        heads = f"{'p50':>8} {'p99':>8} {'maximum':>8} {'missed':>7} {'trips':>6}   load, stolen"
        print(f"{'ms late':26} {'scans':>6} {heads}")
        look(bench, "idle", seconds)
        with hogs(cores):
            look(bench, f"idle, {cores} hogs", seconds)
        in_soak(bench)
        look(bench, "soak", min(seconds, 24.0))
        bench.quit_station()
        bench.start_station()
        in_soak(bench)
        with hogs(cores):
            look(bench, f"soak, {cores} hogs", min(seconds, 24.0))
        bench.quit_station()


if __name__ == "__main__":
    main()
