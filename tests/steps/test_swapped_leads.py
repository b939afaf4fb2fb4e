"""When the connection check blames the leads, and when it leaves a channel to the measurements."""

from __future__ import annotations

import pytest

from station.domain.errors import StepError
from station.domain.sound import Value
from station.steps.levels import delivers
from station.steps.output import _refuse_swapped


def test_each_channel_on_the_other_lead_is_refused() -> None:
    with pytest.raises(StepError, match="swap the leads"):
        _refuse_swapped([True, True], [False, False])


def test_one_dead_channel_behind_swapped_leads_is_refused() -> None:
    with pytest.raises(StepError, match="comes out of left"):
        _refuse_swapped([False, True], [False, False])


def test_a_dead_channel_that_leaks_into_a_living_one_is_left_to_the_measurements() -> None:
    _refuse_swapped([True, False], [False, True])
    assert not delivers(Value(0.0089, 0.0001), 0.89)


def test_a_channel_delivers_down_to_half_of_what_is_asked() -> None:
    assert delivers(Value(0.51, 0.0), 1.0)
    assert not delivers(Value(0.49, 0.0), 1.0)
