"""The history on the page, from a real store: whatever stands in it costs its own row and never the page."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from station.contract.records import RecordCodec
from station.domain.earlier import earlier_of
from station.domain.verdict import Verdict
from station.domain.work_order import EarlierRun
from station.page.advice import Advice
from station.page.board import Board
from station.page.earlier import Earlier
from station.page.feed import Feed
from station.store.store import Store
from tests.cli.test_results import SN, draft_of
from tests.report.conftest import make_incoming, make_pass

STRANGE: EarlierRun = replace(
    earlier_of(make_incoming()), run_id="019a0000-0000-7000-8000-0000000000ff", ended_at="9999-12-31T23:59:59Z"
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Path]:
    """Two failed runs and a good one of the device; the good one's order brought a run with a strange date."""
    path = tmp_path / "station.sqlite"
    opened = await Store.open(path, RecordCodec(), "bench-07")
    good = make_pass()
    for number in (1, 2, 3):
        record = replace(
            good, run_id=f"019a0000-0000-7000-8000-00000000000{number}",
            ended_at=f"2026-11-2{number}T03:52:10Z", verdict=Verdict.PASS if number == 3 else Verdict.FAIL,
        )  # fmt: skip
        draft = replace(draft_of(record), history=(STRANGE,) if number == 3 else ())
        record = replace(record, run_no=await opened.begin_run(draft))
        await opened.finish_run(record)
    await opened.close()
    yield path


async def rows(path: Path) -> list[tuple[str, str]]:
    """Verdict and date of what the page shows, read as it reads."""
    board = Board(Advice(), UTC)
    board.take({"kind": "session", "data": {"state": "ready", "scans": {"serial_number": SN}}}, 0.0)
    board.dirty.clear()
    task = asyncio.create_task(
        Earlier(path, RecordCodec(), ZoneInfo("Asia/Shanghai"), board, Feed(board, "build")).run()
    )
    async with asyncio.timeout(10.0):
        while board.section("history")["rows"] is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not task.done(), "it looks on"
    task.cancel()
    return [(row["verdict"], row["date"]) for row in board.section("history")["rows"]]


OWN = [("PASS", "2026-11-23 11:52"), ("FAIL", "2026-11-22 11:52"), ("FAIL", "2026-11-21 11:52")]


async def test_a_strange_date_from_elsewhere_stands_as_it_is(store: Path) -> None:
    assert await rows(store) == [(STRANGE.verdict, "9999-12-31T23:59"), *OWN]


async def test_a_record_that_is_broken_costs_its_cause_alone(store: Path) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("UPDATE runs SET record = '{' WHERE run_no = 2")
        other.execute("UPDATE earlier_runs SET run = '{'")
    assert await rows(store) == OWN


@pytest.mark.parametrize("spoil", ["garbage", "empty", "none"])
async def test_without_a_store_that_can_be_read_the_page_goes_on(tmp_path: Path, spoil: str) -> None:
    (tmp_path / "garbage").write_bytes(b"not a database, " * 500)
    (tmp_path / "empty").touch()
    assert await rows(tmp_path / spoil) == []
