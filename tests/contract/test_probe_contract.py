"""What every `PeakProbe` must do beyond a sensor, run against the register-map probe with its twin."""

from __future__ import annotations

import pytest

from drivers.errors import SettingMismatch
from tests.contract.twin_bench import PROBE, twin_bench


async def test_arming_clears_the_hold() -> None:
    async with twin_bench() as bench:
        probe = bench.device("modbus-registers", PROBE)
        assert (await probe.read())["peak_a"] == pytest.approx(14.0, rel=0.02)
        await probe.arm()
        assert (await probe.read())["peak_a"] == 0.0
        bench.world.peak_a_now = 22.0
        assert (await probe.read())["peak_a"] == pytest.approx(22.0, rel=0.02)


async def test_a_hold_that_is_not_clear_after_arming_is_a_setting_mismatch() -> None:
    async with twin_bench() as bench:
        probe = bench.device("modbus-registers", PROBE)
        bench.world.arm_peak = lambda: None  # type: ignore[method-assign]
        with pytest.raises(SettingMismatch, match="is current flowing"):
            await probe.arm()
