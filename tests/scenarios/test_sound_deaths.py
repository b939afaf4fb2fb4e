"""The sound process killed or stopped while it drives the DUT: silence, the run ends as the station's fault, K off."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.scenarios.deaths import AGAIN_MAX, Deathbed, busy

SILENT_NS = 1_000_000_000
"""What was granted before is played by then, also where the machine is busy."""


def drive(bench: Deathbed) -> str:
    """A run that is in its soak, the DUT driven; returns its id. One that the station ended by itself is made again."""
    for _ in range(AGAIN_MAX):
        run_id = bench.begin("drive", reached="soak-3")
        bench.until(lambda: bench.driven() or run_id in bench.results(), "drive")  # noqa: B023
        if bench.driven():
            return run_id
        assert busy(bench.result(run_id))
    raise AssertionError("this machine is too busy to show anything")


def check(bench: Deathbed, number: signal.Signals, limit_s: float) -> None:
    """One sound process: no driven frames any more, ERROR by name, K off; the next run has a fresh one."""
    run_id = drive(bench)
    at_ns = time.monotonic_ns()
    os.kill(bench.sound_pid(), number)
    bench.until(lambda: not bench.driven(), "silence", limit_s)
    (*_, last) = [told for told in bench.told.seen if told.get("output") == "drive"]
    assert last["ns"] < at_ns + SILENT_NS, f"it drove for {(last['ns'] - at_ns) / 1e9:.2f} s more"
    bench.wait_dead(limit_s)
    record = bench.wait_ended(run_id)
    causes = [cause["text"] for cause in record["causes"]]
    assert record["verdict"] == "ERROR" and any("sound process" in c or "killed" in c for c in causes), causes


def goes_on(bench: Deathbed) -> None:
    """The same daemon tests the next device, and one that is started anew waits for a person."""
    run_id = bench.begin("hold-k")
    assert bench.comes_on("k", run_id) or busy(bench.result(run_id))
    bench.kill(bench.station)
    bench.wait_dead()
    bench.restart()


@pytest.mark.timeout(120)
def test_a_sound_process_that_is_killed_in_a_soak_is_silence_error_and_k_off(tmp_path: Path) -> None:
    with Deathbed(tmp_path) as bench:
        check(bench, signal.SIGKILL, 15.0)
        goes_on(bench)


@pytest.mark.byhand
@pytest.mark.timeout(240)
def test_a_sound_process_that_hangs_in_a_soak_plays_no_more_and_is_given_up_after_its_grace(tmp_path: Path) -> None:
    with Deathbed(tmp_path) as bench:
        check(bench, signal.SIGSTOP, 40.0)
        assert bench.quit_station() == 0
        bench.restart(tripped=False)
