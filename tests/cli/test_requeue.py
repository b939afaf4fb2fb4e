"""`results requeue` through the command line's door: beside a daemon, without one, and what cannot be sent."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Literal

import pytest

from station.cli.main import main
from station.desk import Desk
from station.domain.errors import MessageError
from station.domain.outbox import Draft, Slot
from station.store.outbox import OutboxCounts, OutboxRow, ReceiptEntry
from station.store.store import Store
from tests.uplink.rig import do_run, open_store


def configure(folder: Path) -> Path:
    """A configuration of which this verb reads three lines."""
    tables = f'[store]\npath = "{folder / "s.sqlite"}"\n[control]\nsocket = "{folder / "c.sock"}"\n'
    (folder / "station.toml").write_text('[station]\nname = "bench-07"\ntimezone = "UTC"\n' + tables)
    return folder


def say(config: Path, *arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["station", "results", "requeue", *arguments, "--config", str(config)])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


async def answer(store: Store, rows: list[OutboxRow], status: Literal["stored", "rejected"]) -> None:
    entries = [ReceiptEntry(row.msg_id, hashlib.sha256(row.payload).hexdigest(), status, "too odd") for row in rows]
    await store.receipts(entries)


def refuse(slot: Slot) -> bytes:
    raise MessageError("more than 256 KiB")


async def test_without_a_daemon_the_rows_of_a_run_wait_again_with_the_same_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = await open_store(tmp_path / "s.sqlite")
    records = [await do_run(store) for _ in range(2)]
    rows = await store.due(10)
    await answer(store, rows, "rejected")
    await store.close()
    config = configure(tmp_path)
    assert await asyncio.to_thread(say, config, "--list", "--json") == 0
    listed: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert len(listed) == 6 and {row["reason"] for row in listed} == {"too odd"}
    assert await asyncio.to_thread(say, config, records[0].run_id) == 0
    assert "requeue: 3 messages wait again" in capsys.readouterr().err
    store = await open_store(tmp_path / "s.sqlite")
    assert await store.due(10) == [row for row in rows if row.run_id == records[0].run_id]
    await store.close()


async def test_the_daemon_does_it_where_one_runs_and_its_uplink_is_woken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configure(tmp_path)
    store = await open_store(tmp_path / "s.sqlite")
    await do_run(store)
    rows = await store.due(10)
    await answer(store, rows, "rejected")
    desk = Desk(tmp_path / "c.sock", store)
    await desk.start()
    told: list[int] = []
    store.on_posted = lambda: told.append(1)
    assert await asyncio.to_thread(say, config, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"messages": 3, "unfit": 0}
    assert (await store.due(10), told) == (rows, [1])
    await desk.close()
    await store.close()


async def test_what_was_never_fit_to_be_sent_stays_and_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configure(tmp_path)
    store = await open_store(tmp_path / "s.sqlite")
    record = await do_run(store)
    await answer(store, await store.due(10), "stored")
    await store._call(lambda: store._add([Draft("result", refuse, record.run_id)], keep_refused=True))
    await store.close()
    assert await asyncio.to_thread(say, config) == 0
    assert "0 messages wait again; 1 were never fit" in capsys.readouterr().err
    assert await asyncio.to_thread(say, config, "--list") == 0
    assert "more than 256 KiB" in capsys.readouterr().out
    store = await open_store(tmp_path / "s.sqlite")
    assert await store.counts() == OutboxCounts(0, 1, 3)
    await store.close()


def test_where_there_is_no_store_it_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(configure(tmp_path)) == 2
    assert "there is no store" in capsys.readouterr().err


async def test_a_run_that_is_none_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await (await open_store(tmp_path / "s.sqlite")).close()
    assert await asyncio.to_thread(say, configure(tmp_path), "nope") == 2
    assert "no run is called nope" in capsys.readouterr().err
