"""A bench at rest is read once a second, and whatever is asked of it then finds it awake."""

from __future__ import annotations

import pytest

from tests.safety.rig import Rig, play


@pytest.mark.parametrize("phase", range(25))
def test_mains_after_a_rest_of_any_length_trips_over_no_stale_reading(phase: int) -> None:
    async def scene(rig: Rig) -> None:
        rig.kernel._may_rest = True  # the rig watches one reading always; a bench of the shipped tree does not
        await rig.settle(15.0 + phase * 0.05)
        assert rig.kernel.pollers.pace.resting
        await rig.energise()
        assert not rig.kernel.pollers.pace.resting
        await rig.settle(3.0)
        assert rig.causes == [] and rig.guard.core.k

    play(scene)


def test_a_resting_bench_is_read_once_a_second_and_an_energised_one_as_configured() -> None:
    async def scene(rig: Rig) -> None:
        rig.kernel._may_rest = True
        await rig.settle(15.0)
        poller = rig.kernel.pollers.of("mains")
        before = rig.sensors["mains"].reads
        await rig.settle(10.0)
        resting = rig.sensors["mains"].reads - before
        assert 8 <= resting <= 12
        await rig.energise()
        before = rig.sensors["mains"].reads
        await rig.settle(10.0)
        assert rig.sensors["mains"].reads - before >= 0.9 * 10.0 / poller.poll_s > resting

    play(scene)
