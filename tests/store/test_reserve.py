"""The store's reserve on a disk that is really full: a run that was begun is finished, the next one is not begun."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from station.domain.errors import StoreError
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


async def test_what_does_not_fit_into_the_reserve_either_is_said_and_changes_nothing(store: Store, disk: Path) -> None:
    draft = make_draft()
    await store.begin_run(draft)
    fill(disk)
    written = 0
    with pytest.raises(StoreError, match="the disk is full"):
        while True:
            await store.post([MESSAGES.alarm("trip", "x" * 900)] * 100)
            written += 100
    assert (await store.counts()).waiting == written > 1000
    (disk / "filler").unlink()
    await store.finish_run(make_record(draft, 1))
    assert await store.unfinished() == []


def test_a_reserve_is_taken_once_and_let_go_of_once(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "s.sqlite")
    assert reserve.make_whole() and reserve.make_whole()
    assert reserve.release() and not reserve.release()
    assert reserve.make_whole(), "and again when there is room"
