"""`page`: the bench page in a process of its own; wires it to the socket's end, the lamps' table and the store."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import sys
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from drivers.catalog import CATALOG
from station.cli.advice import make_advice
from station.contract.records import RecordCodec
from station.control.watcher import ControlWatcher
from station.domain.errors import SettingsError
from station.page.earlier import Earlier, Make
from station.page.serve import PageChoice, serve
from station.settings.loading import load
from station.settings.tree import PageSettings
from station.steps.catalog import STEPS

ANSWER_S = 3.0
"""A daemon that says nothing for so long is shown as silent."""
INSTALLED = Path("/etc/bench")


@dataclass(frozen=True, slots=True)
class Choice:
    """The options of the verb; None: as the configuration says."""

    config: Path | None
    socket: Path | None
    host: str | None
    port: int | None
    lang: str | None


def run_page(choice: Choice) -> int:
    """Serve until a signal; 0 then. Raises `SettingsError` for wrong use or a wrong configuration."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    config = choice.config
    if config is None and choice.socket is None:
        config = INSTALLED
    tree = None if config is None else load(config, STEPS, CATALOG)
    station = tree.station if tree is not None else None
    settings = station.page if station is not None else PageSettings()
    if choice.host is not None and not settings.lan and not _is_this_machine(choice.host):
        raise SettingsError(f"--host {choice.host}: the page is for this machine alone; set page.lan = true for others")
    zone = _zone(station.timezone if station is not None else None)
    socket = choice.socket or Path(station.control_socket if station is not None else "/run/bench/station.sock")
    page = PageChoice(
        station.name if station is not None else "", choice.lang or (station.language if station is not None else "zh"),
        zone, settings.lan, settings.port if choice.port is None else choice.port, choice.host,
    )  # fmt: skip
    earlier = None if station is None else _earlier(Path(station.store_path), zone)
    line = ControlWatcher(socket, ANSWER_S)
    asyncio.run(serve(page, line, make_advice(tree.interlocks if tree else ()), earlier, _say))
    return 0


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _say(url: str) -> None:
    print(url, flush=True)
    print("the bench page; Ctrl-C ends it", file=sys.stderr)


def _zone(name: str | None) -> tzinfo:
    """The bench's zone; this machine's own where no configuration names one."""
    if name is not None:
        return zoneinfo.ZoneInfo(name)
    from datetime import datetime

    return datetime.now().astimezone().tzinfo or UTC


def _earlier(store: Path, zone: tzinfo) -> Make:
    return lambda board, feed: Earlier(store, RecordCodec(), zone, board, feed)
