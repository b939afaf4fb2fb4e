"""What is drawn beside the response: phase without jumps, crosstalk both ways, nothing that lies under a floor."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from station.domain.measurement import Channel, Curve
from station.domain.sound import ResponseReading, Value
from station.steps.response import draw_beside

HZ = (20.0, 200.0, 2000.0, 20000.0)


def reading(channel: Channel, level_v: float, **keys: Any) -> ResponseReading:
    return ResponseReading(channel, HZ, (Value(level_v, 0.01),) * 4, (), 0.0, **keys)


def drawn(
    left: ResponseReading, right: ResponseReading, notes: list[str] | None = None
) -> dict[tuple[str, str | None], Curve]:
    curves: list[Curve] = []
    context: Any = SimpleNamespace(curve=curves.append, note=[].append if notes is None else notes.append)
    draw_beside(context, left, right)
    return {(curve.name, curve.channel): curve for curve in curves}


def test_crosstalk_is_what_comes_out_over_what_the_other_channel_gives() -> None:
    leaks = (Value(0.01, 1e-5), None, Value(0.02, 1e-5), Value(0.1, 1e-5))
    curves = drawn(reading("left", 5.0, leak_v=leaks), reading("right", 10.0, leak_v=(Value(0.05, 1e-5),) * 4))
    left, right = curves["crosstalk_frequency", "left"], curves["crosstalk_frequency", "right"]
    assert left.x == (20.0, 2000.0, 20000.0) and left.y == pytest.approx((-60.0, -53.98, -40.0), abs=0.01)
    assert right.y == pytest.approx((-40.0,) * 4)


def test_what_lies_under_the_floor_is_not_drawn() -> None:
    drowned, notes = (Value(1e-4, 1e-4, "below"),) * 4, []
    curves = drawn(reading("left", 5.0, leak_v=drowned, phase_deg=(None,) * 4), reading("right", 5.0), notes)
    assert not curves and len(notes) == 1 and "left: too little above 300 Hz" in notes[0]


def test_a_phase_that_passes_half_a_turn_goes_on() -> None:
    curves = drawn(reading("left", 5.0, phase_deg=(-170.0, 175.0, 10.0, -160.0)), reading("right", 5.0))
    assert curves["phase", "left"].y == (-170.0, -185.0, -350.0, -520.0)
