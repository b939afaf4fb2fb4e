"""docs/privacy.md against a bench and a centre that were used: every place that holds a person's or a device's mark is
in its table, and after a purge no byte of it is left."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from station.collector.sqlite import SqliteCentre
from station.domain.commands import DropOrder, KeepOrder
from station.domain.record import Handover, Record
from station.domain.work_order import EarlierRun, WorkOrder
from station.report.write import write_report, write_slips
from station.sound.capture_files import CaptureWriter, Whole
from station.sound.protocol import CapturePlace
from station.store.store import Store
from tests.cli.test_purge import configure, say
from tests.collector.post import incoming, said
from tests.store.test_retention import receipt_all
from tests.uplink.rig import MESSAGES, full_record, make_draft, make_record, make_step, open_store, until

PAGE = Path(__file__).parents[2] / "docs" / "privacy.md"
MARKS = {
    "badge": ("ZZBADGE1", "ZZBADGE2", "ZZBADGE3", "ZZBADGE4", "ZZBADGE5"),
    "work order": ("ZZWO1", "ZZWO2"),
    "serial number": ("ZZSN1",),
    "IMEI": ("356938035643809",),
}
EVERY = re.compile("|".join(mark for marks in MARKS.values() for mark in marks).encode())
BROUGHT = EarlierRun("r-0", "incoming", "FAIL", "2026-11-01T00:00:00.000Z", work_order="ZZWO1", serial_number="ZZSN1")


def claimed(column: int) -> dict[str, set[str]]:
    """Tables that the page names, by the datum that a row begins with."""
    table = PAGE.read_text(encoding="utf-8").partition("## What is where")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| ")]
    named = [(datum, row) for row in rows for datum in MARKS if row[0].startswith(datum)]
    return {datum: set(re.findall(r"`([a-z_]+)`", row[column])) for datum, row in named}


def held(database: Path) -> dict[str, set[str]]:
    """Tables that hold a mark, by datum; views show what is in tables."""
    found = defaultdict(set)
    with sqlite3.connect(database) as db:
        db.text_factory = bytes
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            text = repr(db.execute(f"SELECT * FROM {table.decode()}").fetchall())
            for datum, marks in MARKS.items():
                if any(mark in text for mark in marks):
                    found[datum].add(table.decode())
    return dict(found)


def marked(folder: Path) -> set[str]:
    """Files in which a mark stands, as raw bytes."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix() for file in files if EVERY.search(file.read_bytes())}


async def make_run(store: Store, captures: Path) -> Record:
    """A run with a mark wherever one can stand, sound and paper; a second one is still open."""
    order = WorkOrder("ZZWO2", serial_number="ZZSN1", history=(BROUGHT,))
    await store.change([KeepOrder(order)])
    draft = replace(
        make_draft(), work_order="ZZWO1", operator="ZZBADGE1", repair_engineer="ZZBADGE3", history=(BROUGHT,),
        purpose="outgoing",
    )  # fmt: skip
    draft = replace(draft, dut=replace(draft.dut, serial_number="ZZSN1", imei="356938035643809"))
    run_no = await store.begin_run(draft, [MESSAGES.event("run_started", work_order="ZZWO1", run_id=draft.run_id)])
    step = replace(make_step("first"), signed_by="ZZBADGE5")
    await store.add_step(draft.run_id, 0, step)
    record = replace(
        make_record(draft, run_no, (step,)), second_operator="ZZBADGE2",
        handovers=(Handover("ZZBADGE4", full_record().ended_at),), simulated=False,
    )  # fmt: skip
    place = CapturePlace(str(captures), draft.run_id, 10.0)
    writer = CaptureWriter(place, 48000, "full scale: a sine of 60 V rms at the terminals")
    writer.frames(1, np.zeros((4800, 2), dtype=np.float32))
    writer.whole(1, Whole("1-dropout-12.5.flac", "dropout", 12.5, 0.05, 0.05))
    writer.close()
    await until(lambda: writer.is_idle, "the capture is written")
    assert writer.captures, writer.lost
    ended = MESSAGES.event("run_ended", work_order="ZZWO1", run_id=draft.run_id)
    await store.finish_run(record, [ended, MESSAGES.result(record)])
    return record


