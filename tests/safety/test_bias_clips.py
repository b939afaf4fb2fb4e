"""The bias meter and the kernel: clips still on keep drive away; overshoot trips whichever way round they are."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path

import pytest

from station.domain.interlock import Interlock
from station.safety.errors import ClipsOn
from station.safety.rules import AUDIO
from tests.safety.rig import INTERLOCKS, Rig, play

SHIPPED = tomllib.loads((Path(__file__).parents[2] / "config" / "interlocks.toml").read_text(encoding="utf-8"))
ROWS = tuple(
    Interlock(
        row["name"], row["reading"], row["max_age_s"], low=row.get("low"), high=row["high"], for_s=row["for_s"],
        when=row["when"], blames=row["blames"], measurement=row["measurement"], code=row["code"],
    )
    for row in SHIPPED["interlock"] if row["name"].startswith("bias-")
)  # fmt: skip


@pytest.mark.parametrize("mv", [11.0, -11.0, 0.2])
def test_clips_that_are_still_on_keep_drive_away_and_blame_no_device(mv: float) -> None:
    async def scene(rig: Rig) -> None:
        rig.bias_mv["left_mv"] = mv
        await rig.energise()
        with pytest.raises(ClipsOn, match=r"left_mv .* its clips are still on the device; no drive"):
            await rig.bench.drive.prepare()
        assert not any(on for role, on in rig.board.history if role in AUDIO) and not rig.causes

    play(scene)


def test_with_the_clips_off_it_drives() -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await rig.bench.drive.prepare()
        assert rig.drive_until is not None

    play(scene, interlocks=(*INTERLOCKS, *ROWS))


@pytest.mark.parametrize(("mv", "cause"), [(40.0, "HIGH"), (-40.0, "LOW")])
def test_overshoot_trips_whichever_way_round_the_clips_are(mv: float, cause: str) -> None:
    async def scene(rig: Rig) -> None:
        await rig.energise()
        await asyncio.sleep(1.0)
        assert not rig.causes, "nothing at 0 mV"
        rig.bias_mv["left_mv"] = mv
        await rig.tripped(1.0)
        await asyncio.sleep(0.3)
        assert rig.causes == [("bias-left", cause)] and not rig.guard.fb

    play(scene, interlocks=(*INTERLOCKS, *ROWS))
