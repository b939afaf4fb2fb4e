"""A card in another machine: runs pass and are kept, the centre hears nothing, and everything once that is settled."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from station.cli import service_machine
from tests.scenarios.live import Live

OLD, NEW = "10000000aaaa1111", "10000000bbbb2222"


def at_the_centre(live: Live) -> set[str]:
    """The runs that it has results of."""
    if not live.centre.exists():
        return set()
    with sqlite3.connect(f"file:{live.centre}?mode=ro", uri=True) as db:
        return {row[0] for row in db.execute("SELECT run_id FROM results")}


def status(live: Live) -> dict[str, Any]:
    """What the daemon says of itself now."""
    with live.connect() as client:
        told: dict[str, Any] = client.ask("status")["data"]
        return told


def a_pass(live: Live) -> str:
    run_id, ended = live.run_until(lambda event: event["kind"] == "run_ended")
    assert ended["data"]["verdict"] == "PASS"
    return run_id


@pytest.mark.timeout(240)
def test_on_another_machine_results_wait_until_a_maintainer_has_said_whose_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVE_MACHINE", OLD)
    with Live(tmp_path) as live:
        first = a_pass(live)
        live.until(lambda: first in at_the_centre(live), "the first result at the centre", 30.0)
        live.station.send_signal(signal.SIGTERM)
        live.station.wait(20.0)
        monkeypatch.setenv("LIVE_MACHINE", NEW)
        live.start_station()
        second = a_pass(live)
        live.until(lambda: status(live)["uplink"]["error"], "why it does not connect")
        told = status(live)
        assert not told["uplink"]["connected"] and OLD in told["uplink"]["error"] and NEW in told["uplink"]["error"]
        assert told["outbox"]["waiting"] >= 2 and told["last"][0]["run_id"] == second
        assert at_the_centre(live) == {first}
        live.station.send_signal(signal.SIGTERM)
        live.station.wait(20.0)
        monkeypatch.setattr(service_machine, "this_machine", lambda: NEW)
        assert service_machine.settle_machine(tmp_path / "config", moved=True, copied=False, as_json=True) == 0
        live.start_station()
        live.until(lambda: at_the_centre(live) == {first, second}, "both results at the centre", 40.0)
