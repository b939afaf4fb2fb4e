"""A daemon that starts anew beside a guard that went on running: what a person must do before anything is on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from drivers.errors import PermitDenied
from station.safety.guarded import build_bench, build_kernel
from station.safety.kernel import Kernel
from station.safety.rules import ROLES
from tests.safety.rig import INTERLOCKS, Rig, now, play

Scene = Callable[[Rig, Kernel], Awaitable[None]]


async def killed_and_started_anew(rig: Rig) -> Kernel:
    """As SIGKILL and a start by systemd: no farewell, no memory, the same guard and the same devices."""
    old = rig.kernel
    assert old._loop_task is not None
    old._loop_task.cancel()
    await asyncio.gather(old._loop_task, return_exceptions=True)
    old.line.stop = lambda: None  # type: ignore[method-assign]
    await old.watched.close()
    await rig.settle(2.0)
    channels = {role: number for number, role in enumerate(ROLES)}
    rig.kernel = build_kernel(
        rig.guard, rig.board, channels, {role: (sensor, 0.2) for role, sensor in rig.sensors.items()},
        INTERLOCKS, rig.latch, rig._sink, now, rig.rules,
    )  # fmt: skip
    rig.bench = build_bench(rig.kernel, rig.tester, rig.touch, rig.sound, rig.bench.mains._clock)  # type: ignore[attr-defined]
    await rig.kernel.start()
    await rig.settle(3.0)
    return rig.kernel


def test_beside_a_guard_that_is_safe_nothing_is_tripped_and_nothing_comes_on_by_itself() -> None:
    async def scene(rig: Rig) -> None:
        await rig.settle()
        kernel = await killed_and_started_anew(rig)
        await rig.settle(30.0)
        assert kernel.trips == () and rig.guard.core.state == "SAFE" and rig.guard.k_times == []
        await rig.bench.mains.on(60.0)  # what START would have a step ask for
        assert rig.guard.core.k

    play(scene)


def test_after_a_death_with_mains_on_the_guard_has_tripped_and_only_a_reset_clears_it() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        kernel = await killed_and_started_anew(rig)
        assert not rig.guard.core.k
        assert [(trip.interlock, trip.cause) for trip in kernel.trips] == [("guard", "HEARTBEAT")]
        with pytest.raises(PermitDenied):
            await rig.bench.mains.on(60.0)
        assert await kernel.reset() == ()
        await rig.bench.mains.on(60.0)
        assert rig.guard.core.k

    play(scene)
