"""What every `TouchCurrentMeter` must do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.errors import DriverError
from tests.contract.rig import Case
from tests.contract.twin_cases import TOUCH

pytestmark = pytest.mark.parametrize("case", [case.param() for case in TOUCH])


async def test_it_holds_the_maximum_since_its_start(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as bench:
        meter = bench.device
        world = bench.sees
        world.touch_current_ma_now = 0.47
        await meter.start()
        assert (await meter.read_maximum()).value_ma == pytest.approx(
            0.47, rel=meter.accuracy["touch_current_ma"].relative
        )
        world.touch_current_ma_now = 0.10
        assert (await meter.read_maximum()).value_ma == pytest.approx(0.47, rel=0.02)
        await meter.start()
        assert (await meter.read_maximum()).value_ma == pytest.approx(0.10, rel=0.02)
        await meter.close()


async def test_a_peak_between_two_questions_is_seen(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as bench:
        meter = bench.device
        bench.sees.touch_current_ma_now = 0.1
        await meter.start()
        await meter.read_maximum()
        bench.sees.touch_current_ma_now = 0.6
        await asyncio.sleep(0.05)
        bench.sees.touch_current_ma_now = 0.1
        assert (await meter.read_maximum()).value_ma == pytest.approx(0.6, rel=0.02)
        await meter.close()


async def test_open_leads_are_told(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as bench:
        meter = bench.device
        await meter.start()
        reading = await meter.read_maximum()
        assert (reading.line_open, reading.pe_open) == (False, False)
        bench.sees.pe_open = True
        assert (await meter.read_maximum()).pe_open
        bench.sees.line_open = True
        assert (await meter.read_maximum()).line_open
        await meter.close()


async def test_a_torn_wire_is_a_driver_error_and_close_is_safe_twice(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as bench:
        meter = bench.device
        await meter.start()
        await bench.unplug()
        with pytest.raises(DriverError):
            await meter.read_maximum()
        await meter.close()
        await meter.close()
