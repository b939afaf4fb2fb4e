"""A kernel whose time belongs to somebody else: nothing runs by itself, and every look is one call."""

from __future__ import annotations

import asyncio

from tests.safety.rig import Rig, VirtualLoop, now


async def _turns(rig: Rig, seconds: float) -> None:
    """What an owner of time does: look at everything, then one turn, a period further each time."""
    end = now() + seconds
    while now() < end:
        await rig.kernel.line.keep_open()
        await rig.kernel.desk.look()
        for poller in rig.kernel.pollers:
            await poller.read_now()
        rig.guard.step()
        rig.kernel.turn(now())
        await asyncio.sleep(rig.rules.period_s)


def test_a_kernel_that_does_not_tick_makes_no_turn_and_starts_no_task_by_itself() -> None:
    async def scene() -> None:
        rig = Rig()
        before = asyncio.all_tasks()
        await rig.kernel.start(ticking=False)
        await asyncio.sleep(5.0)
        assert asyncio.all_tasks() == before
        assert rig.guard.said == [] and rig.board.history == [] and rig.kernel.trips == ()
        await rig.close()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(scene())


def test_turns_made_by_the_owner_of_time_scan_feed_and_reset_as_the_kernels_own_do() -> None:
    async def scene() -> None:
        rig = Rig()
        await rig.kernel.start(ticking=False)
        await _turns(rig, 1.0)
        assert rig.causes == [("guard", "BOOT")] and "HB" in rig.guard.said
        reset = asyncio.ensure_future(rig.kernel.reset())
        await _turns(rig, 1.0)
        assert await reset == () and rig.causes == []
        rig.guard.estop = False
        await _turns(rig, 0.1)
        assert rig.causes == [("guard", "ESTOP")]
        await rig.close()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(scene())
