"""What every `TouchCurrentMeter` must do, run against the ST5540 with its twin."""

from __future__ import annotations

import asyncio

import pytest

from drivers.errors import DriverError
from tests.contract.twin_bench import twin_bench


async def test_it_holds_the_maximum_since_its_start() -> None:
    async with twin_bench() as bench:
        meter = bench.device("st5540", {"port": bench.ports["touch"]})
        assert (await meter.ensure_ready()).model == "Hioki ST5540"
        world = bench.world
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


async def test_a_peak_between_two_questions_is_seen() -> None:
    async with twin_bench() as bench:
        meter = bench.device("st5540", {"port": bench.ports["touch"]})
        bench.world.touch_current_ma_now = 0.1
        await meter.start()
        await meter.read_maximum()
        bench.world.touch_current_ma_now = 0.6
        await asyncio.sleep(0.05)
        bench.world.touch_current_ma_now = 0.1
        assert (await meter.read_maximum()).value_ma == pytest.approx(0.6, rel=0.02)
        await meter.close()


async def test_open_leads_are_told() -> None:
    async with twin_bench() as bench:
        meter = bench.device("st5540", {"port": bench.ports["touch"]})
        await meter.start()
        reading = await meter.read_maximum()
        assert (reading.line_open, reading.pe_open) == (False, False)
        bench.world.pe_open = True
        assert (await meter.read_maximum()).pe_open
        bench.world.line_open = True
        assert (await meter.read_maximum()).line_open
        await meter.close()


async def test_a_torn_wire_is_a_driver_error_and_close_is_safe_twice() -> None:
    async with twin_bench() as bench:
        meter = bench.device("st5540", {"port": bench.ports["touch"]})
        await meter.start()
        await bench.twins["touch"].close()
        with pytest.raises(DriverError):
            await meter.read_maximum()
        await meter.close()
        await meter.close()
