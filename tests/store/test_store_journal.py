"""The journal: what is committed when, and what is refused."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from station.contract.records import RecordCodec
from station.domain.errors import MessageError, StoreError
from station.domain.journal import close_as_aborted
from station.domain.verdict import Verdict
from station.store.history import History
from station.store.schema import MIGRATIONS
from station.store.store import Store, mint_run_id
from tests.uplink.rig import MESSAGES, PLAN, TS, do_run, full_record, make_draft, make_record, make_step, open_store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(tmp_path / "station.sqlite")
    yield store
    await store.close()


async def test_a_run_costs_one_commit_a_step_and_two_more(store: Store) -> None:
    await do_run(store)
    assert store.commits == len(PLAN) + 2
    assert store.commits_by_kind == {"begin_run": 1, "step": len(PLAN), "finish_run": 1}


async def test_what_was_committed_is_there_for_another_connection_at_once(store: Store, tmp_path: Path) -> None:
    draft = make_draft()
    run_no = await store.begin_run(draft)
    await store.add_step(draft.run_id, 0, make_step("first"))
    beside = sqlite3.connect(tmp_path / "station.sqlite")
    assert beside.execute("SELECT count(*) FROM steps").fetchone() == (1,)
    await store.finish_run(make_record(draft, run_no))
    assert beside.execute("SELECT verdict, draft FROM runs").fetchall() == [("PASS", None)]
    assert beside.execute("SELECT count(*) FROM steps").fetchone() == (0,)
    beside.close()


async def test_commits_are_durable_and_the_log_is_write_ahead(store: Store) -> None:
    def modes() -> tuple[str, int]:
        mode = store._db.execute("PRAGMA journal_mode").fetchone()[0]
        return mode, store._db.execute("PRAGMA synchronous").fetchone()[0]

    assert await store._call(modes) == ("wal", 2)


async def test_run_numbers_rise_by_one_and_survive_a_restart(tmp_path: Path) -> None:
    numbers = []
    for _ in range(2):
        store = await open_store(tmp_path / "s.sqlite")
        numbers += [(await do_run(store)).run_no for _ in range(2)]
        await store.close()
    assert numbers == [1, 2, 3, 4]


async def test_the_epoch_belongs_to_the_database_and_sessions_rise_over_restarts(tmp_path: Path) -> None:
    epochs, sessions = [], []
    for name in ("a", "a", "b"):
        store = await open_store(tmp_path / name)
        epochs.append(store.store_epoch)
        sessions.append(await store.next_session())
        await store.close()
    assert epochs[0] == epochs[1] != epochs[2]
    assert sessions == [1, 2, 1]


async def test_a_cut_off_run_is_closed_as_aborted_with_everything_planned_in_order(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "s.sqlite")
    draft = make_draft()
    await store.begin_run(draft)
    await store.add_step(draft.run_id, 0, make_step("first", Verdict.FAIL, 9.0))
    await store.close()

    store = await open_store(tmp_path / "s.sqlite")
    [run] = await store.unfinished()
    assert run.draft == draft
    record = close_as_aborted(run, TS)
    assert record.verdict is Verdict.ABORTED
    assert [(s.id, s.verdict, s.attempt) for s in record.steps] == [
        ("first", Verdict.FAIL, 1), ("second", Verdict.SKIPPED, 0), ("third", Verdict.SKIPPED, 0),
    ]  # fmt: skip
    assert [(m.name, m.value, m.verdict) for m in record.steps[1].measurements] == [
        ("b_v", None, Verdict.SKIPPED), ("c_v", None, Verdict.SKIPPED),
    ]  # fmt: skip
    assert [cause.measurement for cause in record.causes] == ["a_v", None]
    assert "9 V" in record.causes[0].text
    await store.finish_run(record, [MESSAGES.result(record)])
    assert await store.unfinished() == []
    await store.close()


async def test_an_error_before_the_crash_is_not_hidden_by_aborted(store: Store) -> None:
    draft = make_draft()
    await store.begin_run(draft)
    await store.add_step(draft.run_id, 0, make_step("first", Verdict.ERROR, None))
    [run] = await store.unfinished()
    assert close_as_aborted(run, TS).verdict is Verdict.ERROR


async def test_every_attempt_of_a_step_is_kept(store: Store) -> None:
    draft = make_draft()
    await store.begin_run(draft)
    await store.add_step(draft.run_id, 0, make_step("first", Verdict.ERROR, None, attempt=1))
    await store.add_step(draft.run_id, 0, make_step("first", attempt=2))
    with pytest.raises(StoreError, match=r"step 0, attempt 2 is in the journal already"):
        await store.add_step(draft.run_id, 0, make_step("first", attempt=2))
    [run] = await store.unfinished()
    assert [step.attempt for step in close_as_aborted(run, TS).steps if step.id == "first"] == [1, 2]


async def test_a_step_of_a_run_that_was_never_begun_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="never begun"):
        await store.add_step(mint_run_id(), 0, make_step("first"))


async def test_a_run_has_exactly_one_record(store: Store) -> None:
    record = await do_run(store)
    with pytest.raises(StoreError, match="exactly one record"):
        await store.finish_run(record, [MESSAGES.result(record)])
    assert (await store.counts()).waiting == 3


async def test_a_record_with_another_number_than_the_journal_is_refused(store: Store) -> None:
    draft = make_draft()
    run_no = await store.begin_run(draft)
    with pytest.raises(StoreError, match="its record says 8"):
        await store.finish_run(make_record(draft, run_no + 7))


async def test_a_step_with_nan_is_refused_by_name_and_nothing_is_written(store: Store) -> None:
    draft = make_draft()
    await store.begin_run(draft)
    with pytest.raises(MessageError, match=r"measurements\[0\]\.value is nan"):
        await store.add_step(draft.run_id, 0, make_step("first", value=float("nan")))
    assert (await store.unfinished())[0].steps == ()


async def test_a_record_with_nan_leaves_the_run_open_for_the_next_start(store: Store) -> None:
    draft = make_draft()
    run_no = await store.begin_run(draft)
    record = replace(make_record(draft, run_no), duration_s=float("inf"))
    with pytest.raises(MessageError, match="duration_s is inf"):
        await store.finish_run(record, [MESSAGES.result(record)])
    assert len(await store.unfinished()) == 1
    assert (await store.counts()).waiting == 0


async def test_a_commit_that_was_asked_for_is_made_although_the_asker_is_cancelled(store: Store) -> None:
    draft = make_draft()
    asked = asyncio.create_task(store.begin_run(draft, [MESSAGES.event("run_started", run_id=draft.run_id)]))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert [run.draft.run_id for run in await store.unfinished()] == [draft.run_id]


async def test_a_newer_schema_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    await (await open_store(path)).close()
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(StoreError, match="newer version"):
        await open_store(path)


async def test_a_later_version_migrates_what_an_earlier_one_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.sqlite"
    store = await open_store(path)
    record = await do_run(store)
    await store.close()
    added = (*MIGRATIONS, ("ALTER TABLE runs ADD COLUMN shift TEXT",))
    monkeypatch.setattr("station.store.schema.MIGRATIONS", added)
    store = await open_store(path)
    assert (await do_run(store)).run_no == record.run_no + 1
    await store.close()
    with History(path, RecordCodec()) as history:
        assert history.record(record.run_id) == record


async def test_a_full_disk_is_said_in_words_and_writing_goes_on_when_there_is_room(store: Store) -> None:
    pages = await store._call(lambda: store._db.execute("PRAGMA page_count").fetchone()[0])
    await store._call(lambda: store._db.execute(f"PRAGMA max_page_count = {pages + 2}"))
    begun = 0
    with pytest.raises(StoreError, match=r"the disk is full \(\d+\.\d MB free, 4.2 MB .*make room"):
        while True:
            await store.begin_run(make_draft())
            begun += 1
    assert len(await store.unfinished()) == begun
    await store._call(lambda: store._db.execute("PRAGMA max_page_count = 1000000"))
    await do_run(store)


async def test_a_file_that_is_no_store_is_said_in_words(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.write_bytes(b"no database at all, " * 500)
    with pytest.raises(StoreError, match="the store is damaged"):
        await open_store(path)


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "s.sqlite")
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.counts()


async def test_history_lists_the_latest_first_and_shows_records_whole(store: Store, tmp_path: Path) -> None:
    first, second = await do_run(store), await do_run(store)
    open_run = make_draft()
    await store.begin_run(open_run)
    with History(tmp_path / "station.sqlite", RecordCodec()) as history:
        assert [(row.run_no, row.verdict) for row in history.runs()] == [(3, None), (2, "PASS"), (1, "PASS")]
        assert history.runs(serial_number="SN-2") == []
        assert history.runs(work_order="WO-1", limit=1)[0].run_id == open_run.run_id
        assert history.record("1") == first
        assert history.record(second.run_id) == second
        with pytest.raises(StoreError, match="not finished"):
            history.record("3")
        with pytest.raises(StoreError, match="no run is called 99"):
            history.record("99")


async def test_a_record_with_everything_in_it_comes_back_as_it_was(store: Store, tmp_path: Path) -> None:
    record = full_record()
    run_no = await store.begin_run(make_draft(record.run_id))
    record = replace(record, run_no=run_no)
    await store.finish_run(record)
    with History(tmp_path / "station.sqlite", RecordCodec()) as history:
        assert history.record(record.run_id) == record


def test_run_ids_are_uuid_version_7_in_the_order_of_time() -> None:
    ids = [uuid.UUID(mint_run_id()) for _ in range(50)]
    assert {value.version for value in ids} == {7}
    assert {value.variant for value in ids} == {uuid.RFC_4122}
    assert len(set(ids)) == 50
    assert [value.int >> 80 for value in ids] == sorted(value.int >> 80 for value in ids)
