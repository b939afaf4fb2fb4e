"""Panel task, session and the panel's twin over its real socket: a tap becomes a start, a dead panel is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers.gpio.socket_panel import SocketPanel
from drivers.ports import Button, Lamp
from drivers.sim.panel import PanelTwin
from station.domain.guide import Guide
from station.domain.session_state import State
from station.panel.panel_task import PanelTask
from station.panel.patterns import BUZZERS, GUIDES
from station.panel.showing import Voice
from station.run import session_events as ev
from station.run.session import Session
from station.run.session_scans import Catalogue

SCANS = ("OP:1", "WO:2", "SN:3", "PR:amp")


class Bench:
    """A session that shows its state on a panel and takes its buttons."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.twin = PanelTwin(str(path))
        self.session = Session(Catalogue({"amp": "amplifier"}, {"outgoing-amplifier": "outgoing"}))
        self.actions: list[ev.Action] = []
        self.panel = SocketPanel(str(path))
        self.task = PanelTask(
            self.panel,
            self.post,
            lambda reason: self.post(ev.PanelLost(reason)),
            lambda: self.post(ev.PanelBack()),
            poll_s=0.01,
            retry_s=0.02,
        )

    def post(self, event: ev.Event) -> None:
        self.actions += self.session.step(event, 0.0)
        self.task.show_state(self.session.state)

    async def told(self, code: str) -> None:
        async with asyncio.timeout(10.0):
            while not any(isinstance(one, ev.Tell) and one.code == code for one in self.actions):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


def looked_at(twin: PanelTwin) -> bool:
    """The station has seen the buttons up: what is down before that counts as held down."""
    return twin._reads > 2


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    one = Bench(tmp_path / "panel.sock")
    await one.twin.start()
    running = asyncio.create_task(one.task.run())
    yield one
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await one.panel.close()
    await one.twin.close()


async def test_a_tap_on_start_starts_a_run_once_and_lamps_follow(bench: Bench) -> None:
    for text in SCANS:
        bench.post(ev.Scanned(text))
    await bench.twin.wait_until(lambda twin: twin.lamps[Lamp.BLUE].on and twin.buzzer == "ready")
    await bench.twin.wait_until(looked_at)
    await bench.twin.tap(Button.START)
    assert bench.session.state is State.PREPARING
    await bench.twin.tap(Button.START)
    starts = [action for action in bench.actions if isinstance(action, ev.StartRun)]
    refused = [action.code for action in bench.actions if isinstance(action, ev.Refuse)]
    assert len(starts) == 1 and refused == ["run_in_progress"]
    await bench.twin.wait_until(lambda twin: not any(lamp.on for lamp in twin.lamps.values()))


async def test_a_panel_that_dies_in_a_run_ends_it_and_comes_back_by_itself(bench: Bench) -> None:
    for text in SCANS:
        bench.post(ev.Scanned(text))
    await bench.twin.wait_until(looked_at)
    await bench.twin.tap(Button.START)
    await bench.twin.close()
    await bench.told("panel_lost")
    assert ev.AbortRun("panel_lost", "station") in bench.actions
    bench.twin = PanelTwin(str(bench.path))
    await bench.twin.start()
    await bench.told("panel_back")
    await bench.twin.wait_until(looked_at)
    await bench.twin.tap(Button.STOP)
    assert bench.actions[-1] == ev.AbortRun("STOP", "panel")


async def test_guidance_reaches_the_panel_with_its_pitch_and_the_benchs_volume(bench: Bench) -> None:
    bench.task._showing.voice = Voice(0.4, frozenset({"hold"}))
    bench.task.show_state(State.ENERGISED)
    for hint in ("raise", "lower", "hold"):
        bench.task.guide(Guide("bias_ma", 40.0, "mA", 45.0, 55.0, 50.0, hint, "left"))  # type: ignore[arg-type]
        wanted = GUIDES[hint]  # type: ignore[index]
        await bench.twin.wait_until(lambda twin, wanted=wanted: twin.lamps == wanted.full())
        sound = "" if hint == "hold" else hint
        assert (bench.twin.buzz.name, bench.twin.buzz.volume) == (sound, 0.4)
        assert bench.twin.buzz.hz == BUZZERS[sound].hz and bench.twin.buzz.repeats is BUZZERS[sound].repeats
    bench.task.show_state(State.TRIPPED, 56)
    await bench.twin.wait_until(lambda twin: twin.buzzer == "trip")
    assert bench.twin.buzz.volume == 0.5, "a trip is heard on a quiet bench too"
