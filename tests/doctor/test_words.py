"""Readings in words."""

from __future__ import annotations

import pytest

from station.doctor.words import read_out


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"voltage_v": 230.1, "power_w": 0.0}, "230.1 V, 0.0 W"),
        ({"heatsink_degc": 25.31, "ambient_degc": 24.9}, "heatsink 25.3 degC, ambient 24.9 degC"),
        ({"l_n_v": 0.2}, "l n 0.2 V"),
        ({"rpm": 1420.0}, "1420 rpm"),
        ({"power_factor": 0.98}, "power factor 0.98"),
    ],
)
def test_a_reading_is_told_with_its_units(values: dict[str, float], words: str) -> None:
    assert read_out(values) == words
