"""What every device must do, whatever it is: be opened, identified, used, unplugged, plugged in, given up and closed.

Run against every driver of the catalogue on its twin, and with `-m hardware` against those of a real bench.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.errors import DriverError
from drivers.ports import Identity
from drivers.scpi import xdm1041
from tests.contract.real_bench import USES, real_cases
from tests.contract.rig import Case
from tests.contract.twin_cases import DEVICES

REAL = real_cases(*(port for port in USES if port != "guard"))
every = pytest.mark.parametrize("case", [case.param() for case in (*DEVICES, *REAL)])
with_a_cable = pytest.mark.parametrize("case", [case.param() for case in (*DEVICES, *REAL) if case.cable])
on_twins = pytest.mark.parametrize("case", [case.param() for case in DEVICES])


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xdm1041, "SETTLE_S", 0.0)


@every
async def test_it_says_who_it_is_the_same_each_time_and_is_closed_twice(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        identity = await rig.device.ensure_ready()
        assert isinstance(identity, Identity)
        await rig.use()
        assert await rig.device.ensure_ready() == identity
        await rig.device.close()
        await rig.device.close()


@every
async def test_after_close_it_is_opened_again_or_says_that_it_is_closed(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        identity = await rig.device.ensure_ready()
        await rig.device.close()
        assert await rig.device.ensure_ready() == identity
        await rig.use()


@with_a_cable
async def test_unplugged_it_is_a_driver_error_each_time_and_plugged_in_again_it_works(
    case: Case, tmp_path: Path
) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        await rig.use()
        identity = await rig.device.ensure_ready()
        await rig.unplug()
        for _ in range(2):
            with pytest.raises(DriverError) as caught:
                await rig.use()
            assert caught.value.device, "the message names the device or its port"
        await rig.replug()
        async with case.patience():
            assert await _as_soon_as_it_works(rig.device.ensure_ready) == identity
        await rig.use()


@on_twins
async def test_a_call_that_was_cancelled_leaves_it_usable(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        await rig.device.ensure_ready()
        for turns in (0, 1, 3):
            call = asyncio.ensure_future(rig.use())
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        await rig.use()


async def _as_soon_as_it_works(call: object) -> object:
    """A bus listens for a while after a failure, and an adapter takes its time; a `DriverError` meanwhile is right."""
    while True:
        try:
            return await call()  # type: ignore[operator]
        except DriverError:
            await asyncio.sleep(0.02)
