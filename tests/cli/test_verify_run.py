"""`verify --run` over a real control socket: put in front, followed to the record, shown with the charts."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station.cli.verify_bench import Choice
from station.cli.verify_follow import OneLine, follow_order
from station.cli.verify_run import STATUS, run_check
from station.control.protocol import Command, Outcome
from station.control.server import ControlServer
from station.domain.errors import SettingsError
from station.domain.events import Event
from station.domain.record import Cause
from station.domain.verdict import Verdict
from tests.cli.test_verify_bench import golden, keep

UNIT = golden(1, 0.0282).dut.serial_number
ORDER = f"GOLDEN-{UNIT}"
CAUSE = Cause(None, None, None, "STOP (panel)")


def session(running: bool = False, run: str | None = ORDER, **change: Any) -> Event:
    told = {"assigned": [ORDER], "scans": {"work_order": ORDER}, "state": "scan_missing", "missing": ["operator"]}
    return Event("session", told | {"run": {"work_order": run, "running": running}} | change)


def run_of(run_id: str, run_no: int) -> list[Event]:
    """What watchers are told of a run, another order's run before it included."""
    steps = [{"id": "thd", "title": {"en": "THD"}}]
    return [
        Event("run_started", {"run_id": "other", "run_no": 1, "plan": "outgoing", "steps": steps}),
        Event("run_ended", {"run_id": "other", "run_no": 1, "verdict": "ERROR", "causes": []}),
        session(),
        session(True, assigned=[]),
        Event("run_started", {"run_id": run_id, "run_no": run_no, "plan": "verify-golden", "steps": steps}),
        Event("step_started", {"step": "thd", "title": {"en": "THD"}}),
        Event("progress", {"step": "thd", "fraction": 0.4, "remaining_s": 2.0}),
        Event("run_ended", {"run_id": run_id, "run_no": run_no, "verdict": "FAIL", "causes": []}),
    ]


class Desk:
    """Remembers what reached it; refuses the verb that it is told to; on `start` tells its watchers `then`."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.refuses = ""
        self.then: list[Event] = []
        self.server: ControlServer

    async def command(self, command: Command) -> Outcome:
        if command.verb == "status":
            return Outcome()
        self.commands.append(command)
        if command.verb == self.refuses:
            return Outcome("refused", "a run is under way")
        if command.verb == "start":
            for event in self.then:
                self.server.publish(event)
        return Outcome()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A daemon's socket, and a configuration that names it."""
    at = tmp_path / "control.sock"
    (tmp_path / "station.toml").write_text(
        f'[station]\nname = "b"\ntimezone = "Asia/Shanghai"\n[store]\npath = "{tmp_path / "s.sqlite"}"\n'
        f'[control]\nsocket = "{at}"\n',
        encoding="utf-8",
    )
    here = Desk()
    here.server = ControlServer(at, here)
    await here.server.start()
    yield here
    await here.server.close()


async def ask(config: Path) -> int:
    choice = Choice(config, UNIT, 3, 8, None, False, None, None)
    return await asyncio.to_thread(run_check, choice, None, "example-a-100", as_json=True)


