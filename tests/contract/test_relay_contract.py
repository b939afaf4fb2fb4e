"""What every `RelayBoard` must do, run against the relay board with its twin."""

from __future__ import annotations

import pytest

from drivers.errors import DriverError, PermitDenied
from drivers.sim.world import RELAY_ROLES
from tests.contract.twin_bench import Allowed, Denied, TwinBench, twin_bench

BOARD = {"bus": "a", "address": 1, "channels": {role: place for place, role in enumerate(RELAY_ROLES)}}


def positions(bench: TwinBench) -> list[bool]:
    return [bench.world.relays[role] for role in RELAY_ROLES]


async def test_each_channel_switches_its_own_role_and_reads_back() -> None:
    async with twin_bench() as bench:
        board = bench.device("waveshare-relay-8", BOARD)
        assert (await board.ensure_ready()).firmware == "V2.00"
        for channel, role in enumerate(RELAY_ROLES):
            await board.write(channel, True, Allowed())
            assert [name for name, closed in bench.world.relays.items() if closed] == [role]
            assert list(await board.read_back()) == positions(bench)
            await board.write(channel, False, None)
        assert not any(await board.read_back())


async def test_all_off_releases_every_relay_without_a_permit() -> None:
    async with twin_bench() as bench:
        board = bench.device("waveshare-relay-8", BOARD)
        for channel in range(8):
            await board.write(channel, True, Allowed())
        assert all(positions(bench))
        await board.all_off()
        assert not any(positions(bench))


async def test_nothing_closes_without_a_permit() -> None:
    async with twin_bench() as bench:
        board = bench.device("waveshare-relay-8", BOARD)
        for permit in (Denied(), None):
            with pytest.raises(PermitDenied):
                await board.write(2, True, permit)
        assert not any(positions(bench))


async def test_a_channel_that_does_not_exist_is_refused_before_the_wire() -> None:
    async with twin_bench() as bench:
        board = bench.device("waveshare-relay-8", BOARD)
        with pytest.raises(ValueError, match="not within 0 to 7"):
            await board.write(8, True, Allowed())


async def test_a_torn_wire_is_a_driver_error_and_close_is_safe_twice() -> None:
    async with twin_bench() as bench:
        board = bench.device("waveshare-relay-8", BOARD)
        await bench.twins["a"].close()
        with pytest.raises(DriverError):
            await board.read_back()
        with pytest.raises(DriverError):
            await board.all_off()
        await board.close()
        await board.close()
