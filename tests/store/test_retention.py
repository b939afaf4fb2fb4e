"""What of the store may go: whole runs, receipted, and old by a clock that can be believed."""

from __future__ import annotations

import asyncio
import hashlib
import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from station.domain.commands import KeepOrder, ResendRun
from station.domain.paper import DuePaper
from station.domain.record import Handover, Record, Reference
from station.domain.work_order import EarlierRun, WorkOrder
from station.purging.sound import sound_by_run
from station.purging.traces import search
from station.purging.work import BATCH_BYTES, LATER, Place, Purge, Tally
from station.store import old_runs, retention
from station.store.old_runs import Bound
from station.store.outbox import OutboxCounts, ReceiptEntry
from station.store.store import Store
from tests.uplink.rig import CLOCK, MESSAGES, make_draft, make_record, open_store

OLD, YOUNG = "2025-01-05T10:00:00.000Z", "2026-11-20T10:00:00.000Z"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
AGE = Bound("2025-10-18T00:00:00.000Z", 400)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(tmp_path / "station.sqlite")
    yield store
    await store.close()


async def run_of(
    store: Store, ended_at: str = OLD, *, change: Callable[[Record], Record] = lambda r: r, **fields: Any
) -> Record:
    """A finished run; nothing is receipted yet."""
    serial_number = fields.pop("serial_number", "SN-1")
    draft = replace(make_draft(), **fields)
    draft = replace(draft, dut=replace(draft.dut, serial_number=serial_number))
    run_no = await store.begin_run(draft, [MESSAGES.event("run_started", run_id=draft.run_id)])
    record = change(replace(make_record(draft, run_no), ended_at=ended_at))
    await store.finish_run(record, [MESSAGES.result(record)])
    return record


async def receipt_all(store: Store, status: Literal["stored", "rejected"] = "stored") -> None:
    while rows := await store.due(100):
        entries = [ReceiptEntry(row.msg_id, hashlib.sha256(row.payload).hexdigest(), status) for row in rows]
        await store.receipts(entries)


def purge(store: Store, bound: Bound = AGE, **how: Any) -> Tally:
    return purge_of(store, bound, **how).carry_out()


def purge_of(store: Store, bound: Bound = AGE, **how: Any) -> Purge:
    place = Place(store._path, store._path.parent / "captures")
    return Purge(place, bound, how.pop("named", ()), now=lambda: NOW, pause_s=0.0, **how)


def numbers(store: Store) -> list[int]:
    return [no for (no,) in sqlite3.connect(store._path).execute("SELECT run_no FROM runs ORDER BY run_no")]


async def test_what_is_old_and_receipted_goes_whole_and_a_number_is_never_used_again(store: Store) -> None:
    await run_of(store)
    await run_of(store)
    await receipt_all(store)
    tally = purge(store)
    assert (tally.runs, tally.messages, tally.run_nos, tally.kept, tally.left) == (2, 4, [2, 1], {}, [])
    db = sqlite3.connect(store._path)
    for table in ("runs", "outbox", "steps", "paper", "earlier_runs"):
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    record = await run_of(store, YOUNG)
    assert record.run_no == 3
    assert [row.seq for row in await store.due(10)] == [5, 6], "nor is the number of a message"
    assert await store.counts() == OutboxCounts(2, 0, 4), "what was purged was delivered"
    assert purge(store).runs == 0, "what is young stays"


async def test_what_the_centre_has_not_receipted_stays_whatever_its_age(store: Store) -> None:
    await run_of(store)
    assert purge(store).kept == {old_runs.WAITING: 1}
    await receipt_all(store, "rejected")
    assert purge(store).kept == {old_runs.QUARANTINED: 1}
    await store.requeue()
    await receipt_all(store)
    resent = await run_of(store)
    await receipt_all(store)
    await store.change([ResendRun(resent.run_id)])
    assert (purge(store).kept, numbers(store)) == ({old_runs.WAITING: 1}, [2])


async def test_an_open_run_and_one_that_never_told_its_result_stay(store: Store) -> None:
    draft = make_draft()
    await store.begin_run(draft)
    assert purge(store).runs == 0
    record = replace(make_record(draft, 1), ended_at=OLD)
    await store.finish_run(record)
    assert purge(store).kept == {old_runs.WAITING: 1}, "no receipt, no deletion"
    assert purge(store, Bound(serial_number="SN-1")).kept == {old_runs.WAITING: 1}


