"""`verify --run`: a work order of purpose `verify` is assigned and put in front, over a real control socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from station.cli.verify_run import put_in_front
from station.control.protocol import Command, Outcome
from station.control.server import ControlServer
from station.domain.errors import SettingsError


class Desk:
    """Remembers what reached it; refuses `start` where it is told to."""

    def __init__(self, refuses: str = "") -> None:
        self.commands: list[Command] = []
        self.refuses = refuses

    async def command(self, command: Command) -> Outcome:
        self.commands.append(command)
        return Outcome("refused", "a run is under way") if command.verb == self.refuses else Outcome()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A daemon's socket, and a configuration that names it."""
    at = tmp_path / "control.sock"
    (tmp_path / "station.toml").write_text(f'[control]\nsocket = "{at}"\n', encoding="utf-8")
    here = Desk()
    server = ControlServer(at, here)
    await server.start()
    yield here
    await server.close()


async def ask(config: Path, socket: Path | None = None) -> int:
    return await asyncio.to_thread(put_in_front, config, socket, "G-1", "example-a-100", as_json=True)


async def test_the_order_is_assigned_with_its_purpose_and_put_in_front(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await ask(tmp_path) == 0
    assert [command.verb for command in desk.commands] == ["assign", "start"], "and nothing that energises"
    assert desk.commands[0].args == {
        "work_order": "GOLDEN-G-1", "product": "example-a-100", "serial_number": "G-1", "purpose": "verify",
    }  # fmt: skip
    assert desk.commands[1].args == {"work_order": "GOLDEN-G-1"}
    told = capsys.readouterr()
    assert json.loads(told.out)["work_order"] == "GOLDEN-G-1" and "START at the bench" in told.err


@pytest.mark.parametrize("verb", ["assign", "start"])
async def test_a_refusal_is_told_and_exits_1(
    verb: str, desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.refuses = verb
    assert await ask(tmp_path) == 1
    assert desk.commands[-1].verb == verb and "a run is under way" in capsys.readouterr().err


async def test_a_configuration_without_a_socket_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="name the daemon's with --socket"):
        await ask(tmp_path)
