"""The referee can fail: four faults put in on purpose, each found; and the other broker and database, in small."""

from __future__ import annotations

import secrets
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.torture.sabotaged_station import PUBACK
from tests.torture.settings import Settings, beside
from tests.torture.stage import Stage
from tests.torture.storm import check, is_drained, torture

CHANCE = secrets.randbelow(1_000_000)


@pytest.mark.timeout(240)
def test_the_embedded_broker_and_sqlite_lose_nothing_either_whatever_the_seed(tmp_path: Path) -> None:
    outcome = torture(beside(CHANCE), tmp_path)
    check(outcome, tmp_path)
    assert outcome.account.results >= 1000


SHORT = Settings(
    1, results=150, stations=1, collectors=1, database="sqlite", storm_s_min=2.0, drain_s=10.0, rogue=False,
)  # fmt: skip


def wait(stage: Stage, runs: int) -> None:
    """Until so many more runs were committed and something was delivered."""
    seat, ends = stage.seats[0], time.monotonic() + 30.0
    enough = min(len(seat.ledger.runs) + runs, SHORT.results)
    while len(seat.ledger.runs) < enough or delivered(seat.told.store) == 0:
        assert not stage.watch(), stage.findings
        assert time.monotonic() < ends, f"{len(seat.ledger.runs)} of {enough} runs; nothing moves"
        time.sleep(0.02)


def delivered(store: Path) -> int:
    with closing(sqlite3.connect(store, timeout=10.0)) as db:
        return int(db.execute("SELECT count(*) FROM outbox WHERE state = 'delivered'").fetchone()[0])


def kill_the_collector(stage: Stage) -> float:
    for _ in range(2):
        wait(stage, 40)
        stage.collectors[0].kill()
        wait(stage, 20)
        stage.collectors[0].start()
    wait(stage, 30)
    return 1.0


def kill_the_collector_when_all_is_delivered(stage: Stage) -> float:
    wait(stage, SHORT.results)
    ends = time.monotonic() + 30.0
    while not is_drained(stage.seats[0].told.store):
        assert time.monotonic() < ends, "the outbox does not get empty"
        time.sleep(0.02)
    stage.collectors[0].kill()
    return 1.0


def lose_receipts(stage: Stage) -> float:
    for _ in range(3):
        wait(stage, 20)
        stage.wire.strike("deaf", "stations", 0.3)
    wait(stage, 90)
    return 1.0


@pytest.mark.timeout(60)
def test_who_is_whole_passes_in_small(tmp_path: Path) -> None:
    check(torture(SHORT, tmp_path, kill_the_collector), tmp_path)


@pytest.mark.timeout(60)
def test_rows_deleted_on_puback_are_found_as_lost(tmp_path: Path) -> None:
    outcome = torture(replace(SHORT, sabotage_station=PUBACK), tmp_path, kill_the_collector)
    assert outcome.account.lost and not outcome.account.double and not outcome.account.altered, str(outcome)


@pytest.mark.timeout(60)
def test_receipts_before_the_commit_are_found_as_loss(tmp_path: Path) -> None:
    outcome = torture(replace(SHORT, sabotage_collector="early"), tmp_path, kill_the_collector_when_all_is_delivered)
    assert outcome.account.lost and not outcome.account.double and not outcome.account.altered, str(outcome)


@pytest.mark.timeout(60)
def test_what_comes_again_and_is_stored_again_is_found_as_double(tmp_path: Path) -> None:
    outcome = torture(replace(SHORT, sabotage_collector="twice"), tmp_path, lose_receipts)
    assert outcome.account.double and not outcome.account.lost and not outcome.account.altered, str(outcome)


@pytest.mark.timeout(60)
def test_one_word_changed_at_the_centre_is_found_as_altered(tmp_path: Path) -> None:
    outcome = torture(replace(SHORT, sabotage_collector="altered"), tmp_path, lose_receipts)
    assert outcome.account.altered and not outcome.account.lost and not outcome.account.double, str(outcome)