async def test_golden_checks_and_what_a_calibration_names_stay(store: Store) -> None:
    await run_of(store, purpose="verify")
    await run_of(store)
    named = await run_of(store)
    await receipt_all(store)
    tally = purge(store, named={"2", named.run_id})
    assert (tally.kept, numbers(store)) == ({old_runs.GOLDEN: 1, old_runs.CALIBRATED: 2}, [1, 2, 3])


async def test_what_a_run_that_stays_refers_to_stays_with_it_and_goes_with_it(store: Store) -> None:
    first = await run_of(store)
    await run_of(store, YOUNG, reference=Reference(first.run_id))
    await receipt_all(store)
    assert (purge(store).kept, numbers(store)) == ({old_runs.REFERRED: 1}, [1, 2])
    later = Bound("2026-11-21T00:00:00.000Z", 1)
    assert purge(store, later).run_nos == [2, 1], "never the one referred to first"


async def test_a_run_that_began_meanwhile_keeps_the_sound_of_what_it_refers_to(store: Store) -> None:
    old = await run_of(store)
    await receipt_all(store)
    folder = store._path.parent / "captures" / old.run_id
    folder.mkdir(parents=True)
    (folder / "1-dropout-12.5.flac").write_bytes(b"s")
    work = purge_of(store)
    with sqlite3.connect(store._path, isolation_level=None) as db:
        found = old_runs.find(db, AGE, "2026-11-22T12:00:00.000Z")
        await run_of(store, YOUNG, change=lambda r: replace(r, reference=Reference(old.run_id)))
        work._delete_runs(db, found.runs, found.newest, sound_by_run(folder.parent))
    assert numbers(store) == [1, 2]
    assert len(list(folder.iterdir())) == 1, "neither its record nor its sound"


async def test_a_bench_whose_runs_all_went_was_energised_all_the_same(store: Store) -> None:
    assert not await store.has_runs()
    await run_of(store)
    await receipt_all(store)
    assert purge(store).runs == 1
    assert await store.has_runs(), "its pause before ON is not left out"


async def test_a_slip_that_waits_for_the_printer_keeps_its_run(store: Store) -> None:
    store.paper_due = lambda record: (DuePaper("label", queued=True),)
    await run_of(store)
    await receipt_all(store)
    assert purge(store).kept == {old_runs.PAPER: 1}


async def test_a_stamp_of_a_clock_that_was_not_set_proves_no_age(store: Store) -> None:
    unset = replace(CLOCK, quality="unsynced")
    await run_of(store, "1970-01-01T00:01:00.000Z", clock=unset)
    await receipt_all(store)
    assert (purge(store).kept, numbers(store)) == ({old_runs.UNPROVEN: 1}, [1])
    await run_of(store, OLD)
    await run_of(store, "1970-01-01T00:02:00.000Z", clock=unset)
    await run_of(store, "2099-01-01T00:00:00.000Z")
    await run_of(store, YOUNG)
    await receipt_all(store)
    assert purge(store).run_nos == [2, 1], "the run before an old one is older still"
    assert numbers(store) == [3, 4, 5]


async def test_messages_of_no_run_go_by_their_age(store: Store) -> None:
    await store.post([MESSAGES.event("reset"), MESSAGES.reply("c1", "done")])
    await receipt_all(store)
    await store.post([MESSAGES.event("reset")])
    assert purge(store).messages == 0, "made today"
    assert purge(store, Bound("2026-11-22T11:00:00.000Z", 1)).messages == 2
    assert (await store.counts()).waiting == 1


@pytest.mark.parametrize("where", ["operator", "second_operator", "repair_engineer", "handovers", "signed_by"])
async def test_a_person_is_found_wherever_a_badge_can_stand(store: Store, where: str) -> None:
    def sign(record: Record) -> Record:
        if where == "handovers":
            return replace(record, handovers=(Handover("ZZ-7", YOUNG),))
        if where == "signed_by":
            return replace(record, steps=(replace(record.steps[0], signed_by="ZZ-7"), *record.steps[1:]))
        return replace(record, **{where: "ZZ-7"})

    await run_of(store, YOUNG, change=sign)
    await run_of(store, YOUNG, operator="ZZ-77")
    await store.post([MESSAGES.event("refused", work_order="WO-1", reason="badge zZ-7 was typed in: scan your own")])
    await receipt_all(store)
    assert purge(store, Bound(badge="zz-7")).run_nos == [1], "the same badge in other letters is the same person's"
    assert numbers(store) == [2]
    assert (await store.counts()).waiting == 0
    held = sqlite3.connect(store._path).execute("SELECT group_concat(CAST(payload AS TEXT)) FROM outbox").fetchone()[0]
    assert not re.search(r"\bzz-7\b", held, re.IGNORECASE)


