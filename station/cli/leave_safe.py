"""After the daemon, however it ended: what it may have left on is switched off (`ExecStopPost` of station.service).

    python -m station.cli.leave_safe [CONFIG]

It is none of the daemon: no kernel, no store, no checked tree. It reads station.toml as it stands, asks for nothing
that needs a permit, and tries everything at once, each for a bounded time, so that what is missing or silent holds
nothing else up. It never energises and never RESETs. What it leaves alone, on purpose: a tester that is in circuit and
the bleed, which a plug discharges through until somebody has measured that it is dead.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from drivers.errors import DriverError, PortError
from drivers.ports import Buzz, GuardState, GuardStatus, Lamp, LampState
from drivers.serial_port import SerialPort
from drivers.uart.guard_frame import LINE_MAX, decode, encode, parse_status
from station.cli.raw_devices import RawBench
from station.safety.permit import AlwaysSafe
from station.safety.rules import AUDIO

ALL_S = 5.0
"""Everything together; systemd waits for it before it starts the daemon again."""
GUARD_S = 1.5
HEAR_S = 0.6
"""The guard says how it is every 500 ms."""
REPLY_S = 0.25
"""A relay's reply at most, whatever the bus is set to: all are told well within `ALL_S`, also where none replies."""
_NOBODY = "00000000"
_ON = (GuardState.ARMED, GuardState.ENERGISED, GuardState.HV)


def main(arguments: list[str]) -> int:
    """0 when all that is configured is known to be safe, 1 when something did not answer: it is said which."""
    own = Path(arguments[0] if arguments else "/etc/bench")
    crashed = os.environ.get("SERVICE_RESULT", "success") != "success"
    try:
        tree = tomllib.loads((own / "station.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        print(f"leave_safe: {own / 'station.toml'}: {error}; only the guard is told", file=sys.stderr)
        tree = {"guard": {"port": "/dev/bench-guard"}}
    return asyncio.run(leave_safe(RawBench(tree), crashed))


async def leave_safe(bench: RawBench, crashed: bool) -> int:
    """All of it at once; 0 or 1 as `main`."""
    works: Mapping[str, Callable[[], Awaitable[str]]] = {
        "guard": lambda: asyncio.to_thread(silence_guard, bench.guard_port, crashed),
        "relays": lambda: _open_relays(bench),
        "tester": lambda: _stop_tester(bench),
        "panel": lambda: _show(bench, crashed),
    }
    said = await asyncio.gather(*(_bounded(name, work) for name, work in works.items()))
    return 0 if all(said) else 1


async def _bounded(name: str, work: Callable[[], Awaitable[str]]) -> bool:
    try:
        async with asyncio.timeout(ALL_S - 1.0):
            print(f"leave_safe: {name}: {await work()}", file=sys.stderr)
    except TimeoutError:
        print(f"leave_safe: {name}: no answer within {ALL_S - 1.0:g} s", file=sys.stderr)
    except Exception as error:  # whatever it is, the others go on
        print(f"leave_safe: {name}: {error or repr(error)}", file=sys.stderr)
    else:
        return True
    return False


# ---- the guard ---------------------------------------------------------------------------------------------------
def silence_guard(port: str, crashed: bool) -> str:
    """K and H off, and the guard's own word for it. Blocks for 2 s at most. Raises `DriverError`.

    After a crash with something on or armed, STOP: the trip stays latched until a person's RESET. Otherwise OFF, which
    latches nothing: beside a guard that is SAFE nobody has to acknowledge anything (docs/decisions).
    """
    line = SerialPort(port, 115200)
    try:
        before = _hear(line, HEAR_S) if crashed else None
        stop = crashed and (before is None or before.state in _ON or before.k or before.h)
        line.write(encode(f"{_NOBODY} 1 {'STOP' if stop else 'OFF'}"))
        deadline = time.monotonic() + GUARD_S
        while (left_s := deadline - time.monotonic()) > 0:
            status = _hear(line, left_s)
            if status is not None and not (status.k or status.h) and status.state not in _ON:
                closed = ", but the contactor's feedback is closed: pull the plug" if status.fb else ""
                return f"{status.state.value} {status.cause or ''}, K and H off{closed}"
        raise PortError(port, "the guard does not say that K and H are off; it trips by itself without heartbeats")
    finally:
        line.close()


def _hear(line: SerialPort, within_s: float) -> GuardStatus | None:
    """The next status line."""
    deadline, heard = time.monotonic() + within_s, b""
    while (left_s := deadline - time.monotonic()) > 0:
        heard = (heard + line.receive(left_s))[-4 * LINE_MAX :]
        *lines, heard = heard.split(b"\n")
        for body in filter(None, map(decode, lines)):
            if (status := parse_status(body, time.monotonic())) is not None:
                return status
    return None


# ---- relays, tester, panel -----------------------------------------------------------------------------------------
async def _open_relays(bench: RawBench) -> str:
    """The fan on, for the load bank may be hot; then audio, loads and touch open, each tried, whatever is answered.

    Where the fan's reply was lost it is told once more, at the end: a board that keeps its outputs in one register
    (docs/register-maps.md) forgets what it was not seen to have.
    """
    board, channels = bench.relays(REPLY_S)
    fan = ["fan"] if "fan" in channels else []
    opened = [role for role in (*AUDIO, "touch") if role in channels]
    missed: dict[str, str] = {}

    async def tell(role: str) -> None:
        missed.pop(role, None)
        try:
            await board.write(channels[role], role == "fan", AlwaysSafe() if role == "fan" else None)
        except DriverError as error:
            missed[role] = str(error)

    for role in (*fan, *opened):
        await tell(role)
    if "fan" in missed:
        await tell("fan")
    if missed:
        raise PortError("relays", "; ".join(f"{role}: {error}" for role, error in missed.items()))
    return f"{', '.join(opened)} open; fan on"


async def _stop_tester(bench: RawBench) -> str:
    await bench.tester().stop()
    return "no test voltage"


async def _show(bench: RawBench, crashed: bool) -> str:
    """Violet where the daemon did not end as it should, else dark; what a pin drives outlives this program."""
    await bench.panel().show({Lamp.VIOLET: LampState(crashed)}, Buzz())
    return "violet" if crashed else "dark"


if __name__ == "__main__":
    ended = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(ended)  # no thread that still waits for a dead line, and nothing at exit that would let go of the pins
