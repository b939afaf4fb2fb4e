"""A heatsink thermometer that does not follow two channels at rated power cannot watch a soak."""

from __future__ import annotations

import pytest

from station.domain.errors import StepError
from station.steps.soak import FOLLOW_K
from station.steps.soak_tally import Tally


def tally(*degc: float) -> Tally:
    series = [(60.0 * minute, value) for minute, value in enumerate(degc)]
    return Tally(300.0, 5.0, heatsink_degc=series, end_s=600.0)


def test_a_stuck_thermometer_ends_the_soak_and_is_named_with_what_it_showed() -> None:
    noise = (41.00, 41.02, 40.99, 41.01, 41.0, 41.02, 40.98, 41.0, 41.01, 41.0)
    with pytest.raises(StepError, match=r"heatsink thermometer: 41\.00 degC has moved by 0\.04 K in 600 s"):
        tally(*noise).refuse_a_stuck_thermometer(FOLLOW_K)


def test_a_heatsink_that_warms_a_little_is_followed() -> None:
    warming = tally(25.0, 25.1, 25.2, 25.35)
    warming.refuse_a_stuck_thermometer(FOLLOW_K)
    assert len(warming.heatsink_degc) == 4, "looking changes nothing"
