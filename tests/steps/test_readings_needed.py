"""A step that reads what this bench's device does not give says so, with the place to mend it."""

from __future__ import annotations

import pytest

from station.domain.errors import StepError
from station.steps.readings import needed


def test_what_is_there_comes_back() -> None:
    readings = {"heatsink_degc": 40.0, "ambient_degc": 25.0}
    assert needed(readings, "temperature", "ambient_degc") == readings


def test_what_is_missing_is_named_with_the_table_that_it_belongs_to() -> None:
    wanted = (
        r"temperature does not read ambient_degc on this bench; add it to \[devices\.temperature\] of station\.toml"
    )
    with pytest.raises(StepError, match=wanted):
        needed({"heatsink_degc": 40.0}, "temperature", "heatsink_degc", "ambient_degc")
