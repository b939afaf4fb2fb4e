"""`simulate --fleet N --broker URL`: N light stations in this process, each with an MQTT session of its own.

Shows a line that changes, or with `--json` one document a second and a last one with `"ended": true`.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from station.cli.keys import KEYS, RECEIPT_KEYS, centre_key
from station.contract.keys import load_public_keys
from station.domain.errors import SettingsError
from station.fleet.fleet import Fleet, Work, fleet_names
from station.mqtt.address import BrokerAddress, parse_address
from station.uplink.clock import ClockReader

STATIONS_MAX = 50_000
SPARE_FILES = 64
"""Beside one a station: standard streams, epoll, libraries."""
SETTLE_S = 20.0
_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FleetChoice:
    """What was asked for."""

    stations: int
    broker: str
    results_per_s: float
    seconds: float | None
    as_json: bool


def run_fleet(choice: FleetChoice) -> int:
    """Until a signal or `seconds`; then the outboxes are emptied and every station says goodbye.

    0; 1 where no station came online or messages were left without a receipt. Raises `SettingsError` for wrong use.
    """
    address = _address_of(choice)
    _allow_files(choice.stations)
    centre_key()
    keys = load_public_keys(KEYS / RECEIPT_KEYS)
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: asked.append(number))
    work = Work(choice.results_per_s)
    fleet = Fleet(fleet_names(choice.stations), address, keys, ClockReader().read_stamp, work)
    view = _View(fleet, choice)
    ends = float("inf") if choice.seconds is None else time.monotonic() + choice.seconds
    with view.console.status("") as line:
        while not asked and time.monotonic() < ends:
            fleet.turn()
            if (told := view.look()) is not None:
                line.update(told)
        line.update("the outboxes are emptied")
        fleet.settle(SETTLE_S if fleet.figures.births else 0.0)
        last = view.tell()
        line.update("the stations say goodbye")
        fleet.leave()
    view.end(last)
    return 0 if fleet.figures.births and not last["waiting"] else 1


def _address_of(choice: FleetChoice) -> BrokerAddress:
    if not 1 <= choice.stations <= STATIONS_MAX:
        raise SettingsError(f"--fleet {choice.stations}: 1 to {STATIONS_MAX:,} stations in one process")
    if choice.results_per_s < 0 or (choice.seconds is not None and choice.seconds <= 0):
        raise SettingsError("--results-per-s is 0 or more, --seconds more than 0")
    address = parse_address(choice.broker)
    if address.tls:
        raise SettingsError(
            f"--broker {choice.broker}: a fleet has no certificates, one for each of its stations; "
            "point it at a plain listener on loopback, mqtt://127.0.0.1:port"
        )
    return address


def _allow_files(stations: int) -> None:
    """Every station holds a connection open. Raises `SettingsError` where the system does not allow so many."""
    needed = stations + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise SettingsError(
                f"--fleet {stations}: needs {needed} open files, this process may have {hard}; raise the limit "
                f"(`ulimit -Hn`, systemd: LimitNOFILE={needed}) or take --fleet {max(1, hard - SPARE_FILES)}"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


class _View:
    """What is told, once a second."""

    def __init__(self, fleet: Fleet, choice: FleetChoice) -> None:
        self.console = Console(stderr=choice.as_json, highlight=False)
        self._fleet, self._json = fleet, choice.as_json
        self._began = self._at = time.monotonic()
        self._cpu_s, self._telemetry = time.process_time(), 0

    def look(self) -> str | None:
        """The line for people, if a second has passed."""
        now = time.monotonic()
        if now - self._at < 1.0:
            return None
        told = self.tell()
        if self._json:
            self._print(told)
        return _line(told)

    def end(self, told: dict[str, Any]) -> None:
        """The last word: how it was before the goodbyes."""
        if self._json:
            self._print({**told, "ended": True})
        else:
            self.console.print(_line(told), soft_wrap=True)
        if (why := self._why_nothing()) is not None:
            self.console.print(why, soft_wrap=True, markup=False)

    def _why_nothing(self) -> str | None:
        figures = self._fleet.figures
        if not figures.births:
            return f"no station came online: {figures.last_error or 'no answer in so short a time'} (--broker)"
        if figures.posted and not figures.receipts:
            return "no receipts; is a collector running on this broker (`station collect`)?"
        return None

    def tell(self) -> dict[str, Any]:
        """How it stands."""
        now, figures, settling = time.monotonic(), self._fleet.figures, self._fleet.settling
        counted = {name: value for name, value in asdict(figures).items() if name != "unsettled"}
        passed, self._at = max(now - self._at, 1e-6), now
        cpu_s, telemetry = time.process_time(), figures.telemetry
        rates = {
            "telemetry_per_s": round((telemetry - self._telemetry) / passed, 1),
            "cpu_percent": round(100.0 * (cpu_s - self._cpu_s) / passed, 1),
        }
        self._cpu_s, self._telemetry = cpu_s, telemetry
        return {
            "t_s": round(now - self._began, 2), "stations": len(self._fleet.stations), **counted,
            "waiting": figures.waiting, **rates, "cpu_s": round(cpu_s, 2), "rss_mb": round(_rss_mb(), 1),
            "back_s": _rounded(settling.back_s), "settled_s": _rounded(settling.settled_s),
        }  # fmt: skip

    def _print(self, told: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def _line(told: dict[str, Any]) -> str:
    settled = "settling" if told["settled_s"] is None else f"settled in {told['settled_s']:g} s"
    return (
        f"{told['online']} of {told['stations']} online, {settled}; telemetry {told['telemetry_per_s']:g}/s; "
        f"{told['runs']} runs, {told['receipts']} of {told['posted']} messages receipted, {told['waiting']} waiting; "
        f"{told['lost']} links lost; {told['cpu_percent']:g} % of a core, {told['rss_mb']:g} MB"
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MB
