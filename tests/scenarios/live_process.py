"""Two programs of a live scenario, each the shipped one with a little told or changed.

python -m tests.scenarios.live_process simulate …   also tells every change of K, H and lock, takes `plug 0|1` and
`touch 0|1`, whether the touch-current meter hears anything
python -m tests.scenarios.live_process run …        the pause between OFF and ON is short; plans that `check` refuses,
because they energise without proving safety first, are taken; `LIVE_MACHINE` is the machine it finds itself on
"""

from __future__ import annotations

import functools
import json
import os
import sys
from pathlib import Path

import station.cli.simulate
import station.daemon
import station.settings.plans
from drivers.sim.bench import Ports, SimBench
from station.cli.main import main as station_main
from station.safety.kernel import Kernel
from station.safety.rules import Rules

MIN_OFF_S = 0.2


class ToldBench(SimBench):
    """A simulated bench that says on standard output what its guard drives, with the guard's own stamps."""

    async def start(self) -> Ports:
        def tell(name: str, value: int, ns: int) -> None:
            sys.stdout.write(json.dumps({"output": name, "value": value, "ns": ns}) + "\n")
            sys.stdout.flush()

        ports = await super().start()
        self.guard.add_output_listener(tell)
        return ports


def simulate(arguments: list[str]) -> None:
    """`station simulate` with more to tell."""
    plain = station.cli.simulate._one

    async def one(bench: SimBench, verb: str, argument: str) -> bool:
        if verb == "plug" and argument in ("0", "1"):
            bench.plant.set_plugged(argument == "1")
            return True
        if verb == "touch" and argument in ("0", "1"):
            meter = bench._touch
            hear = type(meter)._hear.__get__(meter) if argument == "1" else lambda data: None
            meter._hear = hear  # type: ignore[method-assign]
            return True
        return await plain(bench, verb, argument)

    station.cli.simulate._one = one
    station.cli.simulate.SimBench = ToldBench  # type: ignore[misc]
    sys.argv = ["station", "simulate", *arguments]
    station_main()


def run(arguments: list[str]) -> int:
    """`station run`, impatient between OFF and ON; `--probe` is where the process id of its sound process goes."""
    station.daemon.Kernel = functools.partial(Kernel, rules=Rules(min_off_s=MIN_OFF_S))  # type: ignore[misc,assignment]
    if serial := os.environ.get("LIVE_MACHINE"):
        station.daemon.this_machine = lambda: serial
    station.settings.plans.check_order = lambda source, plan: iter(())
    return station.daemon.main(arguments)


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.exit(simulate(rest) if verb == "simulate" else run(rest))
