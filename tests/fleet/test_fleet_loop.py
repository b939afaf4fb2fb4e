"""The loop of a fleet on a real broker, without a centre; and what the verb refuses."""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from station.cli import simulate_fleet as verb
from station.cli.simulate_fleet import FleetChoice, run_fleet
from station.contract.keys import new_key, public_keys_to_text
from station.domain.errors import SettingsError
from station.fleet import fleet as fleet_room
from station.fleet.fleet import Fleet, Work, fleet_names
from station.mqtt.address import parse_address
from station.uplink.clock import ClockReader
from tests.fleet.viewer import retained_presence
from tests.servers.mosquitto import Mosquitto, free_port
from tests.uplink.rig import FAST

KEY = new_key()
NamesAndWork = Callable[[int, Work], Fleet]


@pytest.fixture
def make_fleet(broker: Mosquitto) -> Iterator[NamesAndWork]:
    made: list[Fleet] = []

    def make(count: int, work: Work) -> Fleet:
        keys = {KEY.key_id: KEY.public}
        address = parse_address(broker.url)
        made.append(Fleet(fleet_names(count), address, keys, ClockReader().read_stamp, work, backoff=FAST))
        return made[-1]

    yield make
    for fleet in made:
        fleet.leave()


def turn_until(fleet: Fleet, check: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 10.0
    while not check():
        assert time.monotonic() < deadline, f"not within 10 s: {what}; {fleet.figures}"
        fleet.turn()


def test_only_a_few_links_are_under_way_at_once(make_fleet: NamesAndWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_room, "OPENING_MAX", 3)
    fleet = make_fleet(40, Work(0.0, 0.0))
    figures, most = fleet.figures, 0
    while figures.online < 40:
        fleet.turn()
        most = max(most, figures.connects - figures.online)
    assert most == 3


def test_telemetry_is_spread_over_the_second_and_of_every_station(make_fleet: NamesAndWork, broker: Mosquitto) -> None:
    fleet = make_fleet(20, Work(0.0, 10.0))
    turn_until(fleet, lambda: fleet.figures.online == 20, "online")
    before, began = fleet.figures.telemetry, time.monotonic()
    turn_until(fleet, lambda: time.monotonic() - began > 1.0, "a second")
    passed = time.monotonic() - began
    assert fleet.figures.telemetry - before == pytest.approx(200 * passed, abs=60)


def test_what_this_process_came_too_late_for_is_counted_and_not_made_up_for(make_fleet: NamesAndWork) -> None:
    fleet = make_fleet(20, Work(0.0, 10.0))
    turn_until(fleet, lambda: fleet.figures.online == 20, "online")
    before, began = fleet.figures.telemetry, time.monotonic()
    time.sleep(1.0)  # the process did not get a processor
    fleet.turn()
    passed = time.monotonic() - began
    assert fleet.figures.telemetry - before <= 40
    assert fleet.figures.telemetry_skipped == pytest.approx(200 * passed - 20, abs=60)


def test_a_goodbye_leaves_everybody_offline_and_what_has_no_receipt_is_told(
    make_fleet: NamesAndWork, broker: Mosquitto
) -> None:
    fleet = make_fleet(20, Work(50.0, 0.0))
    turn_until(fleet, lambda: fleet.figures.online == 20 and fleet.figures.runs >= 5, "online and at work")
    assert fleet.settle(0.2) is False
    waiting = fleet.figures.waiting
    fleet.leave()
    assert waiting == fleet.figures.posted == 3 * fleet.figures.runs
    seen = retained_presence(broker.url, 1000)  # of earlier fleets, too
    assert {seen[name].state for name in fleet_names(20)} == {"offline"}


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (FleetChoice(0, "mqtt://127.0.0.1:1", 1.0, 1.0, True), "--fleet 0: 1 to"),
        (FleetChoice(5, "mqtts://localhost:1", 1.0, 1.0, True), "no certificates.*plain listener on loopback"),
        (FleetChoice(5, "mqtt://10.0.0.1:1883", 1.0, 1.0, True), "not on loopback"),
        (FleetChoice(5, "mqtt://127.0.0.1:1", -1.0, 1.0, True), "--results-per-s"),
        (FleetChoice(5, "mqtt://127.0.0.1:1", 1.0, 0.0, True), "--seconds"),
    ],
)
def test_what_cannot_be_is_refused_with_its_remedy(choice: FleetChoice, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        run_fleet(choice)


def test_more_stations_than_files_are_refused_with_the_number_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    with pytest.raises(SettingsError, match=r"needs 1064 open files, .* may have 1024; .*--fleet 960"):
        run_fleet(FleetChoice(1000, "mqtt://127.0.0.1:1", 1.0, 1.0, True))


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (False, "no station came online: mqtt://127.0.0.1:{port}: refused, nobody listens there; start the broker"),
        (True, "no receipts; is a collector running on this broker"),
    ],
)
def test_a_fleet_that_reached_nobody_says_why(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    there: bool, words: str,
) -> None:  # fmt: skip
    (tmp_path / verb.RECEIPT_KEYS).write_text(public_keys_to_text(KEY), encoding="utf-8")
    monkeypatch.setattr(verb, "KEYS", tmp_path)
    monkeypatch.setattr(verb, "centre_key", lambda: None)
    monkeypatch.setattr(verb, "SETTLE_S", 0.1)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    port = broker.port if there else free_port()
    assert run_fleet(FleetChoice(3, f"mqtt://127.0.0.1:{port}", 50.0, 0.3, False)) == 1
    assert words.format(port=port) in " ".join(capsys.readouterr().out.split())
