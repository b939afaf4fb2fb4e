"""A bad wire between MQTT clients and a broker: a TCP proxy, a process of its own, that is told what to do to whom.

`with Proxy({"stations": broker.port}) as wire:` listens on `wire.port("stations")`; `wire.strike("cut", "stations")`
does it to one connection that is alive then, chosen at random, and says to how many. `calm()` ends all faults.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]
FAULTS = {
    "drop": "reset, both ends see it at once",
    "cut": "a part of the next bytes goes out, somewhere within a packet, then a reset",
    "delay": "nothing moves for a while, then all of it",
    "trickle": "a few bytes at a time for a while",
    "black_hole": "what either end says vanishes for a while, then a reset",
    "deaf": "what the broker says vanishes for a while (acknowledgements, receipts), then a reset",
    "mute": "what the client says vanishes for a while, then a reset",
    "half_open": "the broker's end is closed, the client is not told for a while",
    "refuse": "new connections are reset at once for a while",
}
UP, DOWN = "up", "down"
_CHUNK = 65536


class Proxy:
    """The end of the one who tells. `routes`: a name for each broker port; each gets a port to connect to."""

    def __init__(self, routes: Mapping[str, int], *, seed: int = 0) -> None:
        self._targets = dict(routes)
        self._ports: dict[str, int] = {}
        self._seed = seed
        self.process: subprocess.Popen[str] | None = None

    def port(self, route: str) -> int:
        """Where clients of this route connect to, on 127.0.0.1."""
        return self._ports[route]

    def url(self, route: str) -> str:
        """`mqtt://127.0.0.1:port` of a route."""
        return f"mqtt://127.0.0.1:{self.port(route)}"

    def start(self) -> Proxy:
        """Start it and wait until it listens."""
        routes = [f"--route={name}:{target}" for name, target in self._targets.items()]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.proxy", "--seed", str(self._seed), *routes],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said, "the proxy does not start"
        self._ports = json.loads(said)
        return self

    def strike(self, fault: str, route: str, seconds: float = 1.0) -> int:
        """Do it to one connection of `route` (`refuse`: to all new ones); returns how many it met."""
        assert fault in FAULTS, f"{fault}: one of {', '.join(FAULTS)}"
        return self._tell({"fault": fault, "route": route, "seconds": seconds})

    def calm(self) -> int:
        """End every fault: what was held flows, what had lost bytes is reset. Returns how many were reset."""
        return self._tell({"fault": "calm", "route": "", "seconds": 0.0})

    def stop(self) -> None:
        """End it, and with it all its connections; safe to call twice."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                assert pipe is not None
                with contextlib.suppress(OSError):
                    pipe.close()
            self.process = None

    def __enter__(self) -> Proxy:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _tell(self, order: Mapping[str, object]) -> int:
        assert self.process is not None and self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


# --- the process ---------------------------------------------------------------------------------------------------


