"""Work orders that wait: kept over restarts, used up by the run that says something of the device, claimed once."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station.domain.commands import DropOrder, KeepOrder
from station.domain.earlier import has_failed
from station.domain.plan import Purpose
from station.domain.record import ClockStamp, JudgedMeasurement, StepRecord, TripRecord
from station.domain.verdict import Verdict
from station.domain.work_order import EarlierRun, WorkOrder
from station.store.store import Store
from tests.uplink.rig import MESSAGES, TS, make_draft, make_record, open_store

ORDER = WorkOrder("WO-1", "example-a-100", "SN-1", "outgoing", priority=3, assigned=True)
OTHER = WorkOrder("WO-2", "example-a-100", assigned=True)
ACCEPTED = [MESSAGES.event("accepted", work_order="WO-1")]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(tmp_path / "station.sqlite")
    yield store
    await store.close()


async def numbers(store: Store) -> list[str]:
    return [order.number for order, _ in await store.waiting_orders()]


async def finish(store: Store, verdict: Verdict, purpose: Purpose = "outgoing", work_order: str = "WO-1") -> None:
    draft = replace(make_draft(), purpose=purpose, work_order=work_order)
    run_no = await store.begin_run(draft)
    await store.finish_run(replace(make_record(draft, run_no), verdict=verdict))


async def test_what_waits_is_there_after_a_restart_whole_and_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "station.sqlite"
    store = await open_store(path)
    whole = replace(ORDER, history=(EarlierRun("r0", "incoming", "FAIL", TS, causes=("hum",)),), data_consent=True)
    await store.change([KeepOrder(OTHER), KeepOrder(whole)])
    await store.close()
    store = await open_store(path)
    assert await store.waiting_orders() == [(OTHER, False), (whole, False)]
    await store.close()


async def test_an_order_that_is_assigned_anew_keeps_its_place_and_its_claim(store: Store) -> None:
    await store.change([KeepOrder(ORDER), KeepOrder(OTHER)])
    assert await store.accept_order("WO-1", ACCEPTED)
    await store.change([KeepOrder(replace(ORDER, priority=9))])
    assert await store.waiting_orders() == [(replace(ORDER, priority=9), True), (OTHER, False)]
    await store.change([DropOrder("WO-1"), DropOrder("WO-9")])
    assert await numbers(store) == ["WO-2"]


async def test_a_claim_is_told_once_and_only_of_what_waits(store: Store) -> None:
    assert not await store.accept_order("WO-1", ACCEPTED)
    await store.change([KeepOrder(ORDER)])
    assert await store.accept_order("WO-1", ACCEPTED)
    assert not await store.accept_order("WO-1", ACCEPTED)
    assert (await store.counts()).waiting == 1


@pytest.mark.parametrize(
    ("verdict", "purpose", "waits"),
    [
        (Verdict.PASS, "outgoing", False),
        (Verdict.FAIL, "outgoing", False),
        (Verdict.FAIL, "incoming", False),
        (Verdict.ABORTED, "outgoing", True),
        (Verdict.ERROR, "outgoing", True),
        (Verdict.PASS, "engineering", True),
    ],
)
async def test_the_run_that_says_something_of_the_device_uses_its_order_up(
    store: Store, verdict: Verdict, purpose: Purpose, waits: bool
) -> None:
    await store.change([KeepOrder(ORDER), KeepOrder(OTHER)])
    await finish(store, verdict, purpose)
    assert await numbers(store) == (["WO-1", "WO-2"] if waits else ["WO-2"])


async def test_a_run_that_was_cut_off_leaves_its_order_waiting(tmp_path: Path) -> None:
    path = tmp_path / "station.sqlite"
    store = await open_store(path)
    await store.change([KeepOrder(ORDER)])
    await store.begin_run(make_draft())
    await store.close()
    store = await open_store(path)
    assert await numbers(store) == ["WO-1"]
    await store.close()


async def test_a_command_and_what_it_changes_are_one_commit(store: Store) -> None:
    reply = lambda kept: [MESSAGES.reply("c1", "done")]  # noqa: E731
    assert not await store.knows_command("c1")
    assert await store.take_command("c1", reply, [KeepOrder(ORDER)])
    assert await store.knows_command("c1") and await numbers(store) == ["WO-1"]
    assert not await store.take_command("c1", reply, [DropOrder("WO-1")])
    assert await numbers(store) == ["WO-1"], "the repeat changes nothing"
    assert store.commits_by_kind["command"] == 2


async def test_an_order_that_cannot_be_read_keeps_nobody_from_the_others(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await store.change([KeepOrder(ORDER), KeepOrder(OTHER)])
    with sqlite3.connect(tmp_path / "station.sqlite") as db:
        db.execute("UPDATE work_orders SET work_order = '{}' WHERE number = 'WO-1'")
    assert await numbers(store) == ["WO-2"]
    assert "work order WO-1 cannot be read" in caplog.text


async def test_what_the_journal_knows_of_an_order_is_told_oldest_first_and_without_samples(store: Store) -> None:
    await finish(store, Verdict.FAIL, "incoming")
    await finish(store, Verdict.PASS)
    await finish(store, Verdict.PASS, work_order="WO-2")
    await store.begin_run(make_draft())
    runs = await store.runs_of_order("WO-1", simulated=True)
    assert [(run.purpose, run.verdict, run.plan, run.serial_number, run.station) for run in runs] == [
        ("incoming", "FAIL", "self-test", "SN-1", "bench-07"), ("outgoing", "PASS", "self-test", "SN-1", "bench-07"),
    ]  # fmt: skip
    assert {run.clock_quality for run in runs} == {"synced"} and all(run.simulated for run in runs)
    assert await store.runs_of_order("WO-1", simulated=False) == (), "a sample proves nothing on a real bench"


def _failing_step(step: Verdict, measurement: Verdict) -> StepRecord:
    made = JudgedMeasurement("thd_percent", 0.4, "%", measurement, "left")
    return StepRecord("thd", "thd", {"zh": "失真", "en": "THD"}, step, 1, TS, 1.0, (made,))


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ({}, False),
        ({"verdict": Verdict.FAIL}, True),
        ({"steps": (_failing_step(Verdict.PASS, Verdict.PASS),)}, False),
        ({"steps": (_failing_step(Verdict.FAIL, Verdict.SKIPPED),)}, True),
        ({"steps": (_failing_step(Verdict.ABORTED, Verdict.FAIL),)}, True),
        ({"trips": (TripRecord("dc-left", "HIGH", 2.0, 1.0, "dut", 9.0),)}, True),
        ({"trips": (TripRecord("dc-left", "NO_VALUE", None, 1.0, "station", 9.0),)}, False),
    ],
)
async def test_a_run_in_which_the_device_failed_says_so_whatever_it_became(
    store: Store, change: dict[str, Any], failed: bool
) -> None:
    draft = replace(make_draft(), purpose="engineering")
    record = replace(make_record(draft, await store.begin_run(draft)), **{"verdict": Verdict.ABORTED} | change)
    await store.finish_run(record)
    (run,) = await store.runs_of_order("WO-1", simulated=True)
    assert (run.failed, has_failed(record)) == (failed, failed), "in SQL as in the record"


async def test_a_run_whose_clock_was_not_set_says_so(store: Store) -> None:
    draft = replace(make_draft(), purpose="outgoing", simulated=False, clock=ClockStamp("unsynced", None, "b"))
    await store.finish_run(make_record(draft, await store.begin_run(draft)))
    (run,) = await store.runs_of_order("WO-1", simulated=False)
    assert run.clock_quality == "unsynced"
