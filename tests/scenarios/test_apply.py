"""`apply` through a whole station: a changed limit is in the next record, and a revision that does not hold goes back.

Daemon, simulated bench, broker and collector in processes of their own; the centre signs, and every start is real.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from station.contract.envelope import topic
from station.control.answers import ControlError
from station.mqtt.address import parse_address
from station.mqtt.link import Link, LinkOptions, Received
from station.settings.revisions import read_files, revision_of
from tests.scenarios.test_people_orders import STATION, Shop
from tests.settings.trees import packed


class Applied(Shop):
    """A centre that sends configurations. A scan that a busy machine makes late trips: then RESET, and once more."""

    def start_station(self) -> Any:
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


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Applied]:
    with Applied(tmp_path) as shop:
        yield shop


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

    for _ in range(2):
        shop.kill(shop.station)
        shop.start_station()
        told = shop.configuration()
    assert told["revision"] is None and "did not stay up for 60 s, 2 times in a row" in told["last_apply_error"]
    shop.until(lambda: "config_went_back" in [alarm["code"] for alarm in shop.bodies("alarm")], "the alarm")
