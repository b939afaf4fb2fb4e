"""Earlier runs: this store's own and those that a work order brought, kept with the run that it came for."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from station.contract.records import RecordCodec
from station.domain.journal import RunDraft
from station.domain.measurement import Curve
from station.domain.work_order import EarlierRun
from station.store.history import History
from station.store.store import Store
from tests.uplink.rig import make_draft, make_record, open_store

ELSEWHERE = EarlierRun(
    "019abf0e-0000-7000-8000-000000000001", "incoming", "FAIL", "2026-11-20T08:00:00.000Z", "bench-03",
    "incoming-amplifier", "WO-7", "SN-1", ("thd_percent (left): 0.4 %",), ("bias",), {"thd_percent/left": 0.4},
    (Curve("response", "frequency", "Hz", "level", "dB", (20.0, 1000.0), (-1.0, 0.0), "left", (-3.0, -3.0)),),
)  # fmt: skip


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(tmp_path / "s.sqlite")
    yield store
    await store.close()


def draft_of(
    order: str | None, serial: str, history: tuple[EarlierRun, ...] = (), purpose: str = "outgoing"
) -> RunDraft:
    draft = make_draft()
    return replace(
        draft, work_order=order, dut=replace(draft.dut, serial_number=serial), history=history, purpose=purpose
    )  # type: ignore[arg-type]


async def finished(store: Store, draft: RunDraft) -> None:
    number = await store.begin_run(draft)
    await store.finish_run(make_record(draft, number))


async def test_what_a_work_order_brought_is_committed_with_the_run_and_read_back_whole(
    store: Store, tmp_path: Path
) -> None:
    draft = draft_of("WO-7", "SN-1", (ELSEWHERE,))
    number = await store.begin_run(draft)
    beside = sqlite3.connect(tmp_path / "s.sqlite")
    assert beside.execute("SELECT run_id, place FROM earlier_runs").fetchall() == [(draft.run_id, 0)]
    text = beside.execute("SELECT draft FROM runs").fetchone()[0]
    assert ELSEWHERE.run_id not in text, "kept once, not in the draft as well"
    beside.close()
    record = make_record(draft, number)
    await store.finish_run(record)
    with History(tmp_path / "s.sqlite", RecordCodec()) as history:
        assert history.earlier(record) == (ELSEWHERE,)
    later = draft_of("WO-8", "SN-1")
    assert ELSEWHERE in await store.earlier_runs(later), "by serial number, with another work order"


async def test_runs_of_the_work_order_or_the_serial_number_are_found_and_no_others(store: Store) -> None:
    same_order, same_device = draft_of("WO-7", "SN-2"), draft_of("WO-6", "SN-1")
    stranger, nameless, trial = (
        draft_of("WO-1", "SN-9"), draft_of(None, "SN-8"), draft_of("WO-7", "SN-1", purpose="engineering")
    )  # fmt: skip
    for draft in (same_order, same_device, stranger, nameless, trial):
        await finished(store, draft)
    await store.begin_run(draft_of("WO-7", "SN-1"))  # open: it has no record yet
    found = {run.run_id for run in await store.earlier_runs(draft_of("WO-7", "SN-1"))}
    assert found == {same_order.run_id, same_device.run_id}
    assert {run.run_id for run in await store.earlier_runs(draft_of(None, "SN-8"))} == {nameless.run_id}


async def test_a_run_that_cannot_be_begun_leaves_no_history_behind(store: Store) -> None:
    draft = draft_of("WO-7", "SN-1", (ELSEWHERE,))
    await store.begin_run(draft)
    with pytest.raises(Exception, match="UNIQUE"):
        await store.begin_run(replace(draft, history=(ELSEWHERE, ELSEWHERE)))
    rows = await store._call(lambda: store._db.execute("SELECT count(*) FROM earlier_runs").fetchone())
    assert rows == (1,)


async def test_an_old_row_that_cannot_be_read_stops_nobody(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    good = draft_of("WO-7", "SN-1")
    await finished(store, draft_of("WO-7", "SN-1"))
    await finished(store, good)
    await store._call(lambda: store._db.execute("UPDATE runs SET record = '{}' WHERE run_no = 1"))
    assert [run.run_id for run in await store.earlier_runs(good)] == [good.run_id]
    assert "left out" in caplog.text
