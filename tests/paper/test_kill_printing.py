"""kill -9 of the printing process at any time: every label comes out, and never two that look alike."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from drivers.sim.printer import PrinterTwin
from station.contract.records import RecordCodec
from station.store.history import History
from tests.paper.rig import open_shop

ROOT = Path(__file__).parents[2]
KILLS = 8


@pytest.mark.timeout(240)  # nine processes start one after the other, also on a machine that is busy
async def test_killed_again_and_again_every_label_is_out_and_a_second_one_says_so(tmp_path: Path) -> None:
    twin = PrinterTwin(print_s=0.01)
    address = await twin.start()
    chance = random.Random(11)
    for kill in range(KILLS):
        process = await _start(tmp_path, address, runs=1000)
        if kill % 4 == 3:  # some die while the printer is out of paper
            await twin.set_paper(False)
        await asyncio.sleep(chance.uniform(0.05, 0.4))
        process.kill()
        await process.wait()
        await twin.set_paper(True)
    last = await _start(tmp_path, address, runs=0)
    assert await asyncio.wait_for(last.wait(), 60) == 0
    await _check_books(tmp_path, twin)
    await twin.close()


async def _start(folder: Path, address: str, runs: int) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.paper.kill_printing", str(folder), address, str(runs),
        stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"up\n"
    return process


async def _check_books(folder: Path, twin: PrinterTwin) -> None:
    shop = await open_shop(folder, None)
    with History(folder / "station.sqlite", RecordCodec()) as history:
        due = [run.run_id for run in history.runs(10_000) if run.verdict == "PASS"]
    told = Counter(run for name, run, _ in await shop.told_centre() if name == "label_printed")
    await shop.store.close()
    papers = Counter(job.decode()[len("^XA^FX") :].removesuffix("^FS^XZ\n") for job in twin.printed)
    assert len(due) > KILLS, "several labels a life"
    assert told == Counter(due), "each is told to the centre exactly once"
    for run in due:
        first, again = papers[f"{run} first"], papers[f"{run} again"]
        assert first + again >= 1, "never lost"
        assert first <= 1, "never two that look alike"
    seconds = sum(count for name, count in papers.items() if name.endswith("again"))
    assert seconds <= 2 * KILLS, "a second one only where somebody died or paper ended"
