"""The command line contract (contracts/cli.md): exit statuses, one clear line, what goes to which output.

Wrong use goes through the command line's own door in this process, the rest as a person would run it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from drivers.ports import GuardState
from drivers.uart.guard import UartGuard
from station.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
VERBS = ("demo", "run", "simulate", "check", "collect", "contract", "status", "watch", "start", "abort", "scan")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
DEADLINE_S = 20.0


def station(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`station ARGUMENTS` to its end, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "station", *arguments], cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """How a verb ended and what it said."""

    status: int
    out: str
    err: str


Use = Callable[..., Answer]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Use:
    """`use("demo", "--speed", "241")`: the verb in this process, from the checkout."""
    monkeypatch.chdir(ROOT)

    def through_the_door(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["station", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        said = capsys.readouterr()
        return Answer(ended.value.code, said.out, said.err)

    return through_the_door


def broken(verb: str, place: str) -> subprocess.CompletedProcess[str]:
    """`station VERB` whose work, at `place`, divides by zero."""
    module, name = place.split(":")
    program = (
        f"import sys, {module} as room; room.{name} = lambda *a, **k: 1 / 0; sys.argv = ['station', *{verb.split()!r}];"
        "from station.cli.main import main; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nosuch", ["nosuch", "station --help"]),
        ("demo --nosuch", ["--nosuch", "station demo --help"]),
        ("demo surplus", ["surplus", "station demo --help"]),
        ("demo --speed 241", ["--speed", "240"]),
        ("demo --speed 0.5", ["--speed", "1"]),
        ("demo --speed nan", ["--speed"]),
        ("demo --dut nosuch", ["--dut nosuch", "repaired", "open-earth"]),
        ("demo --dut-file missing.toml", ["--dut-file missing.toml", "no such file"]),
        ("demo --plan nosuch", ["--plan nosuch", "outgoing-amplifier", "self-test"]),
        ("demo --lang fr", ["--lang", "zh", "en"]),
        ("demo --out pyproject.toml", ["--out pyproject.toml", "name a directory"]),
        ("simulate --dut nosuch", ["--dut nosuch", "repaired"]),
        ("simulate --speed 241", ["--speed", "240"]),
        ("check nosuch", ["nosuch", "name the configuration directory"]),
        ("collect --broker http://localhost", ["http://localhost", "mqtt://host:port"]),
        ("collect --broker mqtt://192.0.2.1", ["192.0.2.1", "TLS", "mqtts://192.0.2.1"]),
        ("contract", ["--out", "station contract --help"]),
        ("contract --out pyproject.toml/x", ["--out", "name a directory"]),
        ("status --socket nosuch.sock", ["nosuch.sock", "is the daemon running"]),
        ("scan", ["text", "station scan --help"]),
        ("run --nosuch", ["--nosuch", "station run --help"]),
    ],
)
def test_a_wrong_use_exits_2_with_one_clear_line(use: Use, line: str, said: list[str]) -> None:
    answer = use(*line.split())
    assert (answer.status, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1, answer.err
    assert [text for text in said if text not in answer.err] == []


def test_the_door_is_the_same_in_a_process_of_its_own() -> None:
    ran = station("demo", "--speed", "241")
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (2, "", 1)


def test_a_dut_file_with_an_unknown_key_exits_2_and_names_the_key(use: Use, tmp_path: Path) -> None:
    shipped = (ROOT / "config" / "duts" / "repaired.toml").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text("insulation_ohm = 5.0\n" + shipped, encoding="utf-8")
    answer = use("demo", "--dut-file", str(own), "--out", str(tmp_path))
    assert answer.status == 2
    assert str(own) in answer.err and "insulation_ohm" in answer.err
    assert len(answer.err.splitlines()) == 1


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(use: Use, verb: str) -> None:
    answer = use(verb, "--help")
    assert answer.status == 0
    assert answer.out.lower().startswith(f"usage: station {verb}")


def test_without_a_verb_the_verbs_are_listed_and_it_is_wrong_use(use: Use) -> None:
    answer = use()
    assert answer.status == 2
    assert [verb for verb in VERBS if f"  {verb} " not in answer.out] == []


def test_a_configuration_that_does_not_hold_ends_run_with_2_and_every_error_by_line(use: Use, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    settings = tmp_path / "config" / "station.toml"
    text = settings.read_text(encoding="utf-8").replace("[guard]", "[gard]", 1)
    settings.write_text(text.replace("address = 2", "address = 1", 1), encoding="utf-8")
    answer = use("run", "--config", str(tmp_path / "config"))
    assert answer.status == 2
    assert "Traceback" not in answer.err
    placed = re.findall(r"station\.toml:\d+: [^:]+: .+; .+", answer.err)
    assert len(placed) >= 2, answer.err


def test_run_without_its_credentials_exits_2_and_names_the_file(use: Use, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    answer = use("run", "--config", str(tmp_path / "config"))
    assert answer.status == 2
    assert "receipt-keys.json" in answer.err


@pytest.mark.parametrize(
    ("verb", "place"),
    [("demo", "station.cli.demo:run_demo"), ("check", "station.cli.check:check_tree"), ("run", "station.daemon:main")],
)
def test_an_uncaught_error_exits_4_never_1(verb: str, place: str) -> None:
    ran = broken(verb, place)
    assert ran.returncode == 4
    assert "ZeroDivisionError" in ran.stderr


def test_an_error_of_the_station_itself_exits_4_with_its_words_alone() -> None:
    program = (
        "import sys, station.cli.demo as demo\nfrom station.domain.errors import LinkError\n"
        "def lost(choice): raise LinkError('the broker is gone')\n"
        "demo.run_demo = lost\nsys.argv = ['station', 'demo']\nfrom station.cli.main import main\nmain()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (4, "station: the broker is gone\n")


def test_the_shipped_configuration_is_clean(use: Use) -> None:
    answer = use("check", "config")
    assert answer.status == 0
    assert answer.out.startswith("OK: config is clean")


def test_contract_writes_the_asyncapi_document_and_a_schema_for_every_body(use: Use, tmp_path: Path) -> None:
    answer = use("contract", "--out", str(tmp_path))
    assert answer.status == 0, answer.err
    api = json.loads((tmp_path / "asyncapi.json").read_text(encoding="utf-8"))
    assert api["asyncapi"].startswith("3.")
    schemas = sorted((tmp_path / "schemas").iterdir())
    assert {"result-1.0.json", "event-1.0.json", "alarm-1.0.json"} <= {path.name for path in schemas}
    assert {str(path) for path in (tmp_path / "asyncapi.json", *schemas)} == set(answer.out.splitlines())
    for path in schemas:
        Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


# ---- simulate --guard ------------------------------------------------------------------------------------------
@pytest.fixture
def guard_process() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "station", "simulate", "--guard"], cwd=ROOT, env=ENVIRONMENT, text=True, bufsize=1,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        yield process
        process.kill()


class Allowed:
    """A permit that is there."""

    def check(self) -> None:
        """Nothing forbids it."""


@asynccontextmanager
async def open_guard(process: subprocess.Popen[str]) -> AsyncIterator[UartGuard]:
    """The host's end of the port that the process names."""
    assert process.stdout is not None
    guard = UartGuard(json.loads(process.stdout.readline())["port"])
    await guard.open()
    try:
        yield guard
    finally:
        await guard.close()