@pytest.mark.parametrize(
    ("verdict", "status", "says"),
    [
        (Verdict.PASS, 0, "run 1: PASS"),
        (Verdict.FAIL, 1, "OUT OF LIMITS"),
        (Verdict.ABORTED, 3, "run 1: ABORTED, STOP"),
        (Verdict.ERROR, 4, "run 1: ERROR, STOP"),
    ],
)
async def test_the_run_is_followed_to_its_record_and_shown_with_the_charts(
    verdict: Verdict, status: int, says: str, desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = replace(
        golden(1, 0.05 if verdict is Verdict.FAIL else 0.0282), verdict=verdict,
        causes=() if verdict is Verdict.PASS else (CAUSE,),
    )  # fmt: skip
    await keep(tmp_path / "s.sqlite", [made])
    desk.then = run_of(made.run_id, 1)
    assert await ask(tmp_path) == status
    assert [command.verb for command in desk.commands] == ["assign", "start"], "and nothing that energises"
    assert desk.commands[0].args == {
        "work_order": ORDER, "product": "example-a-100", "serial_number": UNIT, "purpose": "verify",
    }  # fmt: skip
    assert desk.commands[1].args == {"work_order": ORDER}
    told = capsys.readouterr()
    held = json.loads(told.out)
    assert held["run"] == {"run_no": 1, "verdict": verdict.value} and held["checks"] == 1 and held["charts"]
    assert says in told.err and "START" in told.err and "at the bench: scan your badge" in told.err
    assert "run 1 began: verify-golden, 1 steps\nstep 1 of 1, THD\n" in told.err


@pytest.mark.parametrize("verb", ["assign", "start"])
async def test_a_refusal_is_told_and_exits_1(
    verb: str, desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.refuses = verb
    assert await ask(tmp_path) == 1
    told = capsys.readouterr()
    assert desk.commands[-1].verb == verb and "a run is under way" in told.err
    assert json.loads(told.out) == {
        "status": "refused", "reason": "a run is under way", "work_order": ORDER, "run": None,
    }  # fmt: skip


@pytest.mark.parametrize("file", ["", '[station]\nname = "b"\ntimezone = "UTC"\n[store]\npath = "s.sqlite"\n'])
async def test_a_configuration_without_a_socket_or_a_store_says_what_to_name(file: str, tmp_path: Path) -> None:
    (tmp_path / "station.toml").write_text(file, encoding="utf-8")
    with pytest.raises(SettingsError, match="name the daemon's with --socket" if file else "no store.path"):
        await ask(tmp_path)


# ---- what else may come while one follows -----------------------------------------------------------------
def plain(events: list[Event]) -> Iterator[dict[str, Any]]:
    for event in events:
        yield {"kind": event.kind, "data": dict(event.data)}


@pytest.mark.parametrize(
    ("events", "what", "status", "why"),
    [
        ([session()], "gone", 4, "the daemon went away"),
        ([session(), session(assigned=[])], "withdrawn", 1, "was withdrawn"),
        ([session(True), Event("tell", {"text": {"en": "no audio"}}), session()], "no run", 4, "START: no audio"),
        ([session(True), *run_of("1", 7)[4:6], session()], "no run", 4, "run 7 is not on record"),
    ],
)
def test_a_check_that_never_comes_says_why(events: list[Event], what: str, status: int, why: str) -> None:
    ended = follow_order(ORDER, plain(events), OneLine(io.StringIO()))
    assert (ended.what, STATUS[ended.what]) == (what, status) and why in ended.why


def test_ctrl_c_ends_the_following_and_what_stands_in_between_is_said() -> None:
    def events() -> Iterator[dict[str, Any]]:
        other = session(scans={"work_order": "WO-2"})
        yield from plain([other, session(), other, session(True, run="WO-2"), session(True, run="WO-2")])
        raise KeyboardInterrupt

    said = io.StringIO()
    ended = follow_order(ORDER, events(), OneLine(said))
    assert (ended.what, STATUS[ended.what]) == ("left", 130) and "nothing else is changed" in ended.why
    assert said.getvalue() == (
        "at the bench: scan your badge\n"
        f"not in front any more (WO-2 is); scan WO:{ORDER} at the bench\n"
        f"work order WO-2 is being tested; then scan WO:{ORDER}\n"
    )


def test_on_a_terminal_there_is_one_line() -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    said = Screen()
    line = OneLine(said)
    for told in ("40%", "41%"):
        line.show("step 1 of 1, T\x1bHD", told)
    line.say("done")
    assert said.getvalue() == ("\r\x1b[Kstep 1 of 1, T\\x1bHD 40%\r\x1b[Kstep 1 of 1, T\\x1bHD 41%\r\x1b[Kdone\n"), (
        "and a title steers nothing"
    )
