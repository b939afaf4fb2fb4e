"""The command line's verbs for the running daemon: exit status, one JSON document, words."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich.console import Console

from station.cli import remote
from station.cli.remote_view import status_table
from station.control.protocol import Command, Outcome
from station.control.server import ControlServer
from station.domain.events import Event
from station.run import session_events as ev
from station.run.session import Session
from station.run.session_scans import Catalogue, PlanFacts


class SessionDesk:
    """A desk with a real session behind it, as the daemon wires it."""

    def __init__(self) -> None:
        self.session = Session(Catalogue({"amp": "amplifier"}, {"outgoing-amplifier": "outgoing"}))

    async def command(self, command: Command) -> Outcome:
        if command.verb == "status":
            return Outcome(data={"session": self.session.view()})
        event: ev.Event = {
            "scan": lambda: ev.Scanned(command.args["text"], "socket"),
            "start": lambda: ev.PutInFront(command.args["work_order"]),
            "abort": lambda: ev.AbortAsked(command.args["run_id"]),
        }[command.verb]()
        for action in self.session.step(event, 0.0):
            if isinstance(action, ev.Refuse):
                return Outcome("refused", action.text["en"])
        return Outcome()


@pytest.fixture
async def desk() -> SessionDesk:
    return SessionDesk()


@pytest.fixture
async def server(tmp_path: Path, desk: SessionDesk) -> AsyncIterator[ControlServer]:
    one = ControlServer(tmp_path / "s.sock", desk)
    await one.start()
    yield one
    await one.close()


async def test_scan_and_status_over_the_socket(
    server: ControlServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.sock"
    assert await asyncio.to_thread(remote.scan, path, "OP:7") == 0
    capsys.readouterr()
    assert await asyncio.to_thread(lambda: remote.status(path, as_json=True)) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["session"]["scans"]["operator"] == "7" and err == ""
    assert await asyncio.to_thread(lambda: remote.status(path, lang="zh")) == 0
    assert "扫码未完成" in capsys.readouterr().out


async def test_a_refusal_exits_1_with_its_reason(
    server: ControlServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.sock"
    assert await asyncio.to_thread(remote.start, path, "W9") == 1
    assert "W9 is not on this bench" in capsys.readouterr().err
    assert await asyncio.to_thread(lambda: remote.abort(path, "r1", as_json=True)) == 1
    assert json.loads(capsys.readouterr().out)["status"] == "refused"


@pytest.mark.parametrize("verb", ["status", "watch"])
def test_no_daemon_exits_2_with_one_line(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert getattr(remote, verb)(tmp_path / "none.sock", as_json=True) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1


async def test_watch_prints_one_json_document_a_line(
    server: ControlServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = asyncio.create_task(asyncio.to_thread(lambda: remote.watch(tmp_path / "s.sock", as_json=True)))
    printed = ""
    async with asyncio.timeout(10.0):
        while printed.count("\n") < 2:
            if printed and server._watchers:
                server.publish(Event("progress", {"step": "soak", "fraction": 0.5}))
            await asyncio.sleep(0.02)
            printed += capsys.readouterr().out
        await server.close()
        assert await task == 0
    lines = [json.loads(line) for line in printed.splitlines()]
    assert [line["kind"] for line in lines[:2]] == ["status", "progress"]


def _text(renderable: object) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(renderable)
    return console.export_text()


def test_the_status_says_what_a_plan_lacks_and_that_an_order_was_typed() -> None:
    session = Session(
        Catalogue(
            {"amp": "amplifier"},
            {"outgoing-amplifier": "outgoing"},
            {"outgoing-amplifier": PlanFacts(needs_consent=True)},
        )
    )
    for text in ("OP:1", "WO:W9", "SN:1", "PR:amp"):
        session.step(ev.Scanned(text), 0.0)
    said = {}
    for lang in ("zh", "en"):
        console = Console(file=io.StringIO(), width=200)
        console.print(status_table({"session": session.view()}, lang))
        assert isinstance(console.file, io.StringIO)
        said[lang] = console.file.getvalue()
    assert "没有客户的数据授权" in said["zh"] and "手工输入的工单" in said["zh"]
    assert "no consent of the customer" in said["en"] and "typed at the bench" in said["en"]


def test_a_serial_number_cannot_speak_markup() -> None:
    session = SessionDesk().session
    session.step(ev.Scanned("SN:[red]x[/red]"), 0.0)
    assert "[red]x[/red]" in _text(status_table(session.view(), "en"))