async def use(folder: Path) -> Record:
    """A bench and its centre: runs, an order that waits, sound, paper that somebody took along, messages sent."""
    store = await open_store(folder / "s.sqlite")
    record = await make_run(store, folder / "captures")
    await store.accept_order("ZZWO2", [MESSAGES.event("accepted", work_order="ZZWO2")])
    for told in ("badge ZZBADGE1 has this run in hand already", "the work order says ZZSN1, the scan says SN-2"):
        await store.post([MESSAGES.event("refused", work_order="WO-7", reason=told)])
    still = replace(make_draft(), work_order="ZZWO1", operator="ZZBADGE1", reference=None)
    await store.begin_run(replace(still, dut=replace(still.dut, serial_number="ZZSN1")))
    await store.add_step(still.run_id, 0, replace(make_step("first"), signed_by="ZZBADGE5"))
    centre = SqliteCentre(folder / "centre" / "centre.sqlite")
    sent = [incoming(row.payload) for row in await store.due(100)]
    sent.append(said("progress", "p1", state="PASS", work_order="ZZWO2"))
    centre.take(sent, [], "2026-11-22T03:52:11.000Z")
    centre.close()
    write_report(record, folder / "paper", "zh")
    write_slips(record, folder / "paper", "zh")
    await receipt_all(store)
    [cut_off] = await store.unfinished()
    assert cut_off.draft.run_id == still.run_id
    await store.close()
    return record


async def end_what_waits(folder: Path, run_id: str) -> None:
    """As the bench does in time: the open run is closed and sent, the order withdrawn."""
    store = await open_store(folder / "s.sqlite")
    [cut_off] = await store.unfinished()
    closed = make_record(cut_off.draft, cut_off.run_no, cut_off.steps)
    await store.finish_run(closed, [MESSAGES.result(closed)])
    await store.change([DropOrder("ZZWO2")])
    await receipt_all(store)
    await store.close()


async def test_the_page_names_every_place_and_a_purge_leaves_no_byte_in_any(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    record = await use(tmp_path)
    config, centre = configure(tmp_path), tmp_path / "centre" / "centre.sqlite"
    bench = held(tmp_path / "s.sqlite")
    assert set(bench) == set(MARKS), "every mark is somewhere"
    assert claimed(1) == bench
    assert claimed(2) == held(centre)
    assert not EVERY.search(caplog.text.encode()), "no log of the store, the centre or the sound holds one"
    sound = list((tmp_path / "captures" / record.run_id).iterdir())
    assert len(sound) == 1 and not EVERY.search(sound[0].read_bytes()), "nor does a capture"
    assert marked(tmp_path) - {"s.sqlite", "s.sqlite-wal"} == {"centre/centre.sqlite", "paper/report.html"}

    assert await asyncio.to_thread(say, config, "--serial", "ZZSN1") == 1, "what waits stays"
    await end_what_waits(tmp_path, record.run_id)
    assert await asyncio.to_thread(say, config, "--serial", "ZZSN1") == 0
    assert await asyncio.to_thread(say, config, "--work-order", "ZZWO2") == 0, "what was told of the order alone"
    assert await asyncio.to_thread(say, config, "--badge", "ZZBADGE1") == 0, "and of the person"
    for asked in (("--serial", "ZZSN1"), ("--work-order", "ZZWO1"), ("--work-order", "ZZWO2"), ("--badge", "ZZBADGE1")):
        assert await asyncio.to_thread(say, config, "--database", str(centre), *asked) == 0
    assert marked(tmp_path) == {"paper/report.html"}, "paper is with whoever took it along"
    assert not list((tmp_path / "captures").iterdir())
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        assert db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'runs'").fetchone() == (2,)
