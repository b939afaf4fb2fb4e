"""`apply` through a whole station: a changed limit is in the next record, and a revision that does not hold goes back.

Daemon, simulated bench, broker and collector in processes of their own; the centre signs, and every start is real.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from station.contract.envelope import topic
from station.control.answers import ControlError
from station.mqtt.address import parse_address
from station.mqtt.link import Link, LinkOptions, Received
from station.settings.revisions import read_files, revision_of, write_files
from tests.scenarios.live import ROOT
from tests.scenarios.test_people_orders import STATION, Shop
from tests.settings.trees import packed


class Applied(Shop):
    """A centre that sends configurations. A scan that a busy machine makes late trips: then RESET, and once more."""

    trial_s = 600.0

    def start_station(self) -> Any:
        os.environ["TRIAL_S"] = str(self.trial_s)
        arguments = ("run", "--config", str(self._config), "--broker", self.broker.url)
        self.station = self._start("trial_station", *arguments)
        return self.station

    def apply(self, files: dict[str, bytes], cmd_id: str) -> dict[str, Any]:
        archive = packed(files)
        args = {"sha256": hashlib.sha256(archive).hexdigest(), "tree": base64.b64encode(archive).decode()}
        return self.command("apply", args, cmd_id)

    def full_status(self) -> dict[str, Any]:
        """The status; nothing while the daemon starts again."""
        try:
            told = self.status()
        except ControlError:
            return {"session": {"state": "none yet"}, "configuration": {"revision": "none yet"}}
        return told

    def in_use(self, revision: str | None) -> dict[str, Any]:
        """Wait for a revision as a technician who does not let a trip stand."""

        def arrived() -> bool:
            told = self.full_status()
            if told["session"]["state"] == "tripped":
                self.send("press reset")
            return bool(told["configuration"]["revision"] == revision)

        self.until(arrived, f"{revision} is in use", 60.0)
        return self.configuration()

    def configuration(self) -> dict[str, Any]:
        its: dict[str, Any] = self.full_status()["configuration"]
        return its

    def pass_a_run(self) -> dict[str, Any]:
        """A record with PASS."""
        for _ in range(3):
            self.stand_ready()
            record = self.run("OP:E07", "WO:WO-1", "SN:S1", "PL:live", "PR:example-a-100")
            if record["verdict"] == "PASS":
                return record
            self.send("press ok")
        raise AssertionError(f"no PASS in three runs: {record['verdict']}, {record['trips']}; {self.logs()}")

    def ask(self, verb: str, *arguments: str, touch: bool | None = None) -> tuple[int, dict[str, Any], str]:
        """A verb as a maintainer over SSH: exit status, its JSON, its words. `touch`: what becomes of the touch-current
        meter while the daemon starts again."""
        command = [sys.executable, "-m", "station", verb, *arguments, "--config", str(self._config), "--json"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SUDO_USER": "maria"}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        ) as asked:
            assert asked.stderr is not None and asked.stdout is not None
            words = []
            for line in asked.stderr:
                words.append(line)
                if touch is not None and "starts again" in line:
                    self.send(f"touch {touch:d}")
                if "RESET at the bench" in line:
                    self.send("press reset")
            document = json.loads(asked.stdout.read())
        return asked.returncode, document, "".join(words)

    def info(self) -> dict[str, Any]:
        """What the centre was told last, retained."""
        return asyncio.run(self._info())

    async def _info(self) -> dict[str, Any]:
        link = Link(LinkOptions(parse_address(self.broker.url), "the-centre-listens"))
        await link.open()
        await link.subscribe(topic(STATION, "up", "info"))
        while True:
            for item in await link.next():
                if isinstance(item, Received):
                    await link.close()
                    body: dict[str, Any] = json.loads(item.payload)["body"]
                    return body


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    with Applied(tmp_path_factory.mktemp("shop")) as shop:
        yield shop
    os.environ.pop("TRIAL_S", None)


def tree(folder: Path, files: Mapping[str, bytes]) -> str:
    """A directory with these files, and with a station.toml that belongs to nobody."""
    write_files(folder, files)
    (folder / "station.toml").write_text("of another bench")
    return str(folder)


def test_a_changed_limit_is_in_the_next_record_and_a_revision_that_does_not_hold_goes_back(shop: Applied) -> None:
    files = read_files(shop._config)
    plan = files["plans/live.toml"]
    assert b'revision = "1"' in plan and b"low = 198.0" in plan
    files["plans/live.toml"] = plan.replace(b'revision = "1"', b'revision = "2"').replace(
        b"low = 198.0", b"low = 201.5"
    )
    shop.stand_ready()
    pid = shop.station.pid

    loose = files["interlocks.toml"].replace(b"high = 100.0", b"high = 130.0", 1)
    refused = shop.apply({**files, "interlocks.toml": loose}, "a-loose")
    assert refused["status"] == "refused" and "interlocks.toml:" in refused["reason"]
    assert "trip sooner" in refused["reason"] and shop.configuration()["revision"] is None

    done = shop.apply(files, "a-1")
    assert done["status"] == "done" and "taken into use when no run is under way" in done["reason"]
    told = shop.in_use(revision_of(files))
    assert told["on_trial"] and shop.station.pid == pid and shop.station.poll() is None
    record = shop.pass_a_run()
    (measured,) = record["steps"][0]["measurements"]
    assert (record["plan"]["revision"], measured["low"], record["verdict"]) == ("2", 201.5, "PASS")
    info = shop.info()
    assert info["config_revision"] == revision_of(files) and info["last_apply_error"] is None
    assert info["config_sha256"] == record["config_sha256"]

    for trial_s in (600.0, 1.0):
        shop.kill(shop.station)
        shop.trial_s = trial_s
        shop.start_station()
        told = shop.configuration()
    assert told["revision"] is None and "did not stay up for 60 s, 2 times in a row" in told["last_apply_error"]
    shop.until(lambda: "config_went_back" in [alarm["code"] for alarm in shop.bodies("alarm")], "the alarm")


def better_than(own: Mapping[str, bytes]) -> dict[str, bytes]:
    """With a limit that is tighter."""
    return {**own, "plans/live.toml": own["plans/live.toml"].replace(b"low = 198.0", b"low = 202.0")}


def test_over_ssh_a_tree_is_refused_or_goes_back_where_a_device_falls_silent(shop: Applied, tmp_path: Path) -> None:
    """Goes on where the test before ended: the bench's own files are in use, and a trial takes a second."""
    own = read_files(shop._config)
    plan = own["plans/live.toml"]
    broken = tree(tmp_path / "broken", {**own, "plans/live.toml": plan.replace(b"low = 198.0", b"lo = 198.0")})
    status, told, words = shop.ask("apply", broken)
    assert status == 2 and told["outcome"] == "refused" and f"{broken}/plans/live.toml:" in words
    assert told["left_alone"] == ["station.toml"] and "never replaces what is the bench's own" in words

    better = better_than(own)
    revision, folder = revision_of(better), tree(tmp_path / "better", better)
    status, told, words = shop.ask("apply", folder, touch=False)
    assert (status, told["outcome"]) == (1, "given up") and "touch answered before and is silent now" in told["reason"]
    assert [change["words"] for change in told["changes"]] == [
        "plan live: step supply: limit supply_v >= 198.0 → >= 202.0 (tighter)"
    ]
    assert shop.in_use(None)["last_apply_error"].startswith(f"revision {revision[:12]} was given up")

    shop.send("touch 1")


def test_over_ssh_a_tree_holds_and_is_rolled_back(shop: Applied, tmp_path: Path) -> None:
    own = read_files(shop._config)
    better = better_than(own)
    revision, folder = revision_of(better), tree(tmp_path / "better", better)
    status, told, words = shop.ask("apply", folder)
    assert (status, told["outcome"], told["revision"]) == (0, "in use", revision), words
    assert "on trial for a minute" in words and shop.configuration()["revision"] == revision

    loose = {**own, "interlocks.toml": own["interlocks.toml"].replace(b"high = 60.0", b"high = 70.0")}
    status, told, words = shop.ask("apply", tree(tmp_path / "loose", loose))
    assert status == 2 and "--accept-looser inrush.high" in words and shop.configuration()["wanted"] is None

    status, told, words = shop.ask("rollback")
    assert (status, told["outcome"], told["revision"]) == (0, "in use", revision_of(own)), words
    _, rows, _ = shop.ask("revisions")
    first, second = ((row["revision"], row["standing"], row["by"]) for row in rows[:2])
    assert first == (revision_of(own), "in use", "maria") and second == (revision, "earlier", "maria")
