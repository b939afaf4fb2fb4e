"""How late the tick of the scan is on this machine, with and without real-time priority, beside processor hogs.

By hand: python tests/benchmarks/bench_jitter.py [seconds of each]. The very loop of the kernel (`station.safety.turns`)
turns in a process of its own, with nothing else in it: what is shown is what the machine does to it, not what the
daemon does (bench_scan.py shows that). A scan that is late by more than 50 ms is a trip. Run it on the bench itself,
idle and beside whatever else runs there. Where the system grants no priority the line says so, and shows nothing in
its place.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from station.realtime import SCAN_PRIORITY, take_priority
from station.safety.rules import Rules
from station.safety.turns import tick

PERIOD_S = Rules().period_s
HOG = "while True: pass"


def turn_for(seconds: float, priority: bool) -> None:
    """In the child: print the lateness of each tick in milliseconds, or nothing where priority is refused."""
    if priority and not take_priority(SCAN_PRIORITY):
        return
    late_ms: list[float] = []

    def turn(due: float) -> None:
        late_ms.append((time.monotonic() - due) * 1000.0)

    async def run() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await tick(turn, time.monotonic, PERIOD_S)

    asyncio.run(run())
    print(*late_ms[1:])


def look(name: str, seconds: float, hogs: int, *, priority: bool, hog_nice: int = 0) -> None:
    """One line."""
    running = [subprocess.Popen(["nice", "-n", str(hog_nice), sys.executable, "-S", "-c", HOG]) for _ in range(hogs)]
    try:
        told = subprocess.run(
            [sys.executable, __file__, "--turn", str(seconds), str(int(priority))],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    finally:
        for hog in running:
            hog.kill()
            hog.wait()
    if not told:
        print(f"{name:44} real-time priority is refused here (ulimit -r, or RT_GROUP_SCHED of the kernel)")
        return
    late = sorted(map(float, told))
    p50, p99 = late[len(late) // 2], late[min(len(late) - 1, round(len(late) * 0.99))]
    trips = sum(one > PERIOD_S * 1000.0 for one in late)
    print(
        f"{name:44} {len(late):6} {p50:8.2f} {p99:8.2f} {late[-1]:8.2f} {trips:6}   {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def main() -> None:
    """All of them, one after the other."""
    if sys.argv[1:2] == ["--turn"]:
        turn_for(float(sys.argv[2]), sys.argv[3] == "1")
        return
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    hogs = 2 * (os.cpu_count() or 1)
    print(f"{'ms late':44} {'ticks':>6} {'p50':>8} {'p99':>8} {'maximum':>8} {'> 50':>6}   load")
    for priority in (False, True):
        what = "with real-time priority" if priority else "without"
        look(what, seconds, 0, priority=priority)
        look(f"{what}, {hogs} hogs", seconds, hogs, priority=priority)
    look(f"without, {hogs} hogs at nice 19 (units' weights)", seconds, hogs, priority=False, hog_nice=19)


if __name__ == "__main__":
    main()
