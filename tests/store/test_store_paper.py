"""Slips in the store: written down with the run that ends, in its commit, and never lost or asked for twice."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from station.domain.errors import StoreError
from station.domain.paper import DuePaper
from station.domain.record import Record
from station.store.schema import MIGRATIONS
from station.store.store import Store
from tests.uplink.rig import MESSAGES, do_run, make_draft, make_record, open_store


def label_for_all(record: Record) -> Sequence[DuePaper]:
    return (DuePaper("label", queued=True),)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(tmp_path / "station.sqlite")
    store.paper_due = label_for_all
    yield store
    await store.close()


async def test_a_slip_costs_a_run_no_commit_and_is_there_with_its_record(store: Store, tmp_path: Path) -> None:
    record = await do_run(store)
    assert store.commits_by_kind["finish_run"] == 1 and "paper" not in store.commits_by_kind
    beside = sqlite3.connect(tmp_path / "station.sqlite")
    assert beside.execute("SELECT run_id, kind, state FROM paper").fetchall() == [(record.run_id, "label", "pending")]
    beside.close()
    paper = await store.next_paper()
    assert paper is not None and paper.run_id == record.run_id and record.run_id in paper.record
    assert (paper.reprint, paper.second, paper.work_order) == (False, False, "WO-1")


async def test_a_run_that_cannot_be_finished_leaves_no_slip(store: Store) -> None:
    draft = make_draft()
    await store.begin_run(draft)
    with pytest.raises(StoreError):
        await store.finish_run(make_record(draft, 99))
    assert await store.pending_paper() == 0


async def test_slips_go_out_in_order_except_those_that_are_left_aside(store: Store) -> None:
    runs = [await do_run(store) for _ in range(3)]
    first, second = await store.next_paper(), await store.next_paper({1})
    assert first is not None and second is not None
    assert [first.run_id, second.run_id] == [run.run_id for run in runs[:2]]
    await store.paper_printed(first.id)
    assert await store.pending_paper() == 2 and (await store.next_paper()) == second
    assert await store.next_paper({2, 3}) is None


async def test_what_was_tried_is_a_second_print_unless_no_byte_went_out(store: Store, tmp_path: Path) -> None:
    await do_run(store)
    await store.try_paper(1, tried=True)
    await store.close()
    again = await open_store(tmp_path / "station.sqlite")
    paper = await again.next_paper()
    assert paper is not None and paper.second and not paper.reprint
    await again.try_paper(1, tried=False)
    paper = await again.next_paper()
    assert paper is not None and not paper.second
    await again.close()


async def test_printed_and_its_event_are_one_commit(store: Store) -> None:
    record = await do_run(store)
    bad = MESSAGES.event("label_printed", run_id=record.run_id)
    broken = type(bad)("event", lambda slot: 1 / 0, record.run_id)  # type: ignore[arg-type, return-value]
    with pytest.raises(ZeroDivisionError):
        await store.paper_printed(1, [broken])
    assert await store.pending_paper() == 1
    waiting = (await store.counts()).waiting
    await store.paper_printed(1, [bad])
    assert await store.pending_paper() == 0 and (await store.counts()).waiting == waiting + 1


async def test_a_reprint_needs_a_first_and_is_asked_for_once(store: Store) -> None:
    record = await do_run(store)
    with pytest.raises(StoreError, match="waits for the printer already"):
        await store.reprint(record.run_id, "label", printed=False)
    with pytest.raises(StoreError, match=r"no return was due .* nothing is printed"):
        await store.reprint(record.run_id, "return", printed=False)
    await store.paper_printed(1)
    await store.reprint(record.run_id, "label", printed=False)
    paper = await store.next_paper()
    assert paper is not None and paper.reprint and paper.second
    assert await store.work_order_of(record.run_id) == "WO-1" and await store.work_order_of("none") is None


async def test_who_prints_is_told_of_every_change(store: Store) -> None:
    told: list[int] = []
    store.on_paper = lambda: told.append(1)
    await do_run(store)
    assert told == [1]


async def test_a_store_of_an_older_version_gets_the_table(tmp_path: Path) -> None:
    path = tmp_path / "station.sqlite"
    old = sqlite3.connect(path, isolation_level=None)
    for statement in MIGRATIONS[0]:
        old.execute(statement)
    old.execute("INSERT INTO meta VALUES ('store_epoch', 'aabbccdd'), ('session', '0')")
    old.execute("PRAGMA user_version = 1")
    old.close()
    store = await open_store(path)
    store.paper_due = label_for_all
    await do_run(store)
    assert await store.pending_paper() == 1
    await store.close()
