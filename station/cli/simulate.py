"""`simulate`: the simulated bench alone, with a hand on its buttons through standard input."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Any

from drivers.ports import Button
from drivers.sim.bench import FAULTS, SimBench
from drivers.sim.device import DutFile
from drivers.sim.dut_file import DutError
from drivers.sim.families import load_any
from drivers.sim.guard import InputName
from drivers.sim.leads import NAMES, leads_of
from drivers.sim.world import PROBE_NODES
from station.cli.keys import ensure_keys
from station.cli.sim_config import SHIPPED, Places, write_config
from station.domain.errors import SettingsError
from station.realtime import HARDWARE_PRIORITY, take_priority

SEED = 7
LOAD_OHM = 8.0
INPUTS: dict[str, InputName] = {"estop": "estop", "lid": "lid", "thermo": "thermo"}
COMMANDS = (
    f"press start|ok|ng|stop|reset, scan TEXT, estop 0|1, lid 0|1, thermo 0|1, fault {'|'.join(FAULTS)} 0|1, "
    f"leads {'|'.join(NAMES)}|source-short-left|…, "
    f"clips 0|1, probe {'|'.join(PROBE_NODES)}, trim left|right DELTA_MA, known VOLTS|off, printer 0|1, quit"
)


def find_dut(name: str | None, file: Path | None) -> DutFile:
    """The DUT by name (config/duts) or by file. Raises `SettingsError` that says which there are."""
    path = file if file is not None else SHIPPED / "duts" / f"{name}.toml"
    if not path.is_file():
        names = ", ".join(sorted(p.stem for p in (SHIPPED / "duts").glob("*.toml")))
        what = (
            f"--dut-file {path}: no such file" if file is not None else f"--dut {name}: no such DUT; there are {names}"
        )
        raise SettingsError(what)
    try:
        found: DutFile = load_any(path, family_of)
        return found
    except DutError as error:
        raise SettingsError(str(error)) from error


def family_of(product: str) -> str:
    """The family of a shipped product. Raises `ValueError` for an unknown one."""
    return str(_product(product)["family"])


def load_ohm_of(product: str) -> float:
    """The load that the bench has for a product; its own where the product wants none. Raises `ValueError`."""
    return float(_product(product).get("load_ohm", LOAD_OHM))


def _product(product: str) -> dict[str, Any]:
    import tomllib

    path = SHIPPED / "products" / f"{product}.toml"
    if not path.is_file():
        names = ", ".join(sorted(p.stem for p in path.parent.glob("*.toml")))
        raise ValueError(f"product {product!r} is not configured; there are {names}")
    return tomllib.loads(path.read_text(encoding="utf-8"))


async def serve(dut: DutFile, config_out: Path | None, speed: float, language: str | None = None) -> int:
    """Serve until `quit` or end of input. Prints one JSON line with the ports once everything answers."""
    take_priority(HARDWARE_PRIORITY)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        sockets = Path(folder)
        labels = config_out / "var" / "labels" if config_out is not None else None
        load_ohm = load_ohm_of(dut.product)
        bench = SimBench(dut, speed=speed, seed=SEED, load_ohm=load_ohm, sockets=sockets, labels=labels)
        ports = await bench.start()
        try:
            told: dict[str, object] = {"ports": asdict(ports), "speed": speed}
            if config_out is not None:
                config_out = config_out.resolve()  # noqa: ASYNC240  (once, before anything runs)
                places = Places(config_out, config_out / "var" / "station.sqlite", sockets / "control")
                write_config(SHIPPED, places, asdict(ports), speed, language)
                ensure_keys(config_out / "credentials")
                told |= {"config": str(config_out), "socket": str(places.control_socket)}
            print(json.dumps(told), flush=True)
            await _until_told(_obey(bench))
        finally:
            await bench.close()
    return 0


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end or to SIGTERM, whichever comes first."""
    task, stop = asyncio.ensure_future(work), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _obey(bench: SimBench) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while line := await reader.readline():
            words = line.decode(errors="replace").split(maxsplit=1)
            if words == ["quit"]:
                return
            if words and not await _one(bench, words[0], words[1].rstrip("\r\n") if len(words) > 1 else ""):
                print(f"not understood: {line.decode(errors='replace').strip()!r}; {COMMANDS}", file=sys.stderr)
    finally:
        transport.close()


async def _one(bench: SimBench, verb: str, argument: str) -> bool:
    """Carry one command out; False if it is not understood."""
    if verb == "press":
        with contextlib.suppress(ValueError):
            await bench.panel.tap(Button(argument))
            return True
    elif verb == "scan" and argument:
        bench.scanner.scan(argument)
        return True
    elif verb in INPUTS and argument in ("0", "1"):
        bench.guard.set_input(INPUTS[verb], argument == "1")
        return True
    elif verb == "fault":
        name, _, level = argument.partition(" ")
        for fault in FAULTS:
            if fault == name and level in ("0", "1"):
                bench.set_fault(fault, level == "1")
                return True
    elif verb == "printer" and argument in ("0", "1"):
        await bench.printer.set_paper(argument == "1")
        return True
    elif verb == "leads":
        with contextlib.suppress(ValueError):
            bench.plant.set_leads(leads_of(argument))
            return True
    return _inside(bench, verb, argument)


def _inside(bench: SimBench, verb: str, argument: str) -> bool:
    """A known voltage at the terminals, or what a hand does to the DUT. False if it is not understood."""
    if verb == "known":
        with contextlib.suppress(ValueError):
            bench.plant.set_known(None if argument == "off" else float(argument))
            return True
    return bench.plant.act(f"{verb} {argument}")