async def test_simulate_guard_prints_its_port_and_stamps_every_change(guard_process: subprocess.Popen[str]) -> None:
    assert guard_process.stdout and guard_process.stdin
    async with open_guard(guard_process) as guard:
        await guard.reset()
        began_ns = time.monotonic_ns()
        guard.heartbeat()
        await guard.hv(1, Allowed())
        name, level, on_ns = guard_process.stdout.readline().split(" ")
        assert (name, level) == ("h", "1")
        assert began_ns < int(on_ns) < time.monotonic_ns()
        name, level, off_ns = guard_process.stdout.readline().split(" ")  # nobody feeds the heartbeat any more
        assert (name, level) == ("h", "0")
        assert int(on_ns) < int(off_ns) < time.monotonic_ns()
    guard_process.stdin.write("quit\n")
    assert guard_process.wait(DEADLINE_S) == 0


async def test_simulate_guard_takes_its_inputs_from_standard_input(guard_process: subprocess.Popen[str]) -> None:
    assert guard_process.stdin and guard_process.stderr
    async with open_guard(guard_process) as guard:
        guard_process.stdin.write("estop 2\nestop 0\n")
        deadline = time.monotonic() + DEADLINE_S
        while (now := guard.status) is None or now.estop:
            assert time.monotonic() < deadline
            guard.heartbeat()
            time.sleep(0.01)  # noqa: ASYNC251  (the driver reads in a thread of its own)
        assert now.state == GuardState.TRIPPED
    guard_process.stdin.close()
    assert guard_process.wait(DEADLINE_S) == 0
    said = guard_process.stderr.read().splitlines()
    assert len(said) == 1 and "estop 2" in said[0] and "estop|lid|thermo 0|1" in said[0]
