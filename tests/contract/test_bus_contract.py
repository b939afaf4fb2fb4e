"""What every bus must do for the devices on it: right answers or errors, permits at the wire, silence harmless."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.errors import DeviceRefused, DeviceTimeout, DriverError, PermitDenied
from drivers.sim.world import RELAY_ROLES
from tests.contract.rig import Allowed, Case, Denied
from tests.contract.wire_cases import BUSES

RELAY, METER, NOBODY = 1, 2, 99
pytestmark = pytest.mark.parametrize("case", [case.param() for case in BUSES])


async def test_it_reads_what_is_there_and_says_what_is_not(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        volts = (await rig.device.read_input(METER, 0, 10))[0]
        assert volts * 0.1 == pytest.approx(rig.sees.mains_now.voltage_v, rel=0.01)
        rig.sees.relays["fan"] = True
        coils = await rig.device.read_coils(RELAY, 0, 8)
        assert [role for role, on in zip(RELAY_ROLES, coils, strict=True) if on] == ["fan"]
        with pytest.raises(DeviceRefused):
            await rig.device.read_holding(METER, 0, 1)


async def test_a_silent_unit_is_told_in_time_and_holds_up_no_other(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        silent = asyncio.create_task(rig.device.read_input(NOBODY, 0, 1))
        reading = asyncio.create_task(rig.device.read_input(METER, 0, 10))
        with pytest.raises(DeviceTimeout, match=str(NOBODY)):
            await silent
        assert len(await reading) == 10
        assert await rig.device.probe(NOBODY, 0.1) is None
        assert await rig.device.probe(METER, 0.5)


async def test_what_energises_needs_a_permit_at_the_wire_and_what_does_not_needs_none(
    case: Case, tmp_path: Path
) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        for permit in (Denied(), None):
            with pytest.raises(PermitDenied):
                await rig.device.write_coil(RELAY, 0, True, permit)
            with pytest.raises(PermitDenied):
                await rig.device.write_coils(RELAY, 0, [False] * 7 + [True], permit)
        assert not any(rig.sees.relays.values())
        await rig.device.write_coil(RELAY, 0, True, Allowed())
        assert rig.sees.relays[RELAY_ROLES[0]]
        await rig.device.write_coils(RELAY, 0, [False] * 8, None)
        assert not any(rig.sees.relays.values())


async def test_a_cancelled_question_leaves_the_line_to_the_next(case: Case, tmp_path: Path) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        for turns in (0, 1, 5):
            call = asyncio.create_task(rig.device.read_input(METER, 0, 10))
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        assert len(await rig.device.read_input(METER, 0, 3)) == 3


async def test_unplugged_it_is_an_error_plugged_in_again_it_works_and_closed_twice_it_stays_closed(
    case: Case, tmp_path: Path
) -> None:
    async with case.patience(), case.open(tmp_path) as rig:
        await rig.use()
        await rig.unplug()
        for _ in range(2):
            with pytest.raises(DriverError):
                await rig.use()
        await rig.replug()
        while True:
            try:
                await rig.use()
                break
            except DriverError:  # it rests for a while after a failure
                await asyncio.sleep(0.02)
        await rig.device.close()
        await rig.device.close()
        with pytest.raises(DriverError, match="closed"):
            await rig.use()
