"""The daemon at rest: cold start of `run` to READY, resident sizes, processor time, against the simulated bench.

By hand: python tests/benchmarks/bench_daemon.py [seconds of idling]. Goals: READY within 0.8 s, at most 64 MB for the
daemon and 64 MB for its sound process, at most 3 % of one core. Only on a machine that does nothing else; the load
average is printed beside the figures.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from station.cli.broker import EmbeddedBroker

ROOT = Path(__file__).resolve().parents[2]
STARTS = 7
SETTLE_S = 5.0
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def threads(pid: int) -> dict[str, tuple[str, float, int]]:
    """By thread: its name, processor seconds, times it went to sleep."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        seconds = int((task / "schedstat").read_text().split()[0]) / 1e9
        status = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
        found[task.name] = ((task / "comm").read_text().strip(), seconds, int(status["voluntary_ctxt_switches"]))
    return found


def start(config: str, url: str, ready: socket.socket, address: str) -> tuple[subprocess.Popen[bytes], float]:
    """A daemon and the seconds until it said READY."""
    began = time.perf_counter()
    daemon = subprocess.Popen(
        [sys.executable, "-m", "station", "run", "--config", config, "--broker", url], stderr=subprocess.DEVNULL,
        env={**ENV, "NOTIFY_SOCKET": address}, cwd=ROOT,
    )  # fmt: skip
    while ready.recv(100) != b"READY=1":
        pass
    return daemon, time.perf_counter() - began


def idle(pid: int, seconds: float) -> None:
    before, began = threads(pid), time.perf_counter()
    time.sleep(seconds)
    after, took = threads(pid), time.perf_counter() - began
    total = 0.0
    for thread, (name, cpu_s, sleeps) in sorted(after.items()):
        _, cpu_0, sleeps_0 = before.get(thread, ("", 0.0, 0))
        total += cpu_s - cpu_0
        if cpu_s - cpu_0 > 0.001 * took:
            percent = 100 * (cpu_s - cpu_0) / took
            print(f"    {name} {thread}: {percent:.2f} %, {(sleeps - sleeps_0) / took:.0f} wake-ups a second")
    print(f"idle processor time over {took:.0f} s: {100 * total / took:.2f} % of one core (goal: at most 3)")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    with tempfile.TemporaryDirectory(prefix="daemon-") as folder, EmbeddedBroker() as broker:
        address = f"{folder}/notify"
        ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        ready.bind(address)
        twins = subprocess.Popen(
            [sys.executable, "-m", "station", "simulate", "--config-out", f"{folder}/config"], cwd=ROOT, env=ENV,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert twins.stdin is not None and twins.stdout is not None
        config = json.loads(twins.stdout.readline())["config"]
        times = []
        for number in range(STARTS):
            daemon, took_s = start(config, broker.url, ready, address)
            times.append(took_s)
            if number < STARTS - 1:
                time.sleep(1.0)
                daemon.terminate()
                daemon.wait()
        print(f"start to READY: median {statistics.median(times):.2f} s, best {min(times):.2f} s (goal: at most 0.8)")
        time.sleep(SETTLE_S)
        children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text().split()
        sizes = ", ".join(f"{resident_mb(int(child)):.1f} MB" for child in children)
        print(f"resident: daemon {resident_mb(daemon.pid):.1f} MB, sound process {sizes} (goal: at most 64 each)")
        idle(daemon.pid, seconds)
        print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
        daemon.terminate()
        daemon.wait()
        twins.stdin.close()
        twins.wait(10.0)


if __name__ == "__main__":
    main()
