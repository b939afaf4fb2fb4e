"""What every `RelayBoard` must do: nothing closes without a permit, everything opens without one, and it is read back.

No relay of a real bench is switched here: there only the positions are read.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.errors import DriverError, PermitDenied
from drivers.sim.world import RELAY_ROLES
from tests.contract.real_bench import real_cases
from tests.contract.rig import Allowed, Case, Denied, Rig
from tests.contract.twin_cases import RELAYS

every = pytest.mark.parametrize("case", [case.param() for case in (*RELAYS, *real_cases("relays"))])
on_twins = pytest.mark.parametrize("case", [case.param() for case in RELAYS])


def positions(rig: Rig) -> list[bool]:
    return [rig.sees.relays[role] for role in RELAY_ROLES]


@every
async def test_it_tells_the_position_of_every_channel_that_is_used(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        told = await rig.device.read_back()
        assert all(type(on) is bool for on in told)
        assert len(told) > max(rig.settings.channels.values())


@on_twins
async def test_each_channel_switches_its_own_role_and_reads_back(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        for role, channel in rig.settings.channels.items():
            await rig.device.write(channel, True, Allowed())
            assert [name for name, closed in rig.sees.relays.items() if closed] == [role]
            assert list(await rig.device.read_back()) == positions(rig)
            await rig.device.write(channel, False, None)
        assert not any(await rig.device.read_back())


@on_twins
async def test_all_off_releases_every_relay_without_a_permit(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        for channel in rig.settings.channels.values():
            await rig.device.write(channel, True, Allowed())
        assert all(positions(rig))
        await rig.device.all_off()
        assert not any(positions(rig))


@on_twins
async def test_nothing_closes_without_a_permit(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        for permit in (Denied(), None):
            with pytest.raises(PermitDenied):
                await rig.device.write(2, True, permit)
        assert not any(positions(rig))


@on_twins
async def test_a_channel_that_does_not_exist_is_refused_before_the_wire(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        with pytest.raises(ValueError, match="not within 0 to 7"):
            await rig.device.write(8, True, Allowed())
        assert not any(positions(rig))


@on_twins
async def test_with_the_wire_torn_neither_off_nor_on_is_taken_for_done(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        await rig.device.write(0, True, Allowed())
        await rig.unplug()
        for call in (rig.device.all_off(), rig.device.write(0, False, None), rig.device.write(1, True, Allowed())):
            with pytest.raises(DriverError):
                await call
