"""What every `Sensor` must do: read what the catalogue says, within its accuracy, fresh, and nothing else."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from drivers.errors import DriverError
from drivers.scpi import xdm1041
from drivers.sim.world import DischargeVolts, MainsReading, TerminalVolts
from station.domain.quantity import unit_of
from tests.contract.real_bench import real_cases
from tests.contract.rig import Case
from tests.contract.twin_cases import METERS, SENSORS
from tests.drivers.double_world import DoubleWorld

UNITLESS = {"power_factor", "energy_wh", "apparent_va", "rpm"}
every = pytest.mark.parametrize("case", [case.param() for case in (*SENSORS, *METERS, *real_cases("sensor"))])
on_twins = pytest.mark.parametrize("case", [case.param() for case in (*SENSORS, *METERS)])


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xdm1041, "SETTLE_S", 0.0)


@every
async def test_it_reads_every_name_of_the_catalogue_finite_and_with_its_accuracy(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        for _ in range(2):
            readings = await rig.device.read()
            assert set(readings) == set(rig.device.accuracy) == rig.readings
            assert all(type(value) is float and math.isfinite(value) for value in readings.values()), readings
        measured = {name for name in readings if not name.endswith("_ok")}
        assert all(unit_of(name) for name in measured - UNITLESS)
        bounds = [rig.device.accuracy[name] for name in measured]
        assert all(bound.relative > 0 or bound.absolute > 0 for bound in bounds), "no instrument is without error"


@on_twins
async def test_readings_lie_within_their_accuracy_and_follow_the_world(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        assert rig.truth is not None
        for level in (0.9, 0.35, 1.05):
            _turn(rig.sees, level)
            readings = await rig.device.read()
            for name, truth in rig.truth(rig.sees).items():
                bound = rig.device.accuracy[name]
                error = abs(readings[name] - truth)
                assert error <= bound.relative * abs(truth) + bound.absolute, f"{name}: {readings[name]} for {truth}"


@on_twins
async def test_two_readings_differ_by_noise_alone(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        rig.sees.relays["fan"] = True
        first, second = await rig.device.read(), await rig.device.read()
        for name, value in first.items():
            bound = rig.device.accuracy[name]
            assert math.isclose(value, second[name], rel_tol=bound.relative / 2, abs_tol=bound.absolute / 2 + 0.03)


@on_twins
async def test_after_a_torn_wire_no_old_value_is_ever_read(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        await rig.device.read()
        await rig.unplug()
        _turn(rig.sees, 0.35)
        for _ in range(2):
            with pytest.raises(DriverError) as caught:
                await rig.device.read()
            assert caught.value.device in str(caught.value), "the message names the device and its port"


def _turn(world: DoubleWorld, level: float) -> None:
    """Another state of the bench and its DUT, `level` times the usual one."""
    world.mains_now = MainsReading(225 * level, 2.4 * level, 420 * level, 50.0, 0.7 * level, 100 * level)
    world.heatsink_degc_now, world.case_degc_now = 80 * level, 60 * level
    world.load_bank_degc_now, world.ambient_degc_now = 70 * level, 25 * level
    world.peak_a_now = 38 * level
    world.terminals_now = TerminalVolts(0.047 * level, -0.047 * level, 20 * level, -0.001)
    world.discharge_now = DischargeVolts(230 * level, 115 * level, 59 * level)
    world.probe_v_now, world.bias_mv_now = -46 * level, (11 * level, 33 * level)
    world.relays["fan"] = level > 0.5
