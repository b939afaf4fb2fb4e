"""The silent passes and unsafe stops that peers have, on a whole live station: none of them can happen here.

The same at the level of the runner, for everything that needs no process: tests/run/test_runner.py.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.scenarios.live import Event, Live

OFF_S = 1.3
"""K and H are off within the heartbeat limit and the release time, whatever ends a run."""


def is_kind(kind: str, step: str | None = None):  # type: ignore[no-untyped-def]
    def wanted(event: Event) -> bool:
        return event["kind"] == kind and (step is None or event["data"].get("step") == step)

    return wanted


def ended(event: Event) -> bool:
    return bool(event["kind"] == "run_ended")


@pytest.mark.timeout(120)
def test_a_sound_process_killed_in_the_soak_is_an_error_with_power_off(tmp_path: Path) -> None:
    with Live(tmp_path, steps=("inrush", "connection", "soak")) as live:
        run_id, _ = live.run_until(is_kind("progress", "soak"))
        killed_at = time.monotonic()
        os.kill(live.sound_pid(), signal.SIGKILL)
        record = live.result(run_id)
        assert record["verdict"] == "ERROR" and record["steps"][-1]["verdict"] == "ERROR"
        assert "sound" in " ".join(cause["text"] for cause in record["causes"])
        live.wait_dead()
        assert live.outputs("k")[-1][0] - killed_at < 5.0
        # and the next run has a sound process again, without anything but the buttons
        again, _ = live.run_until(is_kind("progress", "soak"))
        assert again != run_id


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_a_run_switches_off_at_once_and_the_outcome_is_on_record(tmp_path: Path, number: int) -> None:
    with Live(tmp_path, steps=("inrush", "connection", "gain", "soak")) as live:
        run_id, _ = live.run_until(is_kind("step_started", "gain" if number == signal.SIGINT else "connection"))
        assert live.energised()
        signalled_at = time.monotonic()
        live.station.send_signal(number)
        assert live.station.wait(20.0) == 0
        live.wait_dead()
        off_s = live.outputs("k")[-1][0] - signalled_at
        assert off_s < OFF_S, f"K went off {off_s:.3f} s after the signal"
        changes = live.outputs("k")
        live.start_station()  # the record was committed before the daemon ended; the next one delivers it
        record = live.result(run_id)
        assert record["verdict"] == "ABORTED" and record["steps"][-1]["verdict"] == "SKIPPED"
        assert live.outputs("k") == changes, "nothing comes back with the daemon"


@pytest.mark.timeout(120)
def test_stop_runs_the_power_off_and_the_run_is_aborted(tmp_path: Path) -> None:
    with Live(tmp_path, steps=("inrush", "connection", "soak")) as live:
        run_id, _ = live.run_until(is_kind("progress", "soak"))
        live.send("press stop")
        record = live.result(run_id)
        assert record["verdict"] == "ABORTED" and record["trips"][0]["interlock"] == "stop"
        live.wait_dead()
        assert record["steps"][-1]["verdict"] == "ABORTED"


@pytest.mark.timeout(120)
def test_an_empty_socket_never_passes(tmp_path: Path) -> None:
    with Live(tmp_path, steps=("earth-bond", "insulation", "inrush", "touch-current", "idle-power")) as live:
        live.send("plug 0")
        run_id, event = live.run_until(ended)
        record = live.result(run_id)
        assert event["data"]["verdict"] == record["verdict"] in ("FAIL", "ERROR")
        earth_bond = record["steps"][0]["measurements"][0]
        assert earth_bond["verdict"] in ("FAIL", "ERROR"), "an open lead is no good earth bond"
        assert all(step["verdict"] != "PASS" for step in record["steps"] if step["id"] != "insulation")


@pytest.mark.timeout(120)
def test_a_device_that_is_switched_off_never_passes_the_steps_with_mains(tmp_path: Path) -> None:
    with Live(tmp_path, steps=("touch-current", "idle-power")) as live:
        live.send("plug 0")
        run_id, _ = live.run_until(ended)
        record = live.result(run_id)
        assert record["verdict"] in ("FAIL", "ERROR")
        by_id = {step["id"]: step["verdict"] for step in record["steps"]}
        assert by_id["idle-power"] != "PASS" and by_id["touch-current"] != "PASS", by_id


@pytest.mark.timeout(120)
def test_no_start_without_a_serial_number_and_no_start_from_the_socket(tmp_path: Path) -> None:
    with Live(tmp_path) as live:
        technician = live.technician()
        del technician.scans["serial_number"]
        scanned = False
        for event in live.watch(technician):
            if event["kind"] == "session":
                given = event["data"]["scans"]
                scanned = event["data"]["state"] == "scan_missing" and all(given[name] for name in technician.scans)
            if event["kind"] == "quiet" and scanned:
                live.send("press start")
            if event["kind"] == "tell" and event["data"]["code"] == "scans_missing":
                break
        with live.connect() as client:
            assert client.ask("start", work_order="LIVE-1")["status"] == "refused"
            assert client.ask("status")["data"]["session"]["state"] == "scan_missing"
        told = live.rows("SELECT payload FROM messages WHERE kind LIKE 'result/%' OR kind LIKE 'event/%'")
        assert {json.loads(row[0])["body"].get("event") for row in told} <= {"reset"}, "no run"
