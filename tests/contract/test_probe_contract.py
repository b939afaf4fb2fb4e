"""What every `PeakProbe` must do beyond a sensor: `arm` clears the hold and proves it. Register maps alone are one."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.errors import SettingMismatch
from tests.contract.rig import Case
from tests.contract.twin_cases import SENSORS

PROBES = [case.param() for case in SENSORS if case.name == "inrush"]
pytestmark = pytest.mark.parametrize("case", PROBES)


async def test_arming_clears_the_hold(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        assert (await rig.device.read())["peak_a"] == pytest.approx(14.0, rel=0.02)
        await rig.device.arm()
        assert (await rig.device.read())["peak_a"] == 0.0
        rig.sees.peak_a_now = 22.0
        assert (await rig.device.read())["peak_a"] == pytest.approx(22.0, rel=0.02)


async def test_a_hold_that_is_not_clear_after_arming_is_a_setting_mismatch(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        rig.sees.arm_peak = lambda: None  # type: ignore[method-assign]
        with pytest.raises(SettingMismatch, match="is current flowing"):
            await rig.device.arm()
