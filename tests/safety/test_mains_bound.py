"""The bound on energised time holds for a run as a whole, not only for each ON [14]."""

from __future__ import annotations

import pytest

from station.safety.errors import Misrouted
from tests.safety.rig import Rig, play


def on_seconds(rig: Rig) -> float:
    changes = rig.guard.k_times
    return sum(off[0] - on[0] for on, off in zip(changes[::2], changes[1::2], strict=True))


def test_all_ons_of_a_run_together_stay_within_its_bound() -> None:
    async def scene(rig: Rig) -> None:
        rig.bench.mains.limit(10.0)
        for _ in range(2):
            await rig.bench.mains.on(10.0)
            await rig.settle(3.0)
            await rig.bench.mains.off()
        await rig.bench.mains.on(10.0)
        await rig.tripped(5.0)
        await rig.settle(0.1)
        assert not rig.guard.core.k and on_seconds(rig) <= 10.0
        assert rig.causes[0] in {("mains", "BOUND"), ("guard", "TIME")}

    play(scene)


def test_a_run_whose_time_is_used_up_is_refused_and_the_next_run_has_its_own() -> None:
    async def scene(rig: Rig) -> None:
        rig.bench.mains.limit(4.0)
        await rig.bench.mains.on(4.0)
        await rig.settle(3.5)
        await rig.bench.mains.off()
        with pytest.raises(Misrouted, match="used up"):
            await rig.bench.mains.on(4.0)
        assert rig.causes == []
        rig.bench.mains.limit(4.0)
        await rig.bench.mains.on(4.0)
        assert rig.guard.core.k

    play(scene)
