"""What every `Sensor` must do, run against every sensor of the reference bench with its twin."""

from __future__ import annotations

import math

import pytest

from drivers.errors import DriverError
from drivers.sim.world import DischargeVolts, MainsReading, TerminalVolts
from station.domain.quantity import unit_of
from tests.contract.twin_bench import SENSORS, Case, twin_bench

pytestmark = pytest.mark.parametrize("case", SENSORS.values(), ids=SENSORS.keys())
UNITLESS = {"power_factor", "energy_wh", "rpm"}


async def test_it_says_who_it_is_and_reads_what_it_names(case: Case) -> None:
    async with twin_bench() as bench:
        sensor = bench.device(case.kind, case.settings)
        identity = await sensor.ensure_ready()
        readings = await sensor.read()
        assert isinstance(identity.model, str)
        assert set(readings) == set(sensor.accuracy) == set(case.truth(bench.world))
        assert all(type(value) is float for value in readings.values())
        assert all(unit_of(name) for name in readings if name not in UNITLESS)
        await sensor.close()
        await sensor.close()


async def test_readings_lie_within_their_accuracy_and_follow_the_world(case: Case) -> None:
    async with twin_bench() as bench:
        world, sensor = bench.world, bench.device(case.kind, case.settings)
        for level in (0.9, 0.35, 1.05):
            world.mains_now = MainsReading(225 * level, 2.4 * level, 420 * level, 50.0, 0.7 * level, 100 * level)
            world.heatsink_degc_now, world.case_degc_now = 80 * level, 60 * level
            world.load_bank_degc_now, world.ambient_degc_now = 70 * level, 25 * level
            world.peak_a_now = 38 * level
            world.terminals_now = TerminalVolts(0.047 * level, -0.047 * level, 20 * level, -0.001)
            world.discharge_now = DischargeVolts(230 * level, 115 * level, 59 * level)
            world.probe_v_now, world.bias_mv_now = -46 * level, (11 * level, 33 * level)
            world.relays["fan"] = level > 0.5
            readings = await sensor.read()
            for name, truth in case.truth(world).items():
                bound = sensor.accuracy[name]
                error = abs(readings[name] - truth)
                assert error <= bound.relative * abs(truth) + bound.absolute, f"{name}: {readings[name]} for {truth}"


async def test_two_readings_differ_by_noise_alone(case: Case) -> None:
    async with twin_bench() as bench:
        bench.world.relays["fan"] = True
        sensor = bench.device(case.kind, case.settings)
        first, second = await sensor.read(), await sensor.read()
        for name, value in first.items():
            bound = sensor.accuracy[name]
            assert math.isclose(value, second[name], rel_tol=bound.relative / 2, abs_tol=bound.absolute / 2 + 0.03)


async def test_a_torn_wire_is_a_driver_error_and_never_an_old_value(case: Case) -> None:
    async with twin_bench() as bench:
        sensor = bench.device(case.kind, case.settings)
        await sensor.read()
        for name in ("a", "b"):
            await bench.twins[name].close()
        for _ in range(2):
            with pytest.raises(DriverError, match="/dev/pts"):
                await sensor.read()
