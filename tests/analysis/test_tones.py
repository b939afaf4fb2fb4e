"""Truth by construction: a tone of known amplitude, harmonics, noise and offset."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.analysis.errors import NotFinite, ToneNotFound, TooShort
from station.analysis.levels import Array, db
from station.analysis.tones import analyse_tone, find_frequency

RATE = 48000


def tone(seconds: float, frequency_hz: float, amplitude: float, thd: float, dc: float = 0.0) -> Array:
    """Harmonics 2 to 10 at 1/k, as far as Nyquist, with the given THD."""
    time = np.arange(round(seconds * RATE)) / RATE
    orders = [k for k in range(2, 11) if k * frequency_hz < RATE / 2 - 200]
    shares = np.array([1.0 / k for k in orders])
    shares *= thd / math.sqrt(float(shares @ shares)) if orders else 1.0
    wave = np.sin(2 * np.pi * frequency_hz * time + 0.3)
    for k, share in zip(orders, shares.tolist(), strict=True):
        wave = wave + share * np.sin(2 * np.pi * k * frequency_hz * time + k)
    return np.asarray(dc + amplitude * wave)


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("frequency_hz", [1000.0, 997.37, 1234.5, 4000.1])
@pytest.mark.parametrize("thd_db", [-100.0, -60.0, -40.0])
def test_thd_of_a_clean_tone_is_within_a_thousandth_of_a_decibel(
    seconds: float, frequency_hz: float, thd_db: float
) -> None:
    found = analyse_tone(tone(seconds, frequency_hz, 0.5, 10 ** (thd_db / 20), dc=0.01), RATE, frequency_hz)
    assert db(found.thd) == pytest.approx(thd_db, abs=0.001)
    assert db(found.amplitude / 0.5) == pytest.approx(0.0, abs=1e-5)
    assert found.dc == pytest.approx(0.01, abs=1e-4)
    assert not found.silent


@settings(max_examples=25, deadline=None)
@given(st.floats(100.0, 2200.0), st.floats(-90.0, -40.0), st.floats(0.001, 0.9))
def test_the_frequency_is_found_wherever_it_lies_between_bins(f: float, thd_db: float, amplitude: float) -> None:
    x = tone(0.5, f, amplitude / 1.05, 10 ** (thd_db / 20))
    frequency_hz = find_frequency(x, RATE)
    assert frequency_hz == pytest.approx(f, abs=1e-3)
    assert db(analyse_tone(x, RATE, frequency_hz).thd) == pytest.approx(thd_db, abs=0.002)


def test_thd_n_is_the_residual_over_the_total() -> None:
    random = np.random.default_rng(1)
    x = tone(1.0, 997.37, 0.5, 1e-3) + 1e-4 * random.standard_normal(RATE)
    in_band = 1e-4**2 * (20000 - 20) / (RATE / 2)
    truth = math.sqrt((1e-3 * 0.5) ** 2 / 2 + in_band) / math.sqrt(0.125 + (1e-3 * 0.5) ** 2 / 2 + in_band)
    found = analyse_tone(x, RATE, 997.37)
    assert found.thd_n == pytest.approx(truth, rel=0.005)
    assert abs(found.thd_n - truth) < 2 * found.thd_n_u


def test_harmonics_come_in_order_and_those_under_the_floor_as_none() -> None:
    time = np.arange(RATE) / RATE
    x = 0.5 * np.sin(2 * np.pi * 1000 * time) + 0.5e-3 * np.sin(2 * np.pi * 3000 * time)
    x += 1e-6 * np.random.default_rng(2).standard_normal(RATE)
    found = analyse_tone(x, RATE, 1000.0)
    assert found.harmonics[1] == pytest.approx(1e-3, rel=1e-3)
    seen = [k for k, h in enumerate(found.harmonics, start=2) if h is not None]
    assert 3 in seen and len(seen) <= 2
    assert len(found.harmonics) == 9


def test_harmonics_beyond_nyquist_are_none() -> None:
    found = analyse_tone(tone(0.5, 6000.0, 0.5, 0.01), RATE, 6000.0)
    assert found.harmonics[1] is not None
    assert found.harmonics[3:] == (None,) * 6


def test_thd_under_the_floor_is_a_bound_that_holds() -> None:
    x = tone(0.5, 1000.0, 0.5, 1e-6) + 1e-3 * np.random.default_rng(3).standard_normal(RATE // 2)
    found = analyse_tone(x, RATE, 1000.0)
    assert found.thd <= found.thd_u or found.thd - found.thd_u < 1e-6
    assert found.thd + found.thd_u > 1e-6


def test_nine_of_ten_truths_at_least_lie_inside_their_uncertainty() -> None:
    random = np.random.default_rng(4)
    inside_level = inside_thd = 0
    clean = tone(0.2, 1000.0, 0.5, 1e-3)
    for _ in range(100):
        found = analyse_tone(clean + 5e-4 * random.standard_normal(clean.size), RATE, 1000.0)
        inside_level += abs(found.amplitude - 0.5) <= found.amplitude_u
        inside_thd += abs(found.thd - 1e-3) <= found.thd_u
    assert inside_level >= 90
    assert inside_thd >= 90


def test_hum_beside_the_tone_does_not_move_its_thd() -> None:
    time = np.arange(RATE) / RATE
    x = tone(1.0, 997.37, 0.5, 1e-4) + 0.5 * 10 ** (-70 / 20) * np.sin(2 * np.pi * 50 * time)
    assert db(analyse_tone(x, RATE, 997.37).thd) == pytest.approx(-80.0, abs=0.01)


def test_a_silent_channel_has_a_bound_and_no_distortion() -> None:
    x = 1e-5 * np.random.default_rng(5).standard_normal(RATE // 2)
    found = analyse_tone(x, RATE, 1000.0)
    assert found.silent
    assert 0 < found.amplitude + found.amplitude_u < 1e-5


def test_a_channel_of_zeros_is_silent_too() -> None:
    found = analyse_tone(np.zeros(RATE // 2), RATE, 1000.0)
    assert found.silent
    assert math.isfinite(found.thd_n) and math.isfinite(found.thd)


def test_fewer_than_five_cycles_are_too_short() -> None:
    with pytest.raises(TooShort, match="20 Hz"):
        analyse_tone(np.zeros(9600), RATE, 20.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_capture_with_nan_is_refused(bad: float) -> None:
    x = tone(0.2, 1000.0, 0.5, 0.01)
    x[77] = bad
    with pytest.raises(NotFinite):
        analyse_tone(x, RATE, 1000.0)


def test_no_tone_is_found_in_noise() -> None:
    with pytest.raises(ToneNotFound):
        find_frequency(np.random.default_rng(6).standard_normal(RATE), RATE)
