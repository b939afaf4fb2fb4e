"""The disk runs full under power: the run is finished in the store's reserve and the next one is refused until there is
room again; where the reserve is gone as well, the bench goes dead and says why.

Full is a small file system of its own where this process may mount one, and a limit on the size of files where not.
"""

from __future__ import annotations

import contextlib
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.deaths import AGAIN_MAX, Deathbed, busy

ROOM = "16m"
FILLER = "filler"


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[bool]:
    """A file system of `ROOM` at `place`; False where that is not allowed here."""
    place.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", place], capture_output=True)
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", place], check=True)


def fill(place: Path, *, reserve_too: bool = False) -> None:
    """Take all room that is left, also what the store keeps for the run under way."""
    if reserve_too:
        (place / "station.sqlite.reserve").unlink()
    with (place / FILLER).open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def limit_files(bench: Deathbed, bytes_max: int) -> None:
    """No file of the daemon may grow beyond this, from now on."""
    resource.prlimit(bench.station.pid, resource.RLIMIT_FSIZE, (bytes_max, resource.RLIM_INFINITY))


def run_into_it(bench: Deathbed, make_full: Callable[[], None], make_room: Callable[[], None]) -> tuple[str, str]:
    """A run with more steps than the store has in reserve; the disk is full from its first step on.

    Returns the run, in which K was on, and what the technician is told when it ends. One that the station ended by
    itself, or that the disk ended before K was on, is made again.
    """
    for _ in range(AGAIN_MAX):
        run_id = ""
        for event in bench.watch(bench.technician_of("many")):
            kind, data = event["kind"], event["data"]
            if kind == "run_started":
                run_id = data["run_id"]
                make_full()
            elif kind == "tell" and data["code"] == "no_run" and run_id:
                assert not bench.energised(), "K and H are off before anything is told"
                if bench.outputs("k"):
                    return run_id, data["text"]["en"]
                make_room()  # the log's reserve was used up before anything was switched on: nothing to see here
                break
            elif kind == "run_ended":
                assert busy(data), data
                make_room()
                break
    raise AssertionError("this machine is too busy to show anything")


def refuses(bench: Deathbed) -> str:
    """START with everything scanned, while the disk is full; returns what is told."""
    before = bench.changes()
    for event in bench.watch(bench.technician_of("many")):
        assert event["kind"] != "run_started", "nothing is tested that cannot be written down"
        if event["kind"] == "tell" and event["data"]["code"] == "no_run":
            assert bench.changes() == before
            return str(event["data"]["text"]["en"])
    raise AssertionError(f"the daemon went away; {bench.logs()}")


def check_closed(bench: Deathbed, run_id: str, verdict: str, why: str) -> None:
    """The run is on record, once, as one that did not come to its end, and the record says why."""
    record = bench.result(run_id)
    assert record["verdict"] == verdict
    assert why in record["causes"][-1]["text"]


def finish_while_full(bench: Deathbed, make_full: Callable[[], None]) -> tuple[str, dict[str, Any]]:
    """A run with the disk full from its first step on; its id and how it ended."""
    run_id = ""
    for event in bench.watch(bench.technician_of("several")):
        if event["kind"] == "run_started":
            run_id = event["data"]["run_id"]
            make_full()
        elif event["kind"] == "run_ended":
            return run_id, event["data"]
    raise AssertionError(f"no run ended; {bench.logs()}")


def check_finished_in_reserve(bench: Deathbed, place: Path, make_room: Callable[[], None]) -> None:
    """A run is finished while nothing else fits on the disk; the next START is refused."""
    reserve = place / "station.sqlite.reserve"
    for _ in range(AGAIN_MAX):
        run_id, ended = finish_while_full(bench, lambda: fill(place))
        if not busy(ended):
            break
        make_room()
    assert bench.wait_ended(run_id)["verdict"] == ended["verdict"], "the record, with its row of the outbox"
    assert not reserve.exists(), "it was needed"
    told = refuses(bench)
    assert "the disk is full" in told and "kept for the run under way" in told
    make_room()


@pytest.mark.timeout(240)
def test_a_full_disk_ends_no_run_but_begins_none_and_without_the_reserve_the_bench_goes_dead(tmp_path: Path) -> None:
    place = tmp_path / "config" / "var"
    with small_disk(place) as mounted, Deathbed(tmp_path) as bench:
        if not mounted:
            pytest.skip("a file system cannot be mounted here")

        def make_room() -> None:
            (place / FILLER).unlink(missing_ok=True)

        check_finished_in_reserve(bench, place, make_room)
        first, told = run_into_it(bench, lambda: fill(place, reserve_too=True), make_room)
        assert "the disk is full" in told
        assert "the disk is full" in refuses(bench)
        make_room()
        second, told = run_into_it(bench, lambda: fill(place, reserve_too=True), make_room)  # it goes on, same daemon
        check_closed(bench, first, "ERROR", "the disk is full")
        assert "the disk is full" in told
        bench.kill(bench.station)
        before = bench.changes()
        assert bench.start_station().wait(20.0) == 4, "a daemon that cannot write does not come up"
        assert "the disk is full" in bench.logs() and bench.changes() == before
        make_room()
        bench.restart()
        check_closed(bench, second, "ABORTED", "the station stopped")


@pytest.mark.byhand
@pytest.mark.timeout(240)
def test_a_store_that_cannot_grow_ends_the_run_dead_and_the_next_daemon_says_so(tmp_path: Path) -> None:
    with Deathbed(tmp_path) as bench:
        log = tmp_path / "config" / "var" / "station.sqlite-wal"
        run_id, told = run_into_it(
            bench, lambda: limit_files(bench, log.stat().st_size), lambda: limit_files(bench, resource.RLIM_INFINITY)
        )
        assert "station.sqlite" in told and "check the disk" in told
        bench.kill(bench.station)
        bench.restart()
        check_closed(bench, run_id, "ABORTED", "the station stopped")
