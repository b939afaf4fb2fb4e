"""What is done to whom: a table. Each mishap strikes at once and says when and how it is undone."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.servers.proxy import FAULTS
from tests.torture.children import Child
from tests.torture.disks import Disk
from tests.torture.intruder import take_over
from tests.torture.stage import Stage

Undo = tuple[float, Callable[[], object]]
"""In how many seconds, and what."""
Strike = Callable[[Stage, random.Random], Undo | None]


@dataclass(frozen=True, slots=True)
class Mishap:
    """`weight` is how often it comes beside the others."""

    name: str
    weight: int
    strike: Strike


def _kill(choose: Callable[[Stage, random.Random], Child | None]) -> Strike:
    def strike(stage: Stage, rng: random.Random) -> Undo | None:
        child = choose(stage, rng)
        if child is None:
            return None
        child.kill()
        return rng.uniform(0.0, 1.0), child.start

    return strike


def _stop(choose: Callable[[Stage, random.Random], Child | None]) -> Strike:
    def strike(stage: Stage, rng: random.Random) -> Undo | None:
        child = choose(stage, rng)
        if child is None or child.stopped or not child.signal(signal.SIGSTOP):
            return None
        return _while(stage, rng), lambda: child.signal(signal.SIGCONT)

    return strike


def _while(stage: Stage, rng: random.Random) -> float:
    """Mostly short, now and then up to the longest."""
    return rng.uniform(0.1, stage.settings.stop_s_max if rng.random() < 0.3 else min(1.0, stage.settings.stop_s_max))


def _a_station(stage: Stage, rng: random.Random) -> Child | None:
    return _one_alive([seat.child for seat in stage.seats], rng)


def _a_collector(stage: Stage, rng: random.Random) -> Child | None:
    return _one_alive(stage.collectors, rng)


def _one_alive(children: list[Child], rng: random.Random) -> Child | None:
    alive = [child for child in children if child.pid is not None]
    return rng.choice(alive) if alive else None


def _kill_broker(stage: Stage, rng: random.Random) -> Undo | None:
    if not stage.claim("broker"):
        return None
    stage.broker.kill()
    return rng.uniform(0.0, 1.5), lambda: (stage.start_broker(), stage.release("broker"))


def _stop_broker(stage: Stage, rng: random.Random) -> Undo | None:
    if not stage.claim("broker"):
        return None
    stage.broker.signal(signal.SIGSTOP)
    return _while(stage, rng), lambda: (stage.broker.signal(signal.SIGCONT), stage.release("broker"))


def _kill_postgres(stage: Stage, rng: random.Random) -> Undo | None:
    server = stage.postgres
    if server is None or not stage.claim("postgres"):
        return None
    server.kill()
    return rng.uniform(0.0, 1.0), lambda: (server.start(), stage.release("postgres"))


def _stop_postgres(stage: Stage, rng: random.Random) -> Undo | None:
    server = stage.postgres
    if server is None or server.process is None or not stage.claim("postgres"):
        return None
    pids = [server.process.pid, *_children_of(server.process.pid)]
    _signal(pids, signal.SIGSTOP)
    return _while(stage, rng), lambda: (_signal(pids, signal.SIGCONT), stage.release("postgres"))


def _full_station(stage: Stage, rng: random.Random) -> Undo | None:
    seat = rng.choice(stage.seats)
    return _full(stage, seat.disk, [seat.child], rng)


def _full_centre(stage: Stage, rng: random.Random) -> Undo | None:
    if stage.postgres is not None:
        return None
    return _full(stage, stage.centre_disk, stage.collectors, rng)


def _full(stage: Stage, disk: Disk, users: list[Child], rng: random.Random) -> Undo | None:
    if not stage.claim(str(disk.place)):
        return None
    disk.fill(child.pid for child in users if child.pid is not None)
    return rng.uniform(0.3, 2.0), lambda: (disk.make_room(), stage.release(str(disk.place)))


def _take_over(stage: Stage, rng: random.Random) -> Undo | None:
    name = rng.choice(stage.seats).told.name
    take_over(stage.broker.port, name, rng.uniform(0.0, 0.5), clean=rng.random() < 0.5, counts=stage.counts)
    return None


def _rogue_away(stage: Stage, rng: random.Random) -> Undo | None:
    """With nobody else listening the broker says 0x10 while no collector is there."""
    if stage.rogue is None or stage.rogue.pid is None:
        return None
    stage.rogue.end()
    return rng.uniform(1.0, 3.0), stage.rogue.start


def _on_a_wire(fault: str) -> Strike:
    def strike(stage: Stage, rng: random.Random) -> Undo | None:
        longest = stage.settings.silence_s_max if rng.random() < 0.3 else min(1.0, stage.settings.silence_s_max)
        route = rng.choice(("stations", "stations", "collectors"))
        met = stage.wire.strike(fault, route, rng.uniform(0.1, longest))
        stage.counts[f"wire: {fault}"] += met
        return None

    return strike


TABLE = (
    Mishap("SIGKILL station", 8, _kill(_a_station)),
    Mishap("SIGKILL collector", 6, _kill(_a_collector)),
    Mishap("SIGKILL broker, back empty", 3, _kill_broker),
    Mishap("SIGKILL postgres", 1, _kill_postgres),
    Mishap("SIGSTOP station", 3, _stop(_a_station)),
    Mishap("SIGSTOP collector", 3, _stop(_a_collector)),
    Mishap("SIGSTOP broker", 1, _stop_broker),
    Mishap("SIGSTOP postgres", 1, _stop_postgres),
    Mishap("disk full, station", 2, _full_station),
    Mishap("disk full, centre", 2, _full_centre),
    Mishap("takeover", 4, _take_over),
    Mishap("rogue away", 2, _rogue_away),
    *(Mishap(f"wire: {fault}", 2, _on_a_wire(fault)) for fault in FAULTS),
)


def _children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