class Wire:
    """One connection: two flows and what is being done to them."""

    def __init__(self, route: Route, client: _End, broker: _End) -> None:
        self._route = route
        self._ends = (client, broker)
        self._loop = asyncio.get_running_loop()
        self._gone = asyncio.Event()
        self._flows_on = asyncio.Event()
        self._flows_on.set()
        self._swallows: set[str] = set()
        self._cut: str | None = None
        self._trickles = False
        self._lingers = False

    @property
    def gone(self) -> bool:
        """Whether it was reset."""
        return self._gone.is_set()

    async def run(self) -> None:
        """Carry bytes until an end closes or a fault ends it."""
        client, broker = self._ends
        flows = [
            asyncio.create_task(self._flow(client[0], broker[1], UP)),
            asyncio.create_task(self._flow(broker[0], client[1], DOWN)),
        ]
        gone = asyncio.create_task(self._gone.wait())
        await asyncio.wait([*flows, gone], return_when=asyncio.FIRST_COMPLETED)
        if self._lingers:
            await gone
        for task in (*flows, gone):
            task.cancel()
        await asyncio.gather(*flows, gone, return_exceptions=True)
        for _, writer in self._ends:
            writer.close()

    def strike(self, fault: str, seconds: float) -> None:
        """Begin a fault, and see to its end."""
        if fault == "drop":
            self.reset()
        elif fault == "cut":
            self._cut = self._route.rng.choice((UP, DOWN))
        elif fault == "delay":
            self._flows_on.clear()
            self._loop.call_later(seconds, self._flows_on.set)
        elif fault == "trickle":
            self._trickles = True
            self._loop.call_later(seconds, self._hurry)
        else:
            self._swallows |= {"deaf": {DOWN}, "mute": {UP}}.get(fault, {UP, DOWN})
            if fault == "half_open":
                self._lingers = True
                self._ends[1][1].close()
            self._loop.call_later(seconds, self.reset)

    def calm(self) -> bool:
        """End what is being done to it; True where that takes a reset, because bytes are lost."""
        self._flows_on.set()
        self._trickles, self._cut = False, None
        lost = bool(self._swallows)
        if lost:
            self.reset()
        return lost

    def reset(self) -> None:
        """Both ends see a reset."""
        for _, writer in self._ends:
            with contextlib.suppress(OSError, AttributeError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        self._flows_on.set()
        self._gone.set()

    def _hurry(self) -> None:
        self._trickles = False

    async def _flow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await self._flows_on.wait()
                if way in self._swallows:
                    continue
                if self._cut == way and len(chunk) > 1:
                    writer.write(chunk[: self._route.rng.randrange(1, len(chunk))])
                    await asyncio.wait_for(writer.drain(), 1.0)
                    await asyncio.sleep(0.005)  # a reset takes back what the kernel has not sent yet
                    self.reset()
                    return
                await self._pass_on(chunk, writer)

    async def _pass_on(self, chunk: bytes, writer: asyncio.StreamWriter) -> None:
        while self._trickles and chunk:
            size = self._route.rng.randint(1, 9)
            writer.write(chunk[:size])
            await writer.drain()
            chunk = chunk[size:]
            await asyncio.sleep(0.002)
        writer.write(chunk)
        await writer.drain()


_End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Route:
    """One listening port and what hangs on it."""

    def __init__(self, target: int, rng: random.Random) -> None:
        self.rng = rng
        self._target = target
        self._wires: list[Wire] = []
        self._refuses_until = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from its connect to its end."""
        loop = asyncio.get_running_loop()
        try:
            if loop.time() < self._refuses_until:
                raise ConnectionRefusedError
            broker = await asyncio.open_connection("127.0.0.1", self._target)
            if _talks_to_itself(broker[1]):
                broker[1].transport.abort()
                raise ConnectionRefusedError
        except OSError:
            writer.transport.abort()
            return
        wire = Wire(self, (reader, writer), broker)
        self._wires.append(wire)
        try:
            await wire.run()
        finally:
            self._wires.remove(wire)

    def strike(self, fault: str, seconds: float) -> int:
        """Do it to one wire, or to all new ones."""
        if fault == "refuse":
            self._refuses_until = asyncio.get_running_loop().time() + seconds
            return 1
        alive = [wire for wire in self._wires if not wire.gone]
        if not alive:
            return 0
        self.rng.choice(alive).strike(fault, seconds)
        return 1

    def calm(self) -> int:
        """End all faults of this route."""
        self._refuses_until = 0.0
        return sum(wire.calm() for wire in list(self._wires))


def _talks_to_itself(writer: asyncio.StreamWriter) -> bool:
    """Nobody listens on the broker's port, and the kernel gave that very port to our end: TCP allows it."""
    return bool(writer.get_extra_info("sockname") == writer.get_extra_info("peername"))


async def serve(seed: int, specified: list[str]) -> None:
    """Listen on every route; do what standard input says, one order a line, until it ends."""
    rng = random.Random(seed)
    routes: dict[str, Route] = {}
    ports: dict[str, int] = {}
    for text in specified:
        name, target = text.split(":")
        routes[name] = Route(int(target), rng)
        server = await asyncio.start_server(routes[name].serve, "127.0.0.1", 0, backlog=4096)
        ports[name] = server.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        order = json.loads(line)
        if order["fault"] == "calm":
            met = sum(route.calm() for route in routes.values())
        else:
            met = routes[order["route"]].strike(order["fault"], order["seconds"])
        print(met, flush=True)


def main() -> None:
    """`python -m tests.servers.proxy --route NAME:TARGET …`; ends with its standard input."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.proxy")
    parser.add_argument("--route", action="append", required=True, metavar="NAME:TARGET")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(serve(options.seed, options.route))


if __name__ == "__main__":
    main()
