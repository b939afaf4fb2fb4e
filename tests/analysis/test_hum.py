"""Hum where it is hard to tell: beside its mains' name, and under the tone's own harmonics."""

from __future__ import annotations

import pytest

from tests.analysis.known_recordings import Truth, wave
from tests.analysis.test_recordings import analysed


@pytest.mark.parametrize(("mains_hz", "seconds"), [(60.03, 1.0), (59.9, 0.5)])
def test_300_hz_is_read_where_the_family_that_hums_has_it(mains_hz: float, seconds: float) -> None:
    truth = Truth(997.37, -10.0, thd_percent=0.0, snr_db=90.0, hum_dbc=-60.0, mains_hz=mains_hz,
                  multiples=(1, 2, 3, 4, 5, 6))  # fmt: skip
    hum = analysed(wave(truth, 48000, seconds), 48000).hum_dbc
    assert hum.value == pytest.approx(-60.0, abs=1.5 * hum.uncertainty)
