"""The asyncio end of the socket, and the run so far that it is told when it comes late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from station.control.answers import ControlError
from station.control.protocol import Command, Outcome
from station.control.server import ControlServer
from station.control.so_far import RunSoFar
from station.control.watcher import ControlWatcher
from station.domain.events import Event

STEPS = [{"id": "a", "title": {"zh": "甲", "en": "A"}}, {"id": "b", "title": {"zh": "乙", "en": "B"}}]


class Desk:
    """Answers, until it is told not to."""

    def __init__(self) -> None:
        self.silent = False
        self.so_far = RunSoFar()

    async def command(self, command: Command) -> Outcome:
        if self.silent:
            await asyncio.sleep(30.0)
        return Outcome(data={"run": self.so_far.view})


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[tuple[Desk, ControlServer, Path]]:
    one = Desk()
    server = ControlServer(tmp_path / "s.sock", one)
    await server.start()
    yield one, server, tmp_path / "s.sock"
    await server.close()


async def test_who_comes_late_is_told_the_run_so_far_and_then_every_event(
    desk: tuple[Desk, ControlServer, Path],
) -> None:
    one, server, path = desk
    for event in (
        Event("run_started", {"run_id": "r", "steps": STEPS}),
        Event("step_started", {"step": "a"}),
        Event("step_ended", {"step": "a", "verdict": "PASS"}),
        Event("step_started", {"step": "b"}),
        Event("progress", {"step": "b", "fraction": 0.5}),
    ):
        one.so_far.take(event)
    events = ControlWatcher(path).watch()
    first = await anext(events)
    run = first["data"]["run"]
    assert [step["verdict"] for step in run["steps"]] == ["PASS", None]
    assert (run["step"], run["progress"]["fraction"]) == ("b", 0.5)
    server.publish(Event("run_ended", {"verdict": "FAIL", "causes": ["x"]}))
    assert (await anext(events))["data"]["causes"] == ["x"]
    await server.close()
    assert [event async for event in events] == []


async def test_a_silent_daemon_is_an_error_in_time(desk: tuple[Desk, ControlServer, Path]) -> None:
    one, _, path = desk
    replies = ControlWatcher(path, answer_s=0.1).poll("status", 0.0)
    assert (await anext(replies))["status"] == "done"
    one.silent = True
    with pytest.raises(ControlError, match=r"did not answer within 0\.1 s"):
        await anext(replies)


async def test_no_daemon_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="is the daemon running"):
        await ControlWatcher(tmp_path / "none").ask("status")
