"""A tester that a crash or an unproven discharge left in circuit: the plug's way to discharge, and what opens it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from drivers.errors import PermitDenied
from tests.safety.rig import Rig, VirtualLoop


class Crashed(Rig):
    """As a SIGKILL in the middle of an insulation test leaves the bench. `opened`: the plug's volts at each opening."""

    def __init__(self) -> None:
        super().__init__()
        self.board.positions["tester"] = True
        self.charge_v = 500.0
        self.opened: list[float] = []
        self._write = self.board.write
        self.board.write = self._note  # type: ignore[method-assign]

    async def _note(self, channel: int, on: bool, permit: Any) -> None:
        if self.board._roles[channel] == "tester" and not on and self.board.positions["tester"]:
            self.opened.append(self.charge_v)
        await self._write(channel, on, permit)


def play_after_a_crash(scene: Callable[[Crashed], Awaitable[None]], *, voltmeter_dead: bool = False) -> None:
    async def whole() -> None:
        rig = Crashed()
        rig.sensors["discharge"].dead = voltmeter_dead
        rig.guard.start()
        try:
            await rig.kernel.start()
            await scene(rig)
        finally:
            await rig.close()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(whole())


def test_a_start_after_a_crash_in_a_test_opens_the_tester_only_once_the_plug_is_dead() -> None:
    async def scene(rig: Crashed) -> None:
        await rig.settle(10.0)
        assert len(rig.opened) == 1 and rig.opened[0] < 60.0
        assert rig.board.history.index(("bleed", True)) < rig.board.history.index(("tester", False))
        assert rig.causes == [("guard", "BOOT")]
        assert await rig.kernel.reset() == ()
        await rig.energise()
        assert rig.guard.core.k

    play_after_a_crash(scene)


def test_while_the_plug_is_not_proven_dead_the_tester_stays_and_mains_is_refused() -> None:
    async def scene(rig: Crashed) -> None:
        await rig.settle(5.0)
        assert rig.opened == [] and rig.board.positions["tester"] and rig.board.positions["bleed"]
        assert ("discharge", "NOT_PROVEN") in rig.causes
        with pytest.raises(PermitDenied):
            await rig.energise()
        rig.sensors["discharge"].dead = False
        await rig.settle(10.0)
        assert len(rig.opened) == 1 and not rig.board.positions["tester"]
        assert await rig.kernel.reset() == ()

    play_after_a_crash(scene, voltmeter_dead=True)


def test_a_station_that_ends_leaves_an_unproven_plug_on_the_tester() -> None:
    async def scene(rig: Crashed) -> None:
        await rig.settle(2.0)
        await rig.kernel.close()
        assert rig.board.positions["tester"] and rig.opened == []

    play_after_a_crash(scene, voltmeter_dead=True)
