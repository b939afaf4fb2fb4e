"""`python -m station.collector.send`: one signed command, its reply printed, and an exit status that tells."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from station.collector.send import DONE, NO_REPLY, REFUSED, WRONG_USE, main, read_args
from station.contract.keys import new_key, save_key
from station.domain.commands import Answer
from station.domain.errors import SettingsError
from tests.servers.mosquitto import Mosquitto, free_port
from tests.uplink.rig import OF_TODAY, STATION, Bench, open_store, until

ROOT = Path(__file__).parents[2]
RECEIPTS, COMMANDS, STRANGER = new_key(), new_key(), new_key()


@pytest.fixture
async def bench(mosquitto: Mosquitto, tmp_path: Path) -> AsyncIterator[Bench]:
    save_key(tmp_path / "commands.json", COMMANDS)
    save_key(tmp_path / "stranger.json", STRANGER)

    def carry(verb: str, args: object) -> Answer:
        return Answer() if verb == "identify" else Answer("refused", f"not {verb} with {args}")

    store = await open_store(tmp_path / "station.sqlite")
    bench = Bench(store, mosquitto.url, RECEIPTS, carry=carry, command_key=COMMANDS, messages=OF_TODAY)
    await until(lambda: bench.uplink.connected, "the station is there")
    yield bench
    await bench.close()


async def send(url: str, key: Path, *arguments: str) -> tuple[int, str, str]:
    line = ["-m", "station.collector.send", "--broker", url, "--key", str(key), *arguments]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *line, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, out.decode(), err.decode()


async def test_a_command_is_sent_and_its_reply_printed(bench: Bench, mosquitto: Mosquitto, tmp_path: Path) -> None:
    key = tmp_path / "commands.json"
    (done, out, _), (refused, said, _) = await asyncio.gather(
        send(mosquitto.url, key, "--station", STATION, "identify"),
        send(mosquitto.url, key, "--station", STATION, "withdraw", '{"work_order": "WO-1"}'),
    )
    assert done == DONE and json.loads(out)["status"] == "done"
    assert refused == REFUSED and json.loads(said)["reason"] == "not withdraw with {'work_order': 'WO-1'}"


async def test_what_cannot_be_answered_is_said_and_ends(bench: Bench, mosquitto: Mosquitto, tmp_path: Path) -> None:
    key, stranger = tmp_path / "commands.json", tmp_path / "stranger.json"
    (refused, said, _), (nobody, _, why), (wrong, _, remedy) = await asyncio.gather(
        send(mosquitto.url, stranger, "--station", STATION, "identify"),
        send(mosquitto.url, key, "--station", "bench-99", "--expires", "3", "identify"),
        send(mosquitto.url, key, "--station", STATION, "identify", "[1]"),
    )
    assert refused == REFUSED and "not known here" in json.loads(said)["reason"]
    assert nobody == NO_REPLY and "bench-99" in why
    assert wrong == WRONG_USE and "JSON object" in remedy


def test_arguments_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "args.json").write_text('{"work_order": "WO-1"}')
    assert read_args(f"@{tmp_path / 'args.json'}") == {"work_order": "WO-1"}
    with pytest.raises(SettingsError, match="@FILE"):
        read_args(f"@{tmp_path / 'none.json'}")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["frobnicate"], "frobnicate: no such verb; one of assign, withdraw"),
        (["withdraw", '{"order": "WO-1"}'], "withdraw: work_order"),
        (["resend", '{"from_seq": 2, "to_seq": 1}'], "swap the two"),
        (["assign", '{"work_order": "WO 1"}'], "assign: work_order"),
        (["apply", '{"sha256": "0", "tree": ""}'], "apply: sha256"),
    ],
)
def test_what_no_station_understands_is_wrong_use_before_anybody_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: list[str], words: str
) -> None:
    save_key(tmp_path / "key.json", COMMANDS)
    nobody = f"mqtt://127.0.0.1:{free_port()}"
    options = ["send", "--broker", nobody, "--key", str(tmp_path / "key.json"), "--station", STATION]
    monkeypatch.setattr(sys, "argv", [*options, *line])
    assert main() == WRONG_USE and words in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", [*options, "identify"])
    assert main() == NO_REPLY and "nobody listens there" in capsys.readouterr().err