async def test_a_device_is_found_by_its_imei_and_an_order_that_waits_is_told(store: Store) -> None:
    await store.change([KeepOrder(WorkOrder("WO-9", serial_number="SN-9"))])
    await run_of(store, YOUNG, change=lambda r: replace(r, dut=replace(r.dut, imei="356938035643809")))
    await receipt_all(store)
    assert purge(store, Bound(serial_number="356938035643809")).runs == 1
    assert purge(store, Bound(serial_number="SN-9")).kept == {old_runs.ORDER: 1}


async def test_what_an_order_brought_of_other_orders_goes_with_the_order_it_names(store: Store) -> None:
    brought = EarlierRun("r-0", "incoming", "FAIL", OLD, work_order="ZZWO", serial_number="SN-1")
    await run_of(store, YOUNG, history=(brought, replace(brought, run_id="r-1", work_order="WO-2")))
    await receipt_all(store)
    assert purge(store, Bound(work_order="ZZWO")).runs == 0
    with sqlite3.connect(store._path) as db:
        held = db.execute("SELECT run FROM earlier_runs").fetchall()
    assert len(held) == 1 and "ZZWO" not in held[0][0]
    assert search(store._path, "ZZWO").places == 0, "nor does the log keep it"


async def test_an_entry_says_how_many_went_and_which_numbers_and_not_whose(store: Store) -> None:
    for serial_number in ("SN-1", "ZZSN", "ZZSN", "SN-1", "ZZSN"):
        await run_of(store, YOUNG, serial_number=serial_number)
    await receipt_all(store)
    purge(store, Bound(serial_number="ZZSN"))
    [entry] = retention.read_entries(sqlite3.connect(store._path))
    assert (entry.bound, entry.runs, entry.messages, entry.run_nos) == ("a device", 3, 6, "2-3, 5")
    purge(store, Bound(serial_number="ZZSN"))
    assert len(retention.read_entries(sqlite3.connect(store._path))) == 1, "nothing went, nothing is told"


async def test_a_dry_run_says_the_same_and_deletes_nothing(store: Store) -> None:
    await run_of(store)
    await run_of(store, purpose="verify")
    await receipt_all(store)
    reckoned = purge_of(store).reckon()
    assert numbers(store) == [1, 2]
    assert purge(store) == reckoned
    assert reckoned.runs == 1 and reckoned.kept == {old_runs.GOLDEN: 1}


async def test_a_run_that_begins_ends_the_purge_and_the_rest_goes_later(store: Store) -> None:
    for _ in range(20):
        await run_of(store)
    await receipt_all(store)
    turns = iter([True, False])
    tally = purge(store, may_go_on=lambda: next(turns))
    assert tally.left == [LATER] and 0 < tally.runs < 20
    assert purge(store).runs == 20 - tally.runs


async def test_of_those_that_went_no_byte_is_left_and_of_those_that_stay_none_is_missing(store: Store) -> None:
    """Index pages split while the rows came: what moved out of them must not be left there either."""
    serials = {number: f"ZZSN{number * 7919 % 400:06d}" for number in range(1, 401)}
    for number, serial_number in serials.items():
        at = OLD if number <= 300 else YOUNG
        await run_of(store, at, serial_number=serial_number, work_order=f"ZZWO{number:06d}")
        if number % 50 == 0:
            await receipt_all(store)
    assert purge(store).runs == 300
    assert purge(store, Bound(work_order="ZZWO000333")).runs == 1
    raw = b"".join(file.read_bytes() for file in store._path.parent.glob("station.sqlite*"))
    left = set(numbers(store))
    assert {int(one) for one in re.findall(rb"ZZWO(\d{6})", raw)} == left == {*range(301, 401)} - {333}
    assert set(re.findall(rb"ZZSN\d{6}", raw)) == {serials[number].encode() for number in left}
    assert sqlite3.connect(store._path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_commits_of_a_run_wait_no_longer_than_50_ms_for_a_purge(store: Store) -> None:
    for _ in range(60):
        await run_of(store)
    await receipt_all(store)
    loop, longest_s = asyncio.get_running_loop(), 0.0
    purging = loop.run_in_executor(None, purge, store)
    while not purging.done():
        began_s = loop.time()
        await store.post([MESSAGES.event("reset")])
        longest_s = max(longest_s, loop.time() - began_s)
    assert (await purging).runs == 60
    assert BATCH_BYTES <= 1 << 20
    assert longest_s < 0.5, "50 ms on a quiet machine (docs/privacy.md); ten times that on a busy one"
