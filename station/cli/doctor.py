"""`station doctor`: every device once, alone or through the running daemon.

Exit status 0 clean, 1 a device is silent or says that something is wrong, 2 wrong use. Energises nothing.
Beside a daemon it opens no port: the daemon is asked. What is found is in `station/doctor`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from station.cli.doctor_view import show
from station.cli.keys import credentials_of
from station.cli.terminal import Terminal
from station.control.answers import ControlError
from station.control.client import ControlClient
from station.doctor.around import look_around, point_document
from station.doctor.finding import Finding, as_document, from_document
from station.doctor.interface import interface_of
from station.domain.errors import SettingsError
from station.domain.printable import printable
from station.store.lock import StoreHeld, hold_if_there

if TYPE_CHECKING:
    from station.settings.tree import StationSettings, Tree

DONE, FOUND = 0, 1
WORDS = {
    "itself": "asked by doctor itself", "daemon": "asked through the daemon",
    "memory": "as the daemon last read them: a run is under way",
}  # fmt: skip
"""Who asked the devices, as in the JSON document."""
ANSWER_S = 20.0


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line said."""

    config: Path
    socket: Path | None
    listen: str | None
    as_json: bool


def doctor(choice: Choice) -> int:
    """Examine and show. Raises `SettingsError`."""
    tree = _tree_of(choice.config)
    settings = tree.station
    path = choice.socket or Path(settings.control_socket)
    client, silence = _daemon_at(path)
    if choice.listen is not None:
        return _listen(choice, settings, client, silence)
    if client is not None:
        with client:
            whence, found = _ask_daemon(client)
    else:
        with _no_daemon(settings, silence):
            whence, found = "itself", _examine(settings)
    from station.uplink.clock import ClockReader

    around = (*look_around(settings, credentials_of(choice.config), ClockReader().read_clock), interface_of(tree))
    if choice.as_json:
        document = {
            "asked": whence, "devices": [as_document(one) for one in found],
            "bench": [point_document(point) for point in around],
        }  # fmt: skip
        print(json.dumps(document, ensure_ascii=False))
    else:
        show(Terminal(), found, around, WORDS[whence])
    return DONE if all(one.clean for one in found) else FOUND


def _tree_of(config: Path) -> Tree:
    from drivers.catalog import CATALOG
    from station.settings.loading import load
    from station.steps.catalog import STEPS

    return load(config, STEPS, CATALOG)


def _daemon_at(path: Path) -> tuple[ControlClient | None, str]:
    """The daemon at that socket, or why none listens. Raises `SettingsError` for one that may not be asked."""
    try:
        return ControlClient(path, ANSWER_S), ""
    except ControlError as error:
        why = error.__cause__
        if isinstance(why, FileNotFoundError | ConnectionRefusedError):
            return None, str(error)
        raise SettingsError(str(error)) from error


@contextmanager
def _no_daemon(settings: StationSettings, silence: str) -> Iterator[None]:
    """No port is opened beside a daemon, whatever became of its socket. Raises `SettingsError`."""
    try:
        with hold_if_there(Path(settings.store_path)):
            yield
    except StoreHeld as held:
        raise SettingsError(
            f"a daemon runs (process {held.holder}) and its socket does not answer: {silence}; "
            "ask it (--socket) or stop it (sudo systemctl stop station)"
        ) from None


def _ask_daemon(client: ControlClient) -> tuple[str, tuple[Finding, ...]]:
    try:
        reply = client.ask("doctor")
    except ControlError as error:
        raise SettingsError(f"the daemon was asked: {error}") from error
    if reply["status"] != "done":
        raise SettingsError(f"the daemon does not tell: {reply['reason']}")
    data = reply["data"]
    return "memory" if data["running"] else "daemon", tuple(map(from_document, data["devices"]))


def _examine(settings: StationSettings) -> tuple[Finding, ...]:
    from zoneinfo import ZoneInfo

    from station.assembly import make_devices
    from station.doctor.examine import examine
    from station.run.wall import bench_day
    from station.uplink.clock import ClockReader

    today = bench_day(ClockReader().read_now, ZoneInfo(settings.timezone), simulated=settings.simulated)

    def told(one: Finding) -> None:
        print(f"{printable(one.role)}: {'answers' if one.answers else 'silent'}", file=sys.stderr)

    async def ask() -> tuple[Finding, ...]:
        devices = make_devices(settings, today)
        try:
            return await examine(devices, told)
        finally:
            await devices.close()

    return asyncio.run(ask())


def _listen(choice: Choice, settings: StationSettings, client: ControlClient | None, silence: str) -> int:
    if client is not None:
        client.close()
        raise SettingsError(
            "--listen: the daemon uses the bus; stop it first (sudo systemctl stop station), and start it afterwards"
        )
    from station.cli.doctor_listen import listen

    assert choice.listen is not None
    with _no_daemon(settings, silence):
        return listen(choice.listen, settings, as_json=choice.as_json)
