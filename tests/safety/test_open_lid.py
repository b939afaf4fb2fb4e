"""An open lid refuses voltage at once: what waited for it would be switched on by the lid, with a hand still on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from drivers.ports import BondSetup, InsulationSetup
from station.safety.errors import LidOpen
from station.safety.rules import Rules
from station.safety.snapshot import Wishes
from tests.safety.rig import Rig, now, play

ASKS: dict[str, Callable[[Rig], Coroutine[Any, Any, Any]]] = {
    "mains": lambda rig: rig.energise(),
    "insulation": lambda rig: rig.bench.tester.measure_insulation(InsulationSetup(500.0, 1.0, 5.0)),
    "bond": lambda rig: rig.bench.tester.measure_bond(BondSetup(25.0, 1.0, 0.3)),
}
STATUS_S = 0.5
"""The guard says at least this often how the lid stands."""


@pytest.mark.parametrize("what", ASKS)
def test_an_open_lid_refuses_at_once_and_shutting_it_switches_nothing_on(what: str) -> None:
    async def scene(rig: Rig) -> None:
        await rig.settle(12.0)
        rig.guard.lid = False
        await rig.settle(1.0)
        began = now()
        with pytest.raises(LidOpen, match=r"the lid is open: .* shut the lid, then test again"):
            await ASKS[what](rig)
        assert now() - began < STATUS_S + 3.0, "the off that proves it included"
        rig.guard.lid = True
        await rig.settle(20.0)
        assert not rig.guard.k_times and "HV" not in " ".join(rig.guard.said) and not rig.guard.core.h
        assert rig.kernel.wishes == Wishes() and not rig.board.positions["tester"]

    play(scene)


def test_a_lid_that_opens_in_the_pause_after_off_ends_the_wish_for_mains() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.mains.off()
        asked = asyncio.ensure_future(rig.energise())
        await asyncio.sleep(3.0)
        rig.guard.lid = False
        await asyncio.sleep(1.0)
        rig.guard.lid = True
        with pytest.raises(LidOpen):
            await asked
        await rig.settle(20.0)
        assert [on for _, on in rig.guard.k_times] == [True, False]

    play(scene, Rules(dead_s=3.0))


def test_a_lid_that_was_shut_a_moment_ago_is_believed_with_the_guards_next_word() -> None:
    async def scene(rig: Rig) -> None:
        await rig.settle(12.0)
        status = rig.guard.status
        assert status is not None
        rig.guard._status = replace(status, lid=False, received_at=now() - 0.001)
        assert not rig.kernel.status.lid, "the last word is about the lid as it was"  # type: ignore[union-attr]
        await rig.energise()
        assert rig.guard.core.k

    play(scene)
