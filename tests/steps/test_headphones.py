"""What the headphones' steps compute and refuse: divider, reference, a level that moved, the data plate."""

from __future__ import annotations

import cmath
import math
from types import SimpleNamespace
from typing import Any

import pytest

from station.domain.errors import StepDeclined, StepError
from station.domain.measurement import Measurement
from station.domain.plates import HeadphonesPlate
from station.domain.sound import ToneReading, Value
from station.steps import headphones_response
from station.steps.headphones import have_done, is_faint, tone
from station.steps.headphones_distortion import refuse_moved
from station.steps.headphones_impedance import modulus
from station.steps.headphones_response import Params, between

PLATE = HeadphonesPlate(32.0, 112.0, 0.5)


def context(already: float | None = None, answer: bool = True, plate: HeadphonesPlate = PLATE) -> Any:
    async def ask(text: Any, about: Any) -> bool:
        return answer

    product = SimpleNamespace(plate_of=lambda kind: plate)
    recorded: list[Measurement] = []
    return SimpleNamespace(
        product=product, ask=ask, already=lambda name, channel: already, recorded=recorded, record=recorded.append,
        curve=lambda curve: None, note=lambda text: None, skip=lambda *name: None,
    )  # fmt: skip


def reading(level: Value) -> ToneReading:
    return ToneReading("left", level, level.value, None, None, ())


@pytest.mark.parametrize("ohm", [0.5, 8.0, 32.0, 300.0, 900.0])
@pytest.mark.parametrize("phase_deg", [0.0, 15.0, 60.0])
def test_the_modulus_is_that_of_the_impedance_in_the_divider(ohm: float, phase_deg: float) -> None:
    z = cmath.rect(ohm, math.radians(phase_deg))
    assert modulus(abs(z / (z + 33.0)), 33.0, phase_deg) == pytest.approx(ohm, rel=1e-6)


def test_the_reference_is_straight_over_log_f_and_level_beyond_its_end() -> None:
    points = ((100.0, -2.0), (1000.0, 0.0), (4000.0, 4.0))
    assert between(points, 2000.0) == pytest.approx(2.0) and between(points, 100.0) == -2.0
    assert between(points, 316.2278) == pytest.approx(-1.0, abs=1e-6) and between(points, 9000.0) == 4.0


def test_without_a_reference_each_side_is_held_against_the_mean_of_both() -> None:
    places, against = headphones_response._reference(context(), Params(), [[0.0] * 31, [2.0] * 31])
    assert against == "both sides" and set(places.values()) == {1.0} and len(places) == 20


def test_a_level_that_moved_by_more_than_a_coupler_does_is_the_benchs_error() -> None:
    refuse_moved(context(112.0), reading(Value(1.1, 0.001)))
    refuse_moved(context(None), reading(Value(0.1, 0.001)))
    with pytest.raises(StepError, match=r"left: -6.0 dB against before, may be 1.5 dB"):
        refuse_moved(context(112.0), reading(Value(0.5, 0.001)))


def test_a_side_is_faint_where_it_is_silent_or_12_db_under_its_plate() -> None:
    assert is_faint(Value(0.24, 0.0)) and is_faint(Value(0.9, 0.0, "below")) and not is_faint(Value(0.26, 0.0))


def test_the_test_level_is_94_db_by_the_plate_and_a_silent_side_gets_nothing() -> None:
    stimulus = tone(context(), 0.3, right=False)
    assert stimulus.left_v == pytest.approx(0.12589, abs=1e-5) and stimulus.right_v == 0.0


async def test_ng_at_the_fixture_ends_the_run_and_blames_nobody() -> None:
    with pytest.raises(StepDeclined, match="fixture: NG to 'Plug it in'"):
        await have_done(context(answer=False), {"zh": "插好", "en": "Plug it in"}, "plug")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"sensitivity_db_v": 96.0, "max_v": 0.5}, "max_v is 0.5, and 94 dB SPL take 0.794 V"),
        ({"sensitivity_db_v": 30.0}, "sensitivity_db_v is 30; give dB SPL at 1 V, from 60 to 140"),
        ({"impedance_ohm": 2.0}, "impedance_ohm is 2; the fixture's divider can tell 4 to 1000 ohm"),
        ({"reference_db": {"1000": 0.0, "500": 0.0}}, "'500' is no frequency from 20 to 20000 Hz above the one before"),
        ({"reference_db": {"1e3": 0.0}}, "'1e3' is no frequency"),
        ({"reference_db": {"100": 0.0, "500": 0.0}}, "reach from below 1000 Hz to above it"),
        ({"reference_db": {"100": -80.0}}, "at 100 Hz is -80"),
    ],
)
def test_a_data_plate_that_cannot_be_is_refused_with_its_bound(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        HeadphonesPlate(**{"impedance_ohm": 32.0, "sensitivity_db_v": 112.0, "max_v": 0.5, **keys})
