"""300 light stations and three daemons on one real broker and one real collector; then the broker is killed and comes
back empty. Nothing is simulated but the benches: every session, receipt and row is real."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from station.cli.children import Child, start_child
from station.cli.keys import centre_key
from station.contract.bodies import Presence
from tests.fleet.full_station import FullStation
from tests.fleet.viewer import retained_presence
from tests.servers.mosquitto import Mosquitto

LIGHT, FULL = 300, 3
RESULTS_PER_S = 20.0
NAMES = {f"fleet-{number:04}" for number in range(1, LIGHT + 1)} | {f"full-{number}" for number in range(FULL)}
WITHIN_S = 60.0


@dataclass
class Scene:
    """What the test looks at."""

    broker: Mosquitto
    fleet: Child
    full: list[FullStation]
    database: Path

    def told(self) -> dict[str, Any]:
        """The fleet's figures of this second."""
        found: dict[str, Any] = json.loads(self.fleet.wait_line(WITHIN_S))
        return found

    def until_told(self, check: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        deadline = time.monotonic() + WITHIN_S
        while not check(told := self.told()):
            assert time.monotonic() < deadline, f"not within {WITHIN_S:g} s: {what}; {told}"
        return told

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """From the centre's database."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10.0) as db:
            return db.execute(sql).fetchall()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    database = tmp_path / "centre.sqlite"
    with ExitStack() as open_things:
        broker = open_things.enter_context(Mosquitto(tmp_path / "broker"))
        full = [
            open_things.enter_context(FullStation(tmp_path / f"full-{k}", f"full-{k}", broker.url, database))
            for k in range(FULL)
        ]
        arguments = ["collect", "--database", str(database), "--broker", broker.url, "--key", str(centre_key())]
        collector = open_things.enter_context(start_child(arguments, tmp_path / "collect.log"))
        assert json.loads(collector.wait_line(WITHIN_S))["ready"] is True
        for station in full:
            station.bring_up()
        arguments = ["simulate", "--fleet", str(LIGHT), "--broker", broker.url, "--json"]
        arguments += ["--results-per-s", str(RESULTS_PER_S)]
        fleet = open_things.enter_context(start_child(arguments, tmp_path / "fleet.log"))
        yield Scene(broker, fleet, full, database)


def until_online(url: str) -> dict[str, Presence]:
    """The retained presence of everybody, as soon as all of it says online."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        seen = retained_presence(url, len(NAMES))
        missing = sorted(NAMES - {name for name, body in seen.items() if body.state == "online"})
        if not missing:
            return seen
        assert time.monotonic() < deadline, f"not online within {WITHIN_S:g} s: {missing[:10]}, {len(missing)} in all"


@pytest.mark.timeout(180)
def test_a_fleet_with_daemons_comes_back_from_a_killed_broker_and_no_result_is_lost_or_counted_twice(
    scene: Scene,
) -> None:
    born = until_online(scene.broker.url)
    assert set(born) == NAMES
    run_id, _ = scene.full[0].run_until(lambda event: event["kind"] == "run_ended")
    scene.until_told(lambda told: told["receipts"] >= 3 * RESULTS_PER_S, "receipts of a second's runs")

    scene.broker.kill()
    scene.broker.start()
    assert scene.broker.process is not None and scene.broker.process.poll() is None
    again = until_online(scene.broker.url)
    assert {name: body.store_epoch for name, body in again.items()} == {n: b.store_epoch for n, b in born.items()}
    assert all(again[name].session > born[name].session for name in NAMES)
    scene.until_told(lambda told: told["lost"] == LIGHT and told["settled_s"] is not None, "the fleet is settled")
    scene.full[0].result(run_id)

    scene.fleet.process.terminate()
    last = scene.until_told(lambda told: bool(told.get("ended")), "the fleet's last word")
    assert scene.fleet.process.wait(WITHIN_S) == 0, last
    assert (last["waiting"], last["strange"], last["quarantined"]) == (0, 0, 0), last
    assert last["receipts"] == last["posted"] == 3 * last["runs"], last
    assert scene.rows("SELECT count(*), count(DISTINCT msg_id) FROM messages WHERE station LIKE 'fleet-%'") == [
        (last["posted"], last["posted"])
    ]
    assert scene.rows("SELECT count(*) FROM results WHERE station LIKE 'fleet-%'") == [(last["runs"],)]
    assert scene.rows("SELECT * FROM gaps") == []
    assert scene.rows("SELECT run_id FROM results WHERE station = 'full-0'") == [(run_id,)]
