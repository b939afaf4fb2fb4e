"""Beside a daemon: asked through its own devices, and during a run from memory alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from station.assembly import make_devices
from station.doctor.beside import BesideRun
from tests.doctor.rig import settings_with
from tests.doctor.test_causes import only, registers
from tests.drivers.fake_line import FakeLine, rtu_length


async def look(folder: Path, running: Callable[[], bool]) -> tuple[dict[str, object], int]:
    """One look over a live bus b, and how many requests the bus saw."""
    with FakeLine(only({11, 12, 13}, registers), rtu_length) as line:
        devices = make_devices(settings_with(folder, b=line.path))
        devices.table.put("inrush", {"peak_a": 1.5}, time.monotonic())
        try:
            told = await BesideRun(devices, running).look()
        finally:
            await devices.close()
        return told, len(line.requests)


async def test_during_a_run_nothing_is_asked_and_ages_are_told(tmp_path: Path) -> None:
    told, asked = await look(tmp_path, lambda: True)
    assert told["running"] is True and asked == 0
    by_role = {one["role"]: one for one in told["devices"]}  # type: ignore[attr-defined]
    assert by_role["inrush"]["answers"] and "s ago: peak 1.5 A" in by_role["inrush"]["answer"]
    assert not by_role["fan"]["answers"] and not by_role["guard"]["answers"]


async def test_without_a_run_the_devices_are_asked_but_the_guard_is_left_to_the_kernel(tmp_path: Path) -> None:
    told, asked = await look(tmp_path, lambda: False)
    assert told["running"] is False and asked > 0
    by_role = {one["role"]: one for one in told["devices"]}  # type: ignore[attr-defined]
    assert by_role["inrush"]["answers"] and "the daemon has no line" in by_role["guard"]["error"]


async def test_a_run_that_begins_meanwhile_ends_the_asking(tmp_path: Path) -> None:
    began = time.monotonic() + 0.05
    told, _ = await look(tmp_path, lambda: time.monotonic() > began)
    assert told["running"] is True
    await asyncio.sleep(0)
