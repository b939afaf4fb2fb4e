"""kill -9 of real processes at any time: every run that was begun is at the centre exactly once."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from station.cli.broker import EmbeddedBroker
from station.contract.keys import new_key, public_keys_to_text, save_key
from station.contract.records import RecordCodec
from station.domain.verdict import Verdict
from station.store.history import History
from tests.uplink.rig import PLAN

ROOT = Path(__file__).parents[2]


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen([sys.executable, "-m", *arguments], stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert child.stdout is not None and child.stdout.readline(), "it says that it is up"
        yield child
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def make_keys(folder: Path) -> None:
    key = new_key()
    save_key(folder / "key.json", key)
    (folder / "public.json").write_text(public_keys_to_text(key))


def collector(folder: Path, url: str) -> tuple[str, ...]:
    database, key = str(folder / "centre.sqlite"), str(folder / "key.json")
    return ("station.collector", "--broker", url, "--database", database, "--key", key, "--stop-with-parent")


def station(folder: Path, url: str, *more: str) -> tuple[str, ...]:
    return ("tests.uplink.kill_station", str(folder), url, str(folder / "public.json"), "0.02", *more)


def test_station_and_collector_killed_again_and_again_give_each_run_exactly_one_record(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    make_keys(tmp_path)
    chance = random.Random(7)
    for _ in range(3):
        with process(*collector(tmp_path, broker.url)), process(*station(tmp_path, broker.url)):
            time.sleep(chance.uniform(0.1, 0.5))  # both die at a time of nobody's choosing
    with process(*collector(tmp_path, broker.url)), process(*station(tmp_path, broker.url, "--finish")) as last:
        assert last.wait(60) == 0
    check_books(tmp_path, least_runs=3)


def check_books(folder: Path, least_runs: int) -> None:
    """Journal and centre hold the same records: one a run, whole, and none that is still open."""
    centre = sqlite3.connect(folder / "centre.sqlite")
    rows = centre.execute("SELECT run_id, run_no, verdict FROM results ORDER BY run_no").fetchall()
    assert centre.execute("SELECT count(*) FROM messages").fetchone()[0] == len(rows)
    assert centre.execute("SELECT * FROM alarms").fetchall() == []
    centre.close()
    with History(folder / "station.sqlite", RecordCodec()) as history:
        runs = history.runs(10_000)[::-1]
        assert rows == [(run.run_id, run.run_no, run.verdict) for run in runs]
        assert [run.run_no for run in runs] == list(range(1, len(runs) + 1))
        assert len(runs) >= least_runs
        records = [history.record(run.run_id) for run in runs]
    aborted = [record for record in records if record.verdict is Verdict.ABORTED]
    assert {record.verdict for record in records} <= {Verdict.PASS, Verdict.ABORTED}
    assert len(aborted) <= 3, "at most one a kill"
    for record in records:
        assert [step.id for step in record.steps] == [step.id for step in PLAN]
        made = [step.verdict is Verdict.PASS for step in record.steps]
        assert made == sorted(made, reverse=True), "what was committed is there, the rest is SKIPPED"


def test_the_broker_ends_when_its_owner_is_killed() -> None:
    code = (
        "import sys, time; from station.cli.broker import EmbeddedBroker;"
        "b = EmbeddedBroker().start(); print(b._broker._process.pid, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    owner.kill()
    owner.wait()
    owner.stdout.close()
    deadline = time.monotonic() + 10.0
    while _runs(pid):
        assert time.monotonic() < deadline, "the broker is an orphan"
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
