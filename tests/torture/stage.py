"""Everybody who is tortured, real processes in one folder: broker, database, wires, stations, collectors, a rogue."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from station.cli.broker import EmbeddedBroker
from station.contract.keys import new_key, public_keys_to_text, save_key
from station.domain.errors import LinkError
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Postgres
from tests.servers.proxy import Proxy
from tests.torture.books import Ledger
from tests.torture.children import Child
from tests.torture.disks import Disk
from tests.torture.settings import Settings
from tests.torture.tortured import ENOUGH, STORE_CANNOT_OPEN, Told

_QUIET = ("allow_anonymous true", "log_type none")
_TRIES = 20
_STATION_ROOM, _CENTRE_ROOM = "256m", "512m"


class Iotcore:
    """The embedded broker, which can be killed and stopped as mosquitto can."""

    def __init__(self) -> None:
        self._broker = EmbeddedBroker()
        self.port = 0

    def start(self) -> None:
        self._broker = EmbeddedBroker(self.port or None).start()
        self.port = self._broker.port

    def signal(self, number: int) -> None:
        os.kill(self._pid(), number)

    def kill(self) -> None:
        for number in (signal.SIGCONT, signal.SIGKILL):
            self.signal(number)
        self._broker.stop()

    def stop(self) -> None:
        self._broker.stop()

    def _pid(self) -> int:
        return int(self._broker._broker._process.pid)  # type: ignore[union-attr]


class Seat:
    """One station: its process, its disk, its ledger."""

    def __init__(self, told: Told, disk: Disk, log: Path, hear: Callable[[Seat, Mapping[str, Any]], None]) -> None:
        self.told = told
        self.disk = disk
        self.ledger = Ledger()
        self.idle = False
        self.child = Child(told.name, self._arguments, log, lambda words: hear(self, words))

    def _arguments(self, life: int) -> Sequence[str]:
        self.idle = False
        return ("tests.torture.tortured", replace(self.told, seed=self.told.seed + life).to_text())

    def say_enough(self) -> None:
        """No more runs, in this life and the next."""
        (Path(self.told.home) / ENOUGH).touch()


class Stage:
    """`with Stage(settings, folder) as stage:` all are up; afterwards all that was started has ended."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.counts: Counter[str] = Counter()
        """What happened, by name; what the rogue did and saw comes on top in `all_counts`."""
        self.findings: list[str] = []
        """Deaths that nobody asked for."""
        self._rogue_lives: dict[int, Counter[str]] = {}
        self._claimed: set[str] = set()
        self._closing = ExitStack()
        self.postgres: Postgres | None = None
        self.seats: list[Seat] = []
        self.collectors: list[Child] = []

    def __enter__(self) -> Stage:
        with ExitStack() as stack:
            self._build(stack)
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.close()

    @property
    def children(self) -> Iterator[Child]:
        """Stations and collectors."""
        yield from (seat.child for seat in self.seats)
        yield from self.collectors

    @property
    def all_counts(self) -> Counter[str]:
        """What happened, with what the rogue did and saw in all its lives."""
        return sum(self._rogue_lives.values(), self.counts.copy())

    def start_broker(self) -> None:
        """Again, on its old port; another program's connection may sit on that for a moment."""
        for _ in range(_TRIES):
            with suppress(AssertionError, LinkError):
                self.broker.start()
                return
            time.sleep(0.2)
        self.broker.start()

    def claim(self, what: str) -> bool:
        """Whether nothing is being done to it; now something is."""
        free = what not in self._claimed
        self._claimed.add(what)
        return free

    def release(self, what: str) -> None:
        """It is as it was."""
        self._claimed.discard(what)

    def watch(self) -> list[Child]:
        """Those who ended by themselves. A full disk excuses it, and a database that is away; all else is a finding."""
        ended = [child for child in self.children if child.ended_with is not None]
        for child in ended:
            status = child.ended_with
            self.counts[f"{child.name.partition('-')[0]} ended by itself ({status})"] += 1
            if status != (2 if child in self.collectors else STORE_CANNOT_OPEN):
                said = child.log.read_text(errors="replace")[-1500:]
                self.findings.append(f"{child.name} ended by itself with {status}: …{said}")
            child.kill()
        return ended

    def restart_ended(self) -> None:
        """As systemd would."""
        for child in self.watch():
            child.start()

    def heal(self) -> None:
        """Nobody is stopped, everybody lives, there is room, the wires are good; the rogue only looks."""
        self._calm.touch()
        self.counts["wires reset to heal them"] += self.wire.calm()
        for disk in self.disks:
            disk.make_room()
        for child in self.children:
            child.signal(signal.SIGCONT)
            child.start()

    # --- building ----------------------------------------------------------------------------------------------

    def _build(self, stack: ExitStack) -> None:
        settings, folder = self.settings, self.folder
        self.key, self._calm = folder / "key.json", folder / "calm"
        key = new_key()
        save_key(self.key, key)
        (folder / "public.json").write_text(public_keys_to_text(key))
        self.broker = Iotcore() if settings.broker == "iotcore" else Mosquitto(folder / "broker", _QUIET)
        self.broker.start()
        stack.callback(self.broker.stop)
        routes = {"stations": self.broker.port, "collectors": self.broker.port}
        self.wire = stack.enter_context(Proxy(routes, seed=settings.seed))
        self.centre_disk = self._disk(stack, "centre", _CENTRE_ROOM if settings.database == "sqlite" else None)
        if settings.database == "postgresql":
            self.postgres = stack.enter_context(Postgres())
            self.database = self.postgres.url
        else:
            self.database = str(self.centre_disk.place / "centre.sqlite")
        for number in range(settings.stations):
            self.seats.append(self._seat(stack, number))
        self.collectors += [self._collector(stack, number) for number in range(settings.collectors)]
        self.disks = [*(seat.disk for seat in self.seats), self.centre_disk]
        self.rogue = self._rogue(stack) if settings.rogue else None
        for child in self.children:
            child.start()

    def _disk(self, stack: ExitStack, name: str, room: str | None) -> Disk:
        disk = Disk(self.folder / name / "disk", room)
        stack.callback(self._save, disk)
        return disk

    def _save(self, disk: Disk) -> None:
        """What lies on a file system in memory is copied beside it before that goes."""
        if disk.mounted:
            disk.make_room()
            shutil.copytree(disk.place, disk.place.with_name("was-on-disk"), dirs_exist_ok=True)
            disk.close()

    def _seat(self, stack: ExitStack, number: int) -> Seat:
        settings, name = self.settings, f"station-{number}"
        disk = self._disk(stack, name, _STATION_ROOM if number % 2 == 0 else None)
        quota = -(-settings.results // settings.stations)
        told = Told(
            name, str(self.folder / name), self.wire.url("stations"), str(self.folder / "public.json"),
            settings.seed * 1000 + number * 100, quota, 1.5 * quota / settings.storm_s_min,
            settings.receipt_timeout_s, settings.backoff_cap_s, settings.sabotage_station,
        )  # fmt: skip
        seat = Seat(told, disk, self.folder / f"{name}.log", self._hear)
        stack.callback(seat.child.kill)
        return seat

    def _collector(self, stack: ExitStack, number: int) -> Child:
        sabotage = self.settings.sabotage_collector
        program = ("tests.torture.sabotaged_collector", sabotage) if sabotage else ("station.collector",)
        arguments = (
            *program, "--broker", self.wire.url("collectors"), "--database", self.database, "--key", str(self.key),
            "--share", "centre", "--stop-with-parent",
        )  # fmt: skip
        name = f"collector-{number}"
        child = Child(name, lambda life: arguments, self.folder / f"{name}.log", lambda words: None)
        stack.callback(child.kill)
        return child

    def _rogue(self, stack: ExitStack) -> Child:
        told = (self.broker.port, self.key, self.settings.seed, self._calm)
        arguments = ("tests.torture.rogue", *(str(word) for word in told))
        child = Child("rogue", lambda life: (*arguments, str(life)), self.folder / "rogue.log", self._hear_rogue)
        stack.callback(child.kill)
        child.start()
        return child

    # --- hearing; in threads, one a child ------------------------------------------------------------------------

    def _hear(self, seat: Seat, words: Mapping[str, Any]) -> None:
        if "run" in words:
            seat.ledger.runs[words["run"]] = words["sha256"]
        elif "alarm" in words:
            seat.ledger.alarms.add(words["alarm"])
        elif "idle" in words:
            seat.idle = True
        elif "requeued" in words:
            self.counts["rows requeued from quarantine"] += words["requeued"]
        elif "jump_h" in words:
            self.counts["clock jumps"] += 1
        elif "store_error" in words:
            self.counts["commits refused by a full disk"] += 1
        elif "committed_in_spite_of" in words:
            self.counts["commits that failed and stood"] += 1
        elif "uplink_alarm" in words:
            self.counts[f"stations alarmed: {words['uplink_alarm']}"] += 1

    def _hear_rogue(self, words: Mapping[str, Any]) -> None:
        did = {f"rogue: {deed}": count for deed, count in words["did"].items()}
        saw = {f"receipts seen: {status}": count for status, count in words["saw"].items()}
        self._rogue_lives[words["life"]] = Counter({**did, **saw})
