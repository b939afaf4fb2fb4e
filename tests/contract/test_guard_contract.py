"""What every `Guard` must do, as its host sees it. On a real bench a session is opened and the status read, no more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.errors import DriverError, GuardRefused, PermitDenied
from drivers.ports import GuardState
from tests.contract.real_bench import real_cases
from tests.contract.rig import Allowed, Case, Denied, Rig
from tests.contract.wire_cases import GUARDS

every = pytest.mark.parametrize("case", [case.param() for case in (*GUARDS, *real_cases("guard"))])
on_twins = pytest.mark.parametrize("case", [case.param() for case in GUARDS])


async def status_of(rig: Rig) -> None:
    """Wait for a status line."""
    while rig.device.status is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@every
async def test_it_says_who_it_is_and_how_it_is_and_is_closed_twice(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        first = await rig.device.open()
        again = await rig.device.open()
        assert (first.firmware, first.boot) == (again.firmware, again.boot)
        await status_of(rig)
        assert not rig.device.status.k and not rig.device.status.h
        await rig.device.close()
        await rig.device.close()


@on_twins
async def test_nothing_energises_without_a_permit_and_nothing_reaches_the_outputs(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        await rig.device.open()
        await rig.device.reset()
        rig.device.heartbeat()
        for act in (rig.device.arm(Denied()), rig.device.on(5, Denied()), rig.device.hv(5, Denied())):
            with pytest.raises(PermitDenied):
                await act
        assert (rig.twin.outputs["k"], rig.twin.outputs["h"]) == (0, 0)


@on_twins
async def test_on_needs_an_arm_and_off_and_stop_need_nothing(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        await rig.device.open()
        await rig.device.off()
        with pytest.raises(GuardRefused):
            await rig.device.on(5, Allowed())
        await rig.device.stop()
        await status_of(rig)
        assert rig.device.status.state in (GuardState.TRIPPED, GuardState.SAFE)
        assert rig.twin.outputs["k"] == 0


@on_twins
async def test_unplugged_every_call_says_so_and_plugged_in_again_it_opens(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        await rig.device.open()
        await status_of(rig)
        await rig.unplug()
        with pytest.raises(DriverError):
            await rig.device.off()
        rig.device.heartbeat()  # never raises: a guard that hears none trips
        while rig.device.status is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        with pytest.raises(DriverError):
            await rig.device.open()
        await rig.replug()
        assert (await rig.device.open()).firmware


@on_twins
async def test_after_close_nothing_is_sent_and_open_opens_again(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        await rig.device.open()
        await rig.device.close()
        with pytest.raises(DriverError):
            await rig.device.off()
        assert (await rig.device.open()).firmware
