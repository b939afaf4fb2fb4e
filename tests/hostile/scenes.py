"""Every state of the session, each brought about as at a bench: by scans, buttons, runs, trips. And the way home.

Some states come in several scenes: with test voltage instead of mains, with a badge asked for, tripped in a run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from drivers.ports import Button
from station.domain.session_state import State
from station.domain.work_order import WorkOrder
from station.run import session_events as ev
from station.run.session_table import IDLE, VERDICTS
from tests.hostile.attacked import Attacked

FRONT = WorkOrder("W-FRONT", "amp", "S1", "outgoing", assigned=True)
WAIT_S = 60.0
TURNS = 40


async def _until(station: Attacked, wanted: Callable[[], bool], what: str) -> None:
    for _ in range(round(WAIT_S / 0.1)):
        if wanted():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the technician waited {WAIT_S:g} s for: {what}; the session is {station.session.state}")


async def _until_state(station: Attacked, *states: State) -> None:
    await _until(station, lambda: station.session.state in states, f"{[str(state) for state in states]}")


async def home(station: Attacked) -> None:
    """As a technician would after anything: the run ends, what tripped is reset, the bench is cool and empty."""
    bench = station.bench
    bench.guard.estop = True
    bench.degc["loadbank_degc"] = 30.0
    for _ in range(TURNS):
        state = station.session.state
        if state is State.WAITING:
            station.let_go.clear()
            return
        station.let_go.set()
        if state is State.TRIPPED and not station.session.memory.run_on:
            await station.press(Button.RESET)
        elif state in VERDICTS:
            await station.press(Button.OK)
        elif state is not State.TRIPPED and state is not State.COOLING:
            await station.press(Button.STOP)
        await asyncio.sleep(1.0)
    raise AssertionError(f"the technician did not come home: {station.session.state}, {station.kernel.trips}")


async def _start(station: Attacked, plan: str) -> None:
    """A run of this plan, by order, scans and START."""
    station.conductor.post(ev.Assigned(FRONT))
    station.scan("OP:e7", "WO:W-FRONT", "SN:S1", f"PL:{plan}")
    await _until_state(station, State.READY)
    await asyncio.sleep(1.2)  # the pause between OFF and ON is over
    station.buttons.down = frozenset({Button.START})
    await _until(station, lambda: bool(station.session.memory.run_on), "a run")
    station.buttons.down = frozenset()


async def _waiting(station: Attacked) -> None:
    await asyncio.sleep(0.1)


async def _scan_missing(station: Attacked) -> None:
    station.scan("OP:e7")
    await asyncio.sleep(0.1)


async def _wrong_serial(station: Attacked) -> None:
    station.conductor.post(ev.Assigned(FRONT))
    station.scan("OP:e7", "WO:W-FRONT", "SN:OTHER")
    await asyncio.sleep(0.1)


async def _ready(station: Attacked) -> None:
    station.conductor.post(ev.Assigned(FRONT))
    station.scan("OP:e7", "WO:W-FRONT", "SN:S1", "PL:mains")
    await asyncio.sleep(0.1)


def _running(plan: str, state: State, outputs: str = "") -> Callable[[Attacked], Awaitable[None]]:
    async def way(station: Attacked) -> None:
        await _start(station, plan)
        await _until_state(station, state)
        core = station.guard.core
        await _until(station, lambda: outputs in ("", "k" * core.k + "h" * core.h), f"outputs {outputs}")
        if plan == "drive":
            await _until(station, lambda: station.kernel.permits.drive.granted, "drive")
        await asyncio.sleep(3.0)

    return way


async def _aborted(station: Attacked) -> None:
    await _start(station, "wait")
    await _until_state(station, State.PREPARING)
    await _until(station, lambda: bool(station.run.get("run_id")), "the run's id")
    station.conductor.post(ev.AbortAsked(station.run["run_id"], "centre"))
    await _until_state(station, State.ABORTED)


async def _cooling(station: Attacked) -> None:
    station.bench.degc["loadbank_degc"] = 80.0
    await asyncio.sleep(3.0)
    await _start(station, "warm")
    await _until_state(station, State.COOLING)
    await asyncio.sleep(1.0)


async def _tripped(station: Attacked) -> None:
    """By the emergency stop, which is let go again: only a RESET is missing."""
    station.bench.guard.estop = False
    await _until_state(station, State.TRIPPED)
    station.bench.guard.estop = True
    await asyncio.sleep(2.0)


async def _tripped_in_run(station: Attacked) -> None:
    await _start(station, "stay")
    await _until_state(station, State.ENERGISED)
    await asyncio.sleep(1.0)
    await station.press(Button.STOP)
    await _until_state(station, State.TRIPPED)
    await asyncio.sleep(1.0)


async def _power_return(station: Attacked) -> None:
    station.conductor.post(ev.PowerReturned())
    await asyncio.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Scene:
    """`way` leads from `State.WAITING` to `state`; `outputs`: what of K and H is on then."""

    name: str
    state: State
    way: Callable[[Attacked], Awaitable[None]]
    outputs: str = ""
    lasts_s: float = 1000.0
    """So long does it stay so by itself."""

    async def enter(self, station: Attacked) -> None:
        """From wherever the station is."""
        await home(station)
        await self.way(station)
        core = station.guard.core
        found = (station.session.state, "k" * core.k + "h" * core.h)
        assert found == (self.state, self.outputs), f"scene {self.name}: {found}"


SCENES = tuple(
    Scene(*row)
    for row in (
        ("waiting", State.WAITING, _waiting),
        ("scan-missing", State.SCAN_MISSING, _scan_missing),
        ("wrong-serial", State.WRONG_SERIAL, _wrong_serial),
        ("ready", State.READY, _ready),
        ("preparing", State.PREPARING, _running("wait", State.PREPARING)),
        ("energised", State.ENERGISED, _running("mains", State.ENERGISED, "k"), "k"),
        ("energised-drive", State.ENERGISED, _running("drive", State.ENERGISED, "k"), "k"),
        ("energised-volts", State.ENERGISED, _running("volts", State.ENERGISED, "h"), "h", 60.0),
        ("prompt", State.PROMPT, _running("ask", State.PROMPT)),
        ("prompt-hands", State.PROMPT, _running("ask-hands", State.PROMPT)),
        ("prompt-badge", State.PROMPT, _running("ask-badge", State.PROMPT)),
        ("prompt-live", State.PROMPT, _running("ask-live", State.PROMPT, "k"), "k"),
        ("cooling", State.COOLING, _cooling),
        ("pass", State.PASS, _running("pass", State.PASS)),
        ("fail", State.FAIL, _running("fail", State.FAIL)),
        ("aborted", State.ABORTED, _aborted),
        ("error", State.ERROR, _running("break", State.ERROR)),
        ("tripped", State.TRIPPED, _tripped),
        ("tripped-in-run", State.TRIPPED, _tripped_in_run),
        ("power-return", State.TRIPPED, _power_return),
    )
)
BY_NAME = {scene.name: scene for scene in SCENES}
assert {scene.state for scene in SCENES} == set(State) and set(IDLE) <= {scene.state for scene in SCENES}
