"""Calibrations of the simulated bench: in force, no better than the data sheets, and never over somebody's own."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from drivers.catalog import CATALOG
from station.assembly import make_devices
from station.cli.sim_calibrations import BOUNDS, write_calibrations
from station.cli.sim_config import SHIPPED
from station.metrology.roles import MEASURING
from station.settings import Problem, load
from station.settings.calibrations import AUDIO, load_calibrations, path_of
from station.steps.catalog import STEPS

TODAY = date(2026, 11, 23)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copytree(SHIPPED, tmp_path / "config", ignore=shutil.ignore_patterns("duts"))
    write_calibrations(tmp_path / "config", BOUNDS, TODAY)
    return tmp_path / "config"


async def test_they_are_in_force_for_every_role_that_a_measurement_hangs_on_and_promise_no_more_than_data_sheets(
    tree: Path,
) -> None:
    station = load(tree, STEPS, CATALOG).station
    devices = make_devices(station, lambda: TODAY)
    plain = make_devices(load(SHIPPED, STEPS, CATALOG).station)
    try:
        assert set(station.calibrations) == MEASURING == set(BOUNDS)
        assert (
            devices.in_force.uncovered((name, use) for use, spec in STEPS.items() for name in spec.measurements) == {}
        )
        own = {poller.role: poller.accuracy for poller in plain.pollers}
        own |= {"tester": plain.tester.accuracy, "touch": plain.touch.accuracy}
        for role, calibration in station.calibrations.items():
            assert calibration.current.made < TODAY < calibration.current.due - timedelta(days=300)
            for name, correction in calibration.current.corrections.items() if role != AUDIO else ():
                assert correction.correct(5.0) == 5.0
                for value in (0.1, 10.0, 400.0):
                    bound = own[role][name].relative * value + own[role][name].absolute
                    assert correction.expanded(value) >= 0.8 * bound, (role, name)
    finally:
        await devices.close()
        await plain.close()


def test_a_revision_of_somebody_s_own_is_never_written_over(tree: Path) -> None:
    tester = path_of(tree, "tester")
    mine = tester.read_text(encoding="utf-8").replace("simulated bench", "A. Lab")
    tester.write_text(mine, encoding="utf-8")

    write_calibrations(tree, BOUNDS, TODAY + timedelta(days=100))

    problems: list[Problem] = []
    found = load_calibrations(tree, problems)
    assert not problems
    assert tester.read_text(encoding="utf-8") == mine
    assert found["dc"].current.made == TODAY + timedelta(days=99)


def test_a_role_that_the_bench_has_not_gets_no_file(tmp_path: Path) -> None:
    write_calibrations(tmp_path, ("tester",), TODAY)

    assert {path.stem for path in (tmp_path / "calibration").iterdir()} == {"tester", "audio"}
