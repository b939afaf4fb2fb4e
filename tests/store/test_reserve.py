"""The store's reserve on a disk that is really full: a run that was begun is finished, the next one is not begun."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from station.domain.commands import ResendRange
from station.domain.errors import StoreError
from station.domain.outbox import Draft
from station.store.outbox import ReceiptEntry
from station.store.reserve import RESERVE_BYTES, Reserve
from station.store.store import Store
from tests.uplink.rig import MESSAGES, PLAN, do_run, make_draft, make_record, make_step, open_store

DISK = "16m"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of `DISK`, where one may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", place], capture_output=True)
    if mounted.returncode:
        pytest.skip("a file system cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
async def store(disk: Path) -> AsyncIterator[Store]:
    store = await open_store(disk / "station.sqlite")
    yield store
    await store.close()


def fill(disk: Path) -> None:
    with (disk / "filler").open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


async def test_a_run_is_finished_with_its_messages_and_the_next_is_refused_until_there_is_room(
    store: Store, disk: Path
) -> None:
    draft = make_draft()
    run_no = await store.begin_run(draft, [MESSAGES.event("run_started", run_id=draft.run_id)])
    reserve = disk / "station.sqlite.reserve"
    assert reserve.stat().st_blocks * 512 >= RESERVE_BYTES, "room that is really taken"
    fill(disk)
    for index, step in enumerate(PLAN):
        for attempt in range(1, 101):  # the log has room of its own for the first ones
            await store.add_step(draft.run_id, index, make_step(step.id, attempt=attempt))
    record = make_record(draft, run_no)
    await store.finish_run(record, [MESSAGES.result(record), MESSAGES.event("run_ended", run_id=draft.run_id)])
    assert not reserve.exists()
    assert (await store.counts()).waiting == 3
    with pytest.raises(StoreError, match=r"the disk is full .* 4\.2 MB are kept for the run under way\); make room"):
        await store.begin_run(make_draft())
    (disk / "filler").unlink()
    assert (await do_run(store)).run_no == run_no + 1
    assert reserve.stat().st_blocks * 512 >= RESERVE_BYTES


async def post_until_full(store: Store) -> None:
    with pytest.raises(StoreError, match="the disk is full"):
        while True:
            await store.post([MESSAGES.alarm("trip", "x" * 900)] * 100)


async def test_the_reserve_is_the_runs_whoever_else_asks_first(store: Store, disk: Path) -> None:
    large = Draft("result", lambda slot: b"x" * 50_000)
    await store.post([large] * 60)
    while rows := await store.due(60):
        await store.receipts([ReceiptEntry(r.msg_id, hashlib.sha256(r.payload).hexdigest(), "stored") for r in rows])
    draft = make_draft()
    run_no = await store.begin_run(draft)
    await store.change([ResendRange(1, 60)])
    fill(disk)
    await post_until_full(store)
    waiting = (await store.counts()).waiting
    for _ in range(5):
        assert len(await store.due(20)) == 20, "what waits is read, also where nothing more is brought back"
    with pytest.raises(StoreError, match="the disk is full"):
        await store.take_command("c1", lambda kept: [MESSAGES.reply("c1", "done")] * 100)
    reserve = disk / "station.sqlite.reserve"
    assert reserve.exists(), "nobody but the run may use it"
    for attempt in range(1, 301):
        await store.add_step(draft.run_id, 0, make_step(PLAN[0].id, attempt=attempt))
        if not reserve.exists():
            with pytest.raises(StoreError, match="the disk is full"):
                await store.post([MESSAGES.alarm("trip", "small")])
    assert not reserve.exists()
    record = make_record(draft, run_no)
    await store.finish_run(record, [MESSAGES.result(record), MESSAGES.event("run_ended", run_id=draft.run_id)])
    assert await store.unfinished() == [] and (disk / "filler").exists()
    assert (await store.counts()).waiting >= waiting + 2
    (disk / "filler").unlink()
    before = (await store.counts()).waiting
    await store.due(1)
    assert (await store.counts()).waiting > before, "with room the resend goes on"


@pytest.mark.parametrize(("free", "released"), [(RESERVE_BYTES - 1, True), (10 * RESERVE_BYTES, False)])
async def test_an_error_of_writing_where_hardly_any_room_is_left_is_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, released: bool
) -> None:
    store = await open_store(tmp_path / "station.sqlite")
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE  # type: ignore[misc]
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=free))
    tries: list[int] = []

    def work() -> int:
        store._may_release = True
        tries.append(1)
        if len(tries) == 1:
            raise error
        return len(tries)

    assert store._reserve.make_whole()
    with contextlib.nullcontext() if released else pytest.raises(sqlite3.OperationalError):
        assert store._do(work) == 2
    assert (tmp_path / "station.sqlite.reserve").exists() is not released
    await store.close()


def test_a_reserve_is_taken_once_and_let_go_of_once(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "s.sqlite")
    assert reserve.make_whole() and reserve.make_whole()
    assert reserve.release() and not reserve.release()
    assert reserve.make_whole(), "and again when there is room"
