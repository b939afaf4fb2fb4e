"""The spectrum that is drawn: no line is lost, and it never grows beyond its points."""

from __future__ import annotations

import numpy as np
import pytest

from station.analysis.errors import NotFinite, TooShort
from station.analysis.spectrum import POINTS, drawn_spectrum

RATE = 48000


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
def test_every_line_stands_in_it_at_its_level_and_place(rate_hz: int) -> None:
    t = np.arange(rate_hz // 2) / rate_hz
    lines = {1000.0: 0.0, 2000.0: -72.0, 3000.0: -78.0, 19000.0: -95.0, 100.0: -90.0}
    x = sum(0.25 * 10 ** (db / 20) * np.sin(2 * np.pi * f * t + f) for f, db in lines.items())
    found = drawn_spectrum(np.asarray(x), rate_hz, 0.25)
    assert len(found) <= POINTS and [f for f, _ in found] == sorted(f for f, _ in found)
    for f, db in lines.items():
        near = max(level for hz, level in found if abs(hz - f) <= 2.0)
        assert near == pytest.approx(db, abs=0.1), f"{f} Hz"
    assert min(level for hz, level in found if 5000 < hz < 15000) < -140


def test_what_is_no_capture_is_refused() -> None:
    with pytest.raises(TooShort):
        drawn_spectrum(np.zeros(500), RATE, 0.1)
    with pytest.raises(NotFinite):
        drawn_spectrum(np.full(4096, np.nan), RATE, 0.1)
    with pytest.raises(ValueError, match="must be above 0"):
        drawn_spectrum(np.ones(4096), RATE, 0.0)
