"""The outbox: rows leave only on a receipt with their hash, in the right order, and are never lost or changed."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest

from station.contract.canonical import MAX_MESSAGE_BYTES
from station.domain.commands import ResendRange, ResendRun, Resent
from station.domain.errors import MessageError
from station.domain.measurement import Curve
from station.domain.outbox import Draft, Slot
from station.store.asked import PIECE, PIECE_BYTES
from station.store.outbox import MIGRATION, READ_BYTES_MAX, OutboxCounts, OutboxRow, ReceiptEntry
from station.store.schema import MIGRATIONS
from station.store.store import Store
from tests.uplink.rig import MESSAGES, STATION, do_run, make_draft, make_record, make_step, open_store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(tmp_path / "station.sqlite")
    yield store
    await store.close()


def receipt(row: OutboxRow, status: Literal["stored", "duplicate", "rejected"] = "stored") -> ReceiptEntry:
    return ReceiptEntry(row.msg_id, hashlib.sha256(row.payload).hexdigest(), status, "why")


async def test_alarms_and_events_go_before_results_the_oldest_first(store: Store) -> None:
    await do_run(store)
    await store.post([MESSAGES.alarm("trip", "hot"), MESSAGES.reply("c1", "done")])
    await store.post([MESSAGES.alarm("trip", "hotter")])
    assert [(row.seq, row.suffix) for row in await store.due(10)] == [
        (4, "alarm"), (6, "alarm"), (1, "event"), (3, "event"), (5, "reply"), (2, "result"),
    ]  # fmt: skip
    assert [row.seq for row in await store.due(2, skip=[4, 1])] == [6, 3]


async def test_a_message_id_is_station_epoch_and_a_number_that_rises_by_one(store: Store) -> None:
    await store.post([MESSAGES.event("reset")] * 3)
    with pytest.raises(MessageError):
        await store.post([MESSAGES.event("reset"), Draft("event", refuse)])
    await store.post([MESSAGES.event("reset")])
    rows = await store.due(10)
    assert [row.msg_id for row in rows] == [f"{STATION}:{store.store_epoch}:{n}" for n in (1, 2, 3, 4)]
    assert [json.loads(row.payload)["msg_id"] for row in rows] == [row.msg_id for row in rows]


def refuse(slot: Slot) -> bytes:
    raise MessageError(f"{slot.msg_id} is not allowed")


async def test_bytes_are_fixed_at_commit(store: Store) -> None:
    calls: list[Slot] = []

    def encode(slot: Slot) -> bytes:
        calls.append(slot)
        return f"{len(calls)}".encode()

    await store.post([Draft("event", encode)])
    assert [(await store.due(1))[0].payload for _ in range(3)] == [b"1"] * 3
    assert len(calls) == 1


@pytest.mark.parametrize("status", ["stored", "duplicate"])
async def test_a_receipt_with_the_right_hash_takes_the_row_out_once(store: Store, status: Any) -> None:
    await store.post([MESSAGES.event("reset")])
    [row] = await store.due(1)
    assert [s.outcome for s in await store.receipts([receipt(row, status)] * 2)] == ["delivered", "known"]
    assert await store.due(1) == []
    assert await store.counts() == OutboxCounts(0, 0, 1)


async def test_a_receipt_with_another_hash_changes_nothing(store: Store) -> None:
    await store.post([MESSAGES.event("reset")])
    [row] = await store.due(1)
    wrong = ReceiptEntry(row.msg_id, "0" * 64, "stored")
    assert [s.outcome for s in await store.receipts([wrong])] == ["mismatch"]
    assert await store.due(1) == [row]


@pytest.mark.parametrize(
    "msg_id",
    ["bench-07:ffffffff:1", "bench-08:{epoch}:1", "{epoch}:1", "bench-07:{epoch}:p1", "bench-07:{epoch}:99", "", ":",
     "bench-07:{epoch}:१", "bench-07:{epoch}:" + "9" * 40],
)  # fmt: skip
async def test_a_receipt_for_a_message_that_is_not_ours_changes_nothing(store: Store, msg_id: str) -> None:
    await store.post([MESSAGES.event("reset")])
    [row] = await store.due(1)
    digest = hashlib.sha256(row.payload).hexdigest()
    entry = ReceiptEntry(msg_id.format(epoch=store.store_epoch), digest, "stored")
    assert [s.outcome for s in await store.receipts([entry])] == ["unknown"]
    assert await store.due(1) == [row]


async def test_rejected_goes_to_quarantine_and_comes_back_with_the_same_bytes(store: Store) -> None:
    record = await do_run(store)
    rows = await store.due(10)
    settled = await store.receipts([receipt(row, "rejected") for row in rows])
    assert {s.outcome for s in settled} == {"quarantined"}
    assert {s.run_id for s in settled} == {record.run_id}
    assert await store.counts() == OutboxCounts(0, 3, 0)
    await store.post([MESSAGES.event("reset")])
    [other] = await store.due(10)
    await store.receipts([receipt(other, "rejected")])
    assert await store.requeue(record.run_id) == 3
    assert await store.due(10) == rows, "the same bytes under the same numbers"
    assert await store.requeue() == 1
    assert await store.counts() == OutboxCounts(4, 0, 0)


async def test_a_late_stored_receipt_also_takes_a_row_out_of_quarantine(store: Store) -> None:
    await store.post([MESSAGES.event("reset")])
    [row] = await store.due(1)
    await store.receipts([receipt(row, "rejected")])
    assert [s.outcome for s in await store.receipts([receipt(row, "rejected"), receipt(row)])] == ["known", "delivered"]
    assert await store.counts() == OutboxCounts(0, 0, 1)


async def test_history_rows_are_sent_again_with_their_old_id_and_bytes(store: Store) -> None:
    record = await do_run(store)
    await store.post([MESSAGES.event("reset")])
    rows = await store.due(10)
    await store.receipts([receipt(row) for row in rows])
    assert await store.change([ResendRange(1, 1)]) == Resent(1, 0, 0)
    assert await store.due(10) == [row for row in rows if row.seq == 1]
    assert await store.change([ResendRun(record.run_id)]) == Resent(2, 1, 0)
    assert {row.seq for row in await store.due(10)} == {1, 2, 3}


async def test_a_long_range_comes_back_in_pieces_also_over_a_restart_and_holds_nothing_up(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "s.sqlite")
    for _ in range(3):
        await store.post([MESSAGES.event("reset")] * PIECE)
    rows = await store.due(3 * PIECE)
    await store.receipts([receipt(row) for row in rows[1:-1]])
    assert await store.change([ResendRange(2, 10**15)]) == Resent(3 * PIECE - 2, 1, 0)
    assert (await store.counts()).waiting == 2, "nothing is brought back before the drain comes to it"
    assert len(await store.due(1000)) == PIECE + 2
    await store.close()
    store = await open_store(tmp_path / "s.sqlite")
    assert [len(await store.due(1000)) for _ in range(3)] == [2 * PIECE + 2, 3 * PIECE, 3 * PIECE]
    assert await store.due(1000) == rows, "old numbers and bytes"
    commits = store.commits
    await store.due(1000)
    assert store.commits == commits
    await store.close()


async def test_large_messages_come_back_a_few_at_a_time(store: Store) -> None:
    sizes = [PIECE_BYTES // 10] * 30 + [PIECE_BYTES + 1] * 2 + [10]
    await store.post([Draft("result", lambda slot, size=size: b"x" * size) for size in sizes])  # type: ignore[misc]
    while rows := await store.due(1000):
        await store.receipts([receipt(row) for row in rows])
    await store.change([ResendRange(1, 33)])
    waiting = []
    for _ in range(6):
        await store.due(1)
        waiting.append((await store.counts()).waiting)
    assert waiting == [10, 20, 30, 31, 32, 33]


async def test_a_range_of_which_nothing_was_delivered_is_passed_over_in_one_commit(store: Store) -> None:
    await store.post([MESSAGES.event("reset")] * (3 * PIECE))
    rows = await store.due(1000)
    await store.receipts([receipt(rows[0]), receipt(rows[-1]), receipt(rows[5], "rejected")])
    assert await store.change([ResendRange(1, 3 * PIECE)]) == Resent(2, 3 * PIECE - 3, 1)
    assert [len(await store.due(1000)) for _ in range(2)] == [3 * PIECE - 2, 3 * PIECE - 1]
    assert store.commits_by_kind["requeue"] == 2
    assert (await store.counts()).quarantined == 1
    assert await store.change([ResendRange(5000, 6000)]) == Resent(0, 0, 0)
    assert await store.change([ResendRun("r-nowhere")]) == Resent(0, 0, 0)


async def test_a_message_too_large_is_refused_while_its_record_is_kept(store: Store) -> None:
    draft = make_draft()
    run_no = await store.begin_run(draft)
    many = tuple(float(n) for n in range(40_000))
    curve = Curve("soak", "time", "s", "level", "V", many, many)
    record = make_record(draft, run_no)
    step = record.steps[0]
    record = make_record(draft, run_no, (type(step)(**{**_fields(make_step("first")), "curves": (curve,)}),))
    refused = await store.finish_run(record, [MESSAGES.result(record), MESSAGES.event("run_ended")])
    assert len(refused) == 1 and f"at most {MAX_MESSAGE_BYTES} are allowed" in refused[0]
    assert await store.unfinished() == []
    assert await store.counts() == OutboxCounts(1, 1, 0)
    assert await store.requeue() == 0, "there are no bytes to send"


def _fields(step: Any) -> dict[str, Any]:
    return {name: getattr(step, name) for name in step.__slots__}


async def test_watchers_are_told_of_new_rows(store: Store) -> None:
    told: list[int] = []
    store.on_posted = lambda: told.append(1)
    await store.post([MESSAGES.event("reset")])
    await store.add_step((await _begun(store)), 0, make_step("first"))
    assert len(told) == 2, "post and begin_run, not add_step"


async def _begun(store: Store) -> str:
    draft = make_draft()
    await store.begin_run(draft)
    return draft.run_id


async def test_a_command_is_taken_once_also_after_a_restart(tmp_path: Path) -> None:
    taken = []
    for _ in range(2):
        store = await open_store(tmp_path / "s.sqlite")
        taken += [
            await store.take_command("c1", lambda kept: [MESSAGES.reply("c1", "refused", "no")]) for _ in range(2)
        ]
        waiting = (await store.counts()).waiting
        await store.close()
    assert taken == [True, False, False, False]
    assert waiting == 1


async def test_counts_are_those_of_the_rows_whatever_happened_to_them(store: Store) -> None:
    chance = random.Random(5)
    for _ in range(60):
        rows = await store.due(50)
        match chance.randrange(4):
            case 0:
                await store.post([MESSAGES.event("reset")] * chance.randrange(1, 9))
            case 1 if rows:
                statuses = [chance.choice(["stored", "duplicate", "rejected"]) for _ in rows]
                await store.receipts([receipt(row, status) for row, status in zip(rows, statuses, strict=True)])  # type: ignore[arg-type]
            case 2:
                await store.requeue()
            case _:
                assert await _counted(store) == await store.counts()
    assert await _counted(store) == await store.counts()


async def test_a_store_of_before_the_counts_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = MIGRATIONS[: MIGRATIONS.index(MIGRATION)]
    with monkeypatch.context() as patched:
        patched.setattr("station.store.schema.MIGRATIONS", before)
        old = await open_store(tmp_path / "s.sqlite")
        await old.post([MESSAGES.event("reset")] * 3)
        await old.receipts([receipt(row, "rejected") for row in await old.due(1)])
        await old.close()
    store = await open_store(tmp_path / "s.sqlite")
    assert await store.counts() == OutboxCounts(2, 1, 0)
    await store.close()


async def _counted(store: Store) -> OutboxCounts:
    def count() -> OutboxCounts:
        rows = dict(store._db.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())
        return OutboxCounts(rows.get("waiting", 0), rows.get("quarantined", 0), rows.get("delivered", 0))

    return await store._call(count)


async def test_much_is_read_in_pieces_and_a_large_message_alone(store: Store) -> None:
    sizes = [100_000] * 30 + [READ_BYTES_MAX + 1] * 2
    await store.post([Draft("result", lambda slot, size=size: b"x" * size) for size in sizes])  # type: ignore[misc]
    seen: list[int] = []
    while rows := await store.due(60, skip=seen):
        assert sum(len(row.payload) for row in rows[:-1]) <= READ_BYTES_MAX
        seen += [row.seq for row in rows]
    assert seen == list(range(1, 33))
