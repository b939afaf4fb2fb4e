"""The simulated bench of a scenario in a process of its own: every twin on its wire, the technician on standard input.

    python -m tests.scenarios.sim_process DUT.toml CONFIG SHIPPED SPEED

Like `station simulate`, and it also tells every change of K and H with the guard's own stamp.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from drivers.ports import Button
from drivers.sim.bench import SimBench
from drivers.sim.dut import load_dut
from drivers.sim.leads import leads_of
from station.cli.keys import ensure_keys
from station.cli.sim_config import Places, write_config
from station.cli.simulate import SEED, load_ohm_of
from station.realtime import HARDWARE_PRIORITY, take_priority


def _tell(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def _serve(dut_file: Path, config: Path, shipped: Path, speed: float) -> None:
    dut = load_dut(dut_file)
    with tempfile.TemporaryDirectory(prefix="scene-") as folder:
        sockets = Path(folder)
        bench = SimBench(dut, speed=speed, seed=SEED, load_ohm=load_ohm_of(dut.product), sockets=sockets)
        bench.guard.add_output_listener(lambda name, value, ns: _tell({"output": name, "value": value, "ns": ns}))
        ports = await bench.start()
        try:
            places = Places(config, config / "station.sqlite", sockets / "control")
            write_config(shipped, places, asdict(ports), speed, "en")
            ensure_keys(config / "credentials")
            _tell({"socket": str(places.control_socket), "store": str(places.store)})
            await _obey(bench)
        finally:
            await bench.close()


async def _obey(bench: SimBench) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    with contextlib.closing(transport):
        while line := await reader.readline():
            verb, _, argument = line.decode().strip().partition(" ")
            if verb == "press":
                await bench.panel.tap(Button(argument))
            elif verb == "scan":
                bench.scanner.scan(argument)
            elif verb == "leads":
                bench.plant.set_leads(leads_of(argument))


if __name__ == "__main__":
    take_priority(HARDWARE_PRIORITY)
    arguments = sys.argv[1:]
    asyncio.run(_serve(Path(arguments[0]), Path(arguments[1]), Path(arguments[2]), float(arguments[3])))
