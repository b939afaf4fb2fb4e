"""24 V of all loops gone reads as pressed, open and welded at once: a trip, but no weld, and no maintainer for it."""

from __future__ import annotations

import pytest

from drivers.errors import DriverError
from station.safety.scan import NO_SUPPLY
from tests.safety.rig import Rig, play


def latched(rig: Rig) -> bool:
    return (rig.latch.reason or "").startswith("WELD")


def test_a_lost_supply_of_the_loops_switches_off_and_sets_no_service_latch() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        rig.guard.no_supply = True
        await rig.tripped()
        await rig.settle(5.0)
        assert rig.causes[0] == ("guard", "ESTOP") and ("guard", "WELD") in rig.causes
        assert not rig.guard.core.k and not latched(rig) and rig.kernel.service_latch is None
        assert NO_SUPPLY in await rig.kernel.reset()
        rig.guard.no_supply = False
        await rig.settle(2.0)
        assert not latched(rig)
        assert await rig.kernel.reset() == ()
        await rig.energise()

    play(scene)


def test_a_weld_behind_a_lost_supply_is_latched_as_soon_as_the_supply_is_back() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        rig.guard.welded = rig.guard.no_supply = True
        await rig.settle(5.0)
        assert not latched(rig)
        rig.guard.no_supply = False
        await rig.settle(2.0)
        assert latched(rig)
        rig.guard.welded = False
        await rig.settle(2.0)
        assert any("service latch" in reason for reason in await rig.kernel.reset())

    play(scene)


@pytest.mark.parametrize("pressed", [("estop",), ("estop", "lid"), ("lid", "thermo")])
def test_a_weld_with_one_loop_healthy_is_latched_at_once(pressed: tuple[str, ...]) -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        rig.guard.welded = True
        for name in pressed:
            setattr(rig.guard, name, False)
        await rig.settle(1.5)
        assert latched(rig)
        reasons = await rig.kernel.reset()
        assert NO_SUPPLY not in reasons and f"guard input {pressed[0]} is not healthy" in reasons

    play(scene)


def test_a_weld_that_is_found_again_after_it_was_let_go_is_set_again() -> None:
    """What the disk was told once is told again when it happens again: the latch is not set once in a process."""

    async def scene(rig: Rig) -> None:
        for _ in range(2):
            rig.guard.welded = True
            with pytest.raises(DriverError):
                await rig.energise()
            await rig.settle(1.5)
            assert latched(rig)
            rig.guard.welded, rig.latch.reason = False, None
            await rig.settle()
            await rig.kernel._service.load()  # as a maintainer's clear and a restart would
            assert await rig.kernel.reset() == ()

    play(scene)
