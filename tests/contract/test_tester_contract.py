"""What every `SafetyTester` must do. No test is started on a real bench: there the tester only says who it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DeviceRefused, DriverError, PermitDenied
from drivers.ports import BondSetup, InsulationSetup
from tests.contract.rig import Allowed, Case, Denied, Rig
from tests.contract.twin_cases import TESTERS

INSULATION = InsulationSetup(voltage_v=500.0, test_s=5.0, low_mohm=5.0)
BOND = BondSetup(current_a=25.0, test_s=5.0, high_ohm=0.3)


pytestmark = pytest.mark.parametrize("case", [case.param() for case in TESTERS])


@asynccontextmanager
async def bench_with_tester(case: Case, folder: Path, speed: float = 240.0) -> AsyncIterator[tuple[Rig, Any]]:
    async with case.open(folder) as rig:
        rig.sees.speed, rig.sees.tester = speed, True
        yield rig, rig.device


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came true")


@pytest.mark.parametrize("truth", [0.8, 4.7, 5.3, 80.0, 1200.0])
async def test_insulation_is_read_within_two_per_cent(case: Case, tmp_path: Path, truth: float) -> None:
    async with bench_with_tester(case, tmp_path) as (bench, tester):
        bench.sees.insulation_mohm_now = truth
        await tester.prepare_insulation(INSULATION)
        reading = await tester.run(Allowed())
        assert reading.value == pytest.approx(truth, rel=tester.accuracy["insulation_mohm"].relative)
        assert reading.bound is None
        assert reading.applied == pytest.approx(500.0, rel=0.01)
        assert reading.elapsed_s == 5.0
        assert bench.sees.test_voltages[-1] == 0.0


@pytest.mark.parametrize("truth", [0.06, 0.282, 0.318])
async def test_the_bond_is_read_within_two_per_cent(case: Case, tmp_path: Path, truth: float) -> None:
    async with bench_with_tester(case, tmp_path) as (bench, tester):
        bench.sees.earth_bond_ohm_now = truth
        await tester.prepare_bond(BOND)
        reading = await tester.run(Allowed())
        assert reading.value == pytest.approx(truth, rel=0.02)
        assert (reading.applied, reading.bound) == (25.0, None)
        assert bench.sees.bond_currents[-1] == 0.0


async def test_beyond_the_range_comes_as_a_bound(case: Case, tmp_path: Path) -> None:
    async with bench_with_tester(case, tmp_path) as (bench, tester):
        bench.sees.insulation_mohm_now = bench.sees.earth_bond_ohm_now = 1e6
        await tester.prepare_insulation(INSULATION)
        insulation = await tester.run(Allowed())
        await tester.prepare_bond(BOND)
        bond = await tester.run(Allowed())
        assert (insulation.value, insulation.bound) == (9999.0, "above")
        assert (bond.value, bond.bound) == (0.65, "above")


@pytest.mark.parametrize("volts", [501.0, 1000.0, 0.0, -500.0, float("nan"), float("inf")])
async def test_more_than_500_v_is_refused_before_the_wire(case: Case, tmp_path: Path, volts: float) -> None:
    async with bench_with_tester(case, tmp_path) as (_, tester):
        with pytest.raises(ValueError, match="at most 500 V"):
            await tester.prepare_insulation(InsulationSetup(volts, 5.0, 5.0))


async def test_without_a_permit_nothing_starts(case: Case, tmp_path: Path) -> None:
    async with bench_with_tester(case, tmp_path) as (bench, tester):
        await tester.prepare_insulation(INSULATION)
        with pytest.raises(PermitDenied):
            await tester.run(Denied())
        assert bench.sees.test_voltages == []


async def test_nothing_runs_that_was_not_prepared_and_nothing_runs_twice(case: Case, tmp_path: Path) -> None:
    async with bench_with_tester(case, tmp_path) as (_, tester):
        with pytest.raises(DriverError, match="prepare"):
            await tester.run(Allowed())
        await tester.prepare_bond(BOND)
        await tester.run(Allowed())
        with pytest.raises(DriverError, match="prepare"):
            await tester.run(Allowed())


async def test_with_the_interlock_open_it_refuses_and_no_voltage_comes(case: Case, tmp_path: Path) -> None:
    async with bench_with_tester(case, tmp_path) as (bench, tester):
        bench.sees.tester = False
        for prepare in (tester.prepare_insulation(INSULATION), tester.prepare_bond(BOND)):
            await prepare
            with pytest.raises(DeviceRefused, match="Interlock Open"):
                await tester.run(Allowed())
        assert bench.sees.test_voltages == bench.sees.bond_currents == []


async def test_the_interlock_that_opens_in_a_test_ends_it_as_an_error(case: Case, tmp_path: Path) -> None:
    async with bench_with_tester(case, tmp_path, speed=1.0) as (bench, tester):
        await tester.prepare_insulation(INSULATION)
        running = asyncio.create_task(tester.run(Allowed()))
        await until(lambda: bool(bench.sees.test_voltages))
        bench.sees.tester = False
        with pytest.raises(DeviceRefused, match="interlock"):
            await running
        assert bench.sees.test_voltages[-1] == 0.0


async def test_cancelling_takes_the_voltage_away_also_when_cancelled_twice(case: Case, tmp_path: Path) -> None:
    async with bench_with_tester(case, tmp_path, speed=1.0) as (bench, tester):
        await tester.prepare_insulation(INSULATION)
        running = asyncio.create_task(tester.run(Allowed()))
        await until(lambda: bool(bench.sees.test_voltages))
        running.cancel()
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: bench.sees.test_voltages[-1] == 0.0)
        await tester.prepare_insulation(INSULATION)  # and the line is sound afterwards


async def test_a_permit_lost_in_a_test_stops_it(case: Case, tmp_path: Path) -> None:
    class Permit:
        denied = False

        def check(self) -> None:
            if self.denied:
                raise PermitDenied("tester", "lid opened")

    permit = Permit()
    async with bench_with_tester(case, tmp_path, speed=1.0) as (bench, tester):
        await tester.prepare_insulation(INSULATION)
        running = asyncio.create_task(tester.run(permit))
        await until(lambda: bool(bench.sees.test_voltages))
        permit.denied = True
        with pytest.raises(PermitDenied, match="lid opened"):
            await running
        assert bench.sees.test_voltages[-1] == 0.0


async def test_stop_is_safe_at_any_time_and_close_twice(case: Case, tmp_path: Path) -> None:
    async with bench_with_tester(case, tmp_path) as (_, tester):
        await tester.stop()
        await tester.prepare_bond(BOND)
        await tester.stop()
        await tester.close()
        await tester.close()


async def test_closing_the_driver_in_a_test_takes_the_voltage_away(case: Case, tmp_path: Path) -> None:
    async with bench_with_tester(case, tmp_path, speed=1.0) as (bench, tester):
        await tester.prepare_insulation(INSULATION)
        running = asyncio.create_task(tester.run(Allowed()))
        await until(lambda: bool(bench.sees.test_voltages))
        await tester.close()
        await until(lambda: bench.sees.test_voltages[-1] == 0.0)
        running.cancel()
        with pytest.raises((asyncio.CancelledError, DriverError)):
            await running


async def test_a_torn_wire_is_a_driver_error(case: Case, tmp_path: Path) -> None:
    async with bench_with_tester(case, tmp_path) as (bench, tester):
        await tester.prepare_bond(BOND)
        await bench.unplug()
        with pytest.raises(DriverError):
            await tester.run(Allowed())
