"""A fleet of light stations on Debian's mosquitto and one collector on SQLite: start, steady second, killed broker.

    python -m tests.benchmarks.bench_fleet [STATIONS …] [--results-per-s R] [--window SECONDS]

One JSON document a fleet size. All figures are of this machine at this moment; `load` says how busy others kept it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from station.cli.children import Child, start_child
from station.mqtt.address import parse_address
from station.mqtt.crowd import Crowd, Opened
from station.mqtt.link import LinkOptions, Received
from tests.servers.mosquitto import Mosquitto

SETTINGS = ("allow_anonymous true", "log_type none", "sys_interval 1")
"""Silent, and with its own counts every second."""
RECEIVED = "$SYS/broker/publish/messages/received"
UP_S = 300.0
SPARE_FILES = 1000


def cpu_s(pid: int) -> float:
    """Processor time, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def spent(pids: dict[str, int], before: dict[str, float]) -> dict[str, float]:
    """Processor seconds of each since then: unlike wall time, these hardly depend on what else the machine does."""
    return {name: round(cpu_s(pid) - before.get(name, 0.0), 2) for name, pid in pids.items()}


def pid_of(broker: Mosquitto) -> int:
    """Of the broker that runs now."""
    assert broker.process is not None
    return broker.process.pid


class Fleet:
    """The verb as a process, and what it says every second."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.last: dict[str, Any] = {}

    def until(self, check: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read on until its figures say so."""
        deadline = time.monotonic() + UP_S
        while time.monotonic() < deadline:
            self.last = json.loads(self.child.wait_line(UP_S))
            if check(self.last):
                return self.last
        raise SystemExit(f"not within {UP_S:g} s; the fleet says {self.last}")


def received_by(url: str) -> int:
    """PUBLISHes that the broker has counted."""
    crowd = Crowd()
    link = crowd.open(LinkOptions(parse_address(url), "counter"))
    while True:
        crowd.turn(0.1)
        heard, link.heard[:] = list(link.heard), []
        for item in heard:
            if isinstance(item, Opened):
                link.subscribe(RECEIVED)
            elif isinstance(item, Received):
                crowd.close()
                return int(item.payload)


def steady(fleet: Fleet, broker: Mosquitto, pids: dict[str, int], window_s: float) -> dict[str, Any]:
    """Rates and processor shares over a window in which nothing happens."""
    began, before = time.monotonic(), dict(fleet.last)
    cpu, counted = {name: cpu_s(pid) for name, pid in pids.items()}, received_by(broker.url)
    fleet.until(lambda told: told["t_s"] - before["t_s"] >= window_s)
    passed = fleet.last["t_s"] - before["t_s"]
    wall = time.monotonic() - began
    shares = {name: round(100 * (cpu_s(pid) - cpu[name]) / wall, 1) for name, pid in pids.items()}
    return {
        "seconds": round(wall, 1),
        "telemetry_per_s": round((fleet.last["telemetry"] - before["telemetry"]) / passed, 1),
        "telemetry_skipped_per_s": round((fleet.last["telemetry_skipped"] - before["telemetry_skipped"]) / passed, 1),
        "broker_counted_publishes_per_s": round((received_by(broker.url) - counted) / wall, 1),
        "receipts_per_s": round((fleet.last["receipts"] - before["receipts"]) / passed, 1),
        "percent_of_a_core": shares, "rss_mb": {name: round(rss_mb(pid), 1) for name, pid in pids.items()},
    }  # fmt: skip


def measure(stations: int, results_per_s: float, window_s: float) -> dict[str, Any]:
    """One fleet from its start to its goodbye."""
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder, ExitStack() as open_things:
        place = Path(folder)
        database = place / "centre.sqlite"
        broker = Mosquitto(place / "broker", SETTINGS, files_max=stations + SPARE_FILES)
        open_things.enter_context(broker)
        arguments = ["collect", "--database", str(database), "--broker", broker.url]
        collector = open_things.enter_context(start_child(arguments, place / "collect.log"))
        collector.wait_line(UP_S)
        arguments = ["simulate", "--fleet", str(stations), "--broker", broker.url, "--json"]
        arguments += ["--results-per-s", str(results_per_s)]
        fleet = Fleet(open_things.enter_context(start_child(arguments, place / "fleet.log")))
        said: dict[str, Any] = {"stations": stations, "load": os.getloadavg()[0]}
        started = fleet.until(lambda told: told["settled_s"] is not None)
        pids = {"broker": pid_of(broker), "collector": collector.process.pid, "fleet": fleet.child.process.pid}
        said["start"] = {"online_s": started["back_s"], "settled_s": started["settled_s"], "cpu_s": spent(pids, {})}
        said["steady"] = steady(fleet, broker, pids, window_s)
        lost = fleet.last["lost"]
        broker.kill()
        broker.start()
        before = {**spent(pids | {"broker": pid_of(broker)}, {}), "broker": 0.0}
        back = fleet.until(lambda told: told["lost"] - lost >= stations and told["settled_s"] is not None)
        pids["broker"] = pid_of(broker)
        said["killed"] = {"online_s": back["back_s"], "settled_s": back["settled_s"], "cpu_s": spent(pids, before)}
        fleet.child.process.terminate()
        last = fleet.until(lambda told: bool(told.get("ended")))
        fleet.child.process.wait(UP_S)
        said["results"] = reckon(database, last)
        said["load_at_the_end"] = os.getloadavg()[0]
        return said


def reckon(database: Path, last: dict[str, Any]) -> dict[str, Any]:
    """What the centre has of what the fleet made."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        kept, different = db.execute("SELECT count(*), count(DISTINCT msg_id) FROM messages").fetchone()
        results = db.execute("SELECT count(*) FROM results").fetchone()[0]
    return {
        "runs": last["runs"], "results_at_the_centre": results, "messages": last["posted"],
        "lost": last["posted"] - different, "double": kept - different,
        "sent_again": last["published"] - last["posted"],
        "receipts_repeated": last["repeated"], "strange": last["strange"],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("stations", nargs="*", type=int, default=[10_000])
    parser.add_argument("--results-per-s", type=float, default=20.0)
    parser.add_argument("--window", type=float, default=20.0)
    options = parser.parse_args()
    for stations in options.stations:
        said = measure(stations, options.results_per_s, options.window)
        print(json.dumps({"machine": f"{platform.machine()}, {os.cpu_count()} cores", **said}), flush=True)


if __name__ == "__main__":
    main()
