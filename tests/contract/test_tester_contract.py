"""What every `SafetyTester` must do, run against the GPT-9800 with its twin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from drivers.errors import DeviceRefused, DriverError, PermitDenied
from drivers.ports import BondSetup, InsulationSetup
from tests.contract.twin_bench import Allowed, Denied, TwinBench, twin_bench

INSULATION = InsulationSetup(voltage_v=500.0, test_s=5.0, low_mohm=5.0)
BOND = BondSetup(current_a=25.0, test_s=5.0, high_ohm=0.3)


@asynccontextmanager
async def bench_with_tester(speed: float = 240.0) -> AsyncIterator[tuple[TwinBench, Any]]:
    async with twin_bench(speed) as bench:
        bench.world.tester = True
        tester = bench.device("gpt-9800", {"port": bench.ports["tester"]})
        yield bench, tester
        await tester.close()


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came true")


async def test_it_says_who_it_is() -> None:
    async with bench_with_tester() as (_, tester):
        identity = await tester.ensure_ready()
        assert (identity.model, identity.serial_number, identity.firmware) == ("GPT-9803", "SIM000000001", "V1.00")


@pytest.mark.parametrize("truth", [0.8, 4.7, 5.3, 80.0, 1200.0])
async def test_insulation_is_read_within_two_per_cent(truth: float) -> None:
    async with bench_with_tester() as (bench, tester):
        bench.world.insulation_mohm_now = truth
        await tester.prepare_insulation(INSULATION)
        reading = await tester.run(Allowed())
        assert reading.value == pytest.approx(truth, rel=tester.accuracy["insulation_mohm"].relative)
        assert reading.bound is None
        assert reading.applied == pytest.approx(500.0, rel=0.01)
        assert reading.elapsed_s == 5.0
        assert bench.world.test_voltages[-1] == 0.0


@pytest.mark.parametrize("truth", [0.06, 0.282, 0.318])
async def test_the_bond_is_read_within_two_per_cent(truth: float) -> None:
    async with bench_with_tester() as (bench, tester):
        bench.world.earth_bond_ohm_now = truth
        await tester.prepare_bond(BOND)
        reading = await tester.run(Allowed())
        assert reading.value == pytest.approx(truth, rel=0.02)
        assert (reading.applied, reading.bound) == (25.0, None)
        assert bench.world.bond_currents[-1] == 0.0


async def test_beyond_the_range_comes_as_a_bound() -> None:
    async with bench_with_tester() as (bench, tester):
        bench.world.insulation_mohm_now = bench.world.earth_bond_ohm_now = 1e6
        await tester.prepare_insulation(INSULATION)
        insulation = await tester.run(Allowed())
        await tester.prepare_bond(BOND)
        bond = await tester.run(Allowed())
        assert (insulation.value, insulation.bound) == (9999.0, "above")
        assert (bond.value, bond.bound) == (0.65, "above")


@pytest.mark.parametrize("volts", [501.0, 1000.0, 0.0, -500.0, float("nan"), float("inf")])
async def test_more_than_500_v_is_refused_before_the_wire(volts: float) -> None:
    async with bench_with_tester() as (_, tester):
        with pytest.raises(ValueError, match="at most 500 V"):
            await tester.prepare_insulation(InsulationSetup(volts, 5.0, 5.0))


async def test_without_a_permit_nothing_starts() -> None:
    async with bench_with_tester() as (bench, tester):
        await tester.prepare_insulation(INSULATION)
        with pytest.raises(PermitDenied):
            await tester.run(Denied())
        assert bench.world.test_voltages == []


async def test_nothing_runs_that_was_not_prepared_and_nothing_runs_twice() -> None:
    async with bench_with_tester() as (_, tester):
        with pytest.raises(DriverError, match="prepare"):
            await tester.run(Allowed())
        await tester.prepare_bond(BOND)
        await tester.run(Allowed())
        with pytest.raises(DriverError, match="prepare"):
            await tester.run(Allowed())


async def test_with_the_interlock_open_it_refuses_and_no_voltage_comes() -> None:
    async with bench_with_tester() as (bench, tester):
        bench.world.tester = False
        for prepare in (tester.prepare_insulation(INSULATION), tester.prepare_bond(BOND)):
            await prepare
            with pytest.raises(DeviceRefused, match="Interlock Open"):
                await tester.run(Allowed())
        assert bench.world.test_voltages == bench.world.bond_currents == []


async def test_the_interlock_that_opens_in_a_test_ends_it_as_an_error() -> None:
    async with bench_with_tester(speed=1.0) as (bench, tester):
        await tester.prepare_insulation(INSULATION)
        running = asyncio.create_task(tester.run(Allowed()))
        await until(lambda: bool(bench.world.test_voltages))
        bench.world.tester = False
        with pytest.raises(DeviceRefused, match="interlock"):
            await running
        assert bench.world.test_voltages[-1] == 0.0


async def test_cancelling_takes_the_voltage_away_also_when_cancelled_twice() -> None:
    async with bench_with_tester(speed=1.0) as (bench, tester):
        await tester.prepare_insulation(INSULATION)
        running = asyncio.create_task(tester.run(Allowed()))
        await until(lambda: bool(bench.world.test_voltages))
        running.cancel()
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: bench.world.test_voltages[-1] == 0.0)
        await tester.prepare_insulation(INSULATION)  # and the line is sound afterwards


async def test_a_permit_lost_in_a_test_stops_it() -> None:
    class Permit:
        denied = False

        def check(self) -> None:
            if self.denied:
                raise PermitDenied("tester", "lid opened")

    permit = Permit()
    async with bench_with_tester(speed=1.0) as (bench, tester):
        await tester.prepare_insulation(INSULATION)
        running = asyncio.create_task(tester.run(permit))
        await until(lambda: bool(bench.world.test_voltages))
        permit.denied = True
        with pytest.raises(PermitDenied, match="lid opened"):
            await running
        assert bench.world.test_voltages[-1] == 0.0


async def test_stop_is_safe_at_any_time_and_close_twice() -> None:
    async with bench_with_tester() as (_, tester):
        await tester.stop()
        await tester.prepare_bond(BOND)
        await tester.stop()
        await tester.close()
        await tester.close()


async def test_closing_the_driver_in_a_test_takes_the_voltage_away() -> None:
    async with bench_with_tester(speed=1.0) as (bench, tester):
        await tester.prepare_insulation(INSULATION)
        running = asyncio.create_task(tester.run(Allowed()))
        await until(lambda: bool(bench.world.test_voltages))
        await tester.close()
        await until(lambda: bench.world.test_voltages[-1] == 0.0)
        running.cancel()
        with pytest.raises((asyncio.CancelledError, DriverError)):
            await running


async def test_a_torn_wire_is_a_driver_error() -> None:
    async with bench_with_tester() as (bench, tester):
        await tester.prepare_bond(BOND)
        await bench.twins["tester"].close()
        with pytest.raises(DriverError):
            await tester.run(Allowed())
