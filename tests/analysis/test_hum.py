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


def test_an_order_of_the_tone_on_a_multiple_of_the_mains_is_said_whether_it_hums_or_not() -> None:
    truth = Truth(50.0, thd_percent=0.001, snr_db=90.0, hum_dbc=-50.0, mains_hz=100.0, multiples=(1, 2, 3))
    found = analysed(wave(truth, 48000, 0.5), 48000)  # 100, 200, 300 Hz: nothing of it shows beside the tone's orders
    assert found.coinciding == (1, 2, 3, 4, 5, 6)
    assert found.hum_dbc.value is None and found.hum_dbc.uncertainty > -50.0
    assert analysed(wave(Truth(997.37, snr_db=90.0), 48000, 0.5), 48000).coinciding == ()


def test_a_line_at_300_hz_alone_widens_what_hum_at_100_and_200_may_hide_in() -> None:
    truth = Truth(20.0, thd_percent=0.001, snr_db=110.0, hum_dbc=-52.0, mains_hz=100.0, multiples=(1, 2, 3))
    found = analysed(wave(truth, 48000, 0.5), 48000)
    for figure, true in ((found.thd_percent, 0.001), (found.hum_dbc, -52.0)):
        assert figure.value is None and figure.uncertainty > true


def test_hum_read_beside_its_place_in_the_tones_line_is_bounded_whole() -> None:
    truth = Truth(25.0, thd_percent=0.0, snr_db=120.0, hum_dbc=-56.6, mains_hz=49.97, multiples=(1, 2, 3, 4))
    found = analysed(wave(truth, 48000, 2.0), 48000).hum_dbc
    assert found.value is None and -56.6 <= found.uncertainty < -54.0
