"""Serial leads torn out in the middle of a run and put back: dead in time, on record, and back only by a RESET."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.deaths import AGAIN_MAX, Deathbed, Off, busy
from tests.scenarios.reaper import GRACE_MS, HEARTBEAT_MS

QUIET_S = 0.6
"""Longer than the guard takes to trip by itself, and than a status takes to come."""


def tear(bench: Deathbed, wire: str, plan: str) -> tuple[str, Off, float]:
    """Tear a wire out of a run that is energised; returns the run, how it went off, how long the guard had waited.

    A run that was over before is made again.
    """
    for _ in range(AGAIN_MAX):
        run_id = bench.begin(plan)
        if bench.comes_on(plan[-1], run_id):
            known, waited_ms = len(bench.changes()), bench.guard_waited_ms()
            torn_ns = time.monotonic_ns()
            bench.order(f"cut {wire}")
            bench.wait_dead(20.0)
            offs = bench.offs(known, torn_ns)
            if offs:
                assert [off.name for off in offs] == [plan[-1]]
                return run_id, offs[0], bench.guard_waited_ms() - waited_ms
        assert busy(bench.result(run_id))
        bench.order(f"mend {wire}")
    raise AssertionError("this machine is too busy to show anything")


def check_in_time(off: Off, waited_ms: float) -> None:
    """By the guard's own stamps. What its process waited for a processor is no fault of the guard."""
    late_ms = off.after_heartbeat_ms - HEARTBEAT_MS - GRACE_MS
    assert late_ms <= waited_ms if late_ms > 0 else True, f"{off}, the guard's process waited {waited_ms:.1f} ms"


def check_record(record: dict[str, Any], *words: str) -> None:
    """ERROR, and one of these words in a cause."""
    causes = [cause["text"] for cause in record["causes"]]
    assert record["verdict"] == "ERROR" and any(word in text for word in words for text in causes), causes


def stays_dead(bench: Deathbed) -> None:
    """Nothing comes on, and a RESET is wanted, also after a while."""
    before = bench.changes()
    time.sleep(QUIET_S)
    bench.check_tripped()
    assert bench.changes() == before


@pytest.mark.timeout(240)
def test_the_guards_lead_torn_out_and_put_back_takes_k_and_h_away_until_a_person_resets(tmp_path: Path) -> None:
    with Deathbed(tmp_path, cabled=True) as bench:
        for plan in ("hold-k", "hold-h"):
            said = len(bench.said())
            run_id, off, waited_ms = tear(bench, "guard", plan)
            check_in_time(off, waited_ms)
            check_record(bench.wait_ended(run_id), "guard, LOST")
            bench.until(lambda: "cannot open" in bench.said()[said:], "a try to open what is not there")  # noqa: B023
            stays_dead(bench)
            bench.order("mend guard")
            stays_dead(bench)
        tear(bench, "guard", "hold-k")
        assert bench.quit_station() == 0
        said = len(bench.said())
        bench.start_station()  # without a guard
        stays_dead(bench)
        bench.until(lambda: ": guard, " in bench.said()[said:], "the trip that blames the guard")
        told = bench.session()["trip"]["text"]["en"]
        assert "guard" in told or "late" in told, told  # on a busy machine a scan was late before it
        bench.order("mend guard")
        stays_dead(bench)
        run_id = bench.begin("hold-k")
        assert bench.comes_on("k", run_id) or busy(bench.result(run_id))


@pytest.mark.timeout(240)
def test_a_bus_torn_out_under_power_ends_the_run_and_it_takes_the_bus_and_a_reset_to_go_on(tmp_path: Path) -> None:
    with Deathbed(tmp_path, cabled=True) as bench:
        for wire in ("bus_a", "bus_b"):
            run_id, _, _ = tear(bench, wire, "hold-k")
            check_record(bench.wait_ended(run_id), "blames the station")
            stays_dead(bench)
            bench.kill(bench.station)
            bench.start_station()  # without the bus
            stays_dead(bench)
            bench.order(f"mend {wire}")
            stays_dead(bench)
        run_id = bench.begin("hold-k")
        assert bench.comes_on("k", run_id) or busy(bench.result(run_id))


@pytest.mark.timeout(240)
def test_a_bench_of_which_everything_is_gone_at_once_is_one_record_and_a_daemon_that_stays_tripped(
    tmp_path: Path,
) -> None:
    with Deathbed(tmp_path) as bench:
        run_id = ""
        while not bench.is_on("k"):
            run_id = bench.begin("hold-k")
            assert bench.comes_on("k", run_id) or busy(bench.result(run_id))
        bench.kill(bench.bench)
        record = bench.result(run_id)
        assert record["verdict"] == "ERROR" and record["causes"], record
        bench.until(lambda: bench.session()["state"] == "tripped", "tripped")
        assert bench.quit_station() == 0
        bench.start_station()  # to a bench that is not there
        bench.check_tripped()
        assert bench.results()[run_id] == record, "written once, and left as it was"
