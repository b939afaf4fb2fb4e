"""What every `Scanner` must do: a line per scan, whole, in order, none invented and none lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.errors import PortError
from tests.contract.hand_cases import SCANNERS
from tests.contract.real_bench import real_cases
from tests.contract.rig import Case, ask_person

TEXTS = ("OP:E123", "WO:2026-0042", "SN:a/b_7", "PR:example-a-100", "PL:outgoing", "PL:outgoing")
on_twins = pytest.mark.parametrize("case", [case.param() for case in SCANNERS])


@on_twins
async def test_scans_come_whole_in_order_and_twice_where_they_were_made_twice(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        await rig.device.ensure_ready()
        for text in TEXTS:
            rig.twin.scan(text)
        assert [await rig.device.read_line() for _ in TEXTS] == list(TEXTS)


@on_twins
async def test_a_scan_that_is_too_long_or_read_nothing_is_none(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        await rig.device.ensure_ready()
        for text in ("x" * 300, "NOREAD", "SN:1"):
            rig.twin.scan(text)
        assert await rig.device.read_line() == "SN:1"


@on_twins
async def test_no_scan_is_lost_with_a_reader_that_gave_up(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        await rig.device.ensure_ready()
        waiting = asyncio.create_task(rig.device.read_line())
        await asyncio.sleep(0)
        waiting.cancel()
        rig.twin.scan("SN:2")
        assert await rig.device.read_line() == "SN:2"


@on_twins
async def test_unplugged_and_closed_are_told_to_whoever_waits(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        for end in (rig.unplug, rig.device.close):
            await rig.device.ensure_ready()
            waiting = asyncio.create_task(rig.device.read_line())
            await asyncio.sleep(0)
            await end()
            with pytest.raises(PortError):
                await waiting
            await rig.replug()


@pytest.mark.parametrize("case", [case.param() for case in real_cases("scanner")])
async def test_a_person_scans_a_badge(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        await rig.device.ensure_ready()
        ask_person("scan a badge")
        async with case.patience():
            assert (await rig.device.read_line()).startswith("OP:")
