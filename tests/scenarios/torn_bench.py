"""The simulated bench of tests that kill and tear: `station simulate` that tells what it lives through.

python -m tests.scenarios.torn_bench simulate [--cabled] …

Tells every change of K, H and lock with the guard's own stamp and with that of the last heartbeat that it accepted, and
every change of drive (off: when the last driven frames were played). Further commands: `heartbeats FILE` writes down
when heartbeats were accepted; where it is `--cabled`, `cut WIRE` and `mend WIRE` (`guard`, `bus_a`, `bus_b`) tear a
serial line away and bring it back under its old name.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import drivers.sim.bench
import station.cli.simulate
from drivers.sim.audio_path import SILENT, Drive
from drivers.sim.bench import Ports, SimBench
from drivers.sim.plant import Plant
from drivers.sim.pty import RawPty
from station.cli.main import main as station_main

WIRES = ("guard", "bus_a", "bus_b")


def tell(**what: object) -> None:
    """One line on standard output, from any thread."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


class Cable:
    """A serial lead between a twin's port and `path`, which can be torn out and put back, as udev would show it."""

    def __init__(self, port: str, path: Path) -> None:
        self._twin = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._path = path
        self._near: RawPty | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._twin, self._to_station)
        self.mend()

    def mend(self) -> None:
        """Plug it in: a fresh port under the old name."""
        if self._near is None:
            self._near = RawPty()
            self._loop.add_reader(self._near.master, self._to_twin)
            self._path.symlink_to(self._near.path)

    def cut(self) -> None:
        """Tear it out: the name is gone, and whoever has the port open is told by an error."""
        if self._near is not None:
            self._path.unlink()
            self._loop.remove_reader(self._near.master)
            self._near.close()
            self._near = None

    def close(self) -> None:
        """For good."""
        self.cut()
        self._loop.remove_reader(self._twin)
        os.close(self._twin)

    def _to_twin(self) -> None:
        assert self._near is not None
        with contextlib.suppress(BlockingIOError):
            os.write(self._twin, self._near.receive())

    def _to_station(self) -> None:
        data = os.read(self._twin, 4096)
        if self._near is not None and data:
            self._near.send(data)


class HeardPlant(Plant):
    """A plant that tells when sound begins and ceases to drive the DUT."""

    _driven = False
    _driven_ns = 0

    def advance(self, seconds: float, drive: Drive = SILENT) -> None:
        self._hear(drive is not SILENT)
        if self._driven:
            self._driven_ns = time.monotonic_ns()
        super().advance(seconds, drive)

    def release(self) -> None:
        self._hear(False)
        super().release()

    def _hear(self, driven: bool) -> None:
        if driven != self._driven:
            self._driven = driven
            tell(output="drive", value=int(driven), ns=time.monotonic_ns() if driven else self._driven_ns)


class StampedBench(SimBench):
    """What is said above."""

    cabled = False

    async def start(self) -> Ports:
        ports = await super().start()
        self.heartbeats: list[int] = []
        self.guard.add_heartbeat_listener(lambda: self.heartbeats.append(self.guard.heartbeat_ns))
        self.guard.add_output_listener(
            lambda name, value, ns: tell(output=name, value=value, ns=ns, heartbeat_ns=self.guard.heartbeat_ns)
        )
        self.cables = {wire: Cable(getattr(ports, wire), self._sockets / wire) for wire in WIRES} if self.cabled else {}
        return replace(ports, **{wire: str(self._sockets / wire) for wire in self.cables})

    async def close(self) -> None:
        for cable in self.cables.values():
            cable.close()
        await super().close()


def simulate(arguments: list[str]) -> None:
    """`station simulate` with more to tell and more to do."""
    plain = station.cli.simulate._one

    async def one(bench: Any, verb: str, argument: str) -> bool:
        if verb == "heartbeats":
            await asyncio.to_thread(Path(argument).write_text, json.dumps(bench.heartbeats))
        elif verb in ("cut", "mend") and argument in bench.cables:
            getattr(bench.cables[argument], verb)()
        else:
            return await plain(bench, verb, argument)
        tell(done=f"{verb} {argument}")
        return True

    with contextlib.suppress(ValueError):
        arguments.remove("--cabled")
        StampedBench.cabled = True
    drivers.sim.bench.Plant = HeardPlant  # type: ignore[attr-defined]
    station.cli.simulate._one = one
    station.cli.simulate.SimBench = StampedBench  # type: ignore[attr-defined]
    sys.argv = ["station", "simulate", *arguments]
    station_main()


if __name__ == "__main__":
    simulate(sys.argv[2:])
