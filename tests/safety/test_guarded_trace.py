"""A trace through the guarded port: a permit and both loads, silence when a look is cancelled, nothing kept is lost."""

from __future__ import annotations

import asyncio

import pytest

from drivers.errors import PermitDenied
from station.domain.sound import Stimulus, TraceEvent, Watch
from tests.safety.rig import Rig, play

TONE = Stimulus(1000.0, 0.5, 0.5, 60.0)


def test_a_trace_needs_the_permit_and_both_loads() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        with pytest.raises(PermitDenied):
            await rig.bench.sound.start_trace(TONE, Watch())
        await rig.bench.drive.prepare()
        await rig.bench.drive.unload(0.1)
        with pytest.raises(PermitDenied, match="both loads"):
            await rig.bench.sound.start_trace(Stimulus(1000.0, 0.05, 0.05, 60.0), Watch())
        assert rig.sound.played == []

    play(scene)


@pytest.mark.parametrize("look", ["advance", "mark"])
def test_cancelling_a_look_at_a_trace_mutes(look: str) -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        stream = await rig.bench.sound.start_trace(TONE, Watch())
        work = stream.advance(60.0) if look == "advance" else stream.mark(TraceEvent("dc", 1.0))
        task = asyncio.ensure_future(work)
        await asyncio.sleep(0.1)
        assert rig.sound.playing
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not rig.sound.playing

    play(scene)


def test_what_was_kept_is_waited_for_although_the_step_is_cancelled() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        stream = await rig.bench.sound.start_trace(TONE, Watch())
        await stream.close()
        began_s = asyncio.get_running_loop().time()
        task = asyncio.ensure_future(stream.kept())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(2.0, abs=0.2)
        assert (await stream.kept()).missing == ("nothing is kept here",)

    play(scene)


def test_a_run_names_the_folder_of_what_it_keeps() -> None:
    async def scene(rig: Rig) -> None:
        rig.bench.sound.keep_under("0190-run")
        assert rig.sound.run_id == "0190-run"

    play(scene)
