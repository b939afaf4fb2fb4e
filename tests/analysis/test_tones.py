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


def tone(
    seconds: float, frequency_hz: float, amplitude: float, thd: float, dc: float = 0.0, rate_hz: int = RATE
) -> Array:
    """Harmonics 2 to 10 at 1/k, as far as Nyquist, with the given THD."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    orders = [k for k in range(2, 11) if k * frequency_hz < rate_hz / 2 - 200]
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


def test_a_clean_thd_from_a_thousandth_to_one_per_cent_is_right_at_any_offset() -> None:
    random = np.random.default_rng(7)
    for rate_hz in (44100, 48000, 96000):
        for f, thd_db in zip(random.uniform(60.0, 9000.0, 8), random.uniform(-100.0, -40.0, 8), strict=True):
            x = tone(0.25, float(f), 0.5, 10 ** (thd_db / 20), dc=0.01, rate_hz=rate_hz)
            found = analyse_tone(x, rate_hz, find_frequency(x, rate_hz))
            assert db(found.thd) == pytest.approx(thd_db, abs=0.0005)


def test_at_an_snr_of_100_db_thd_scatters_little_more_than_noise_must() -> None:
    """The goal is 0.08 ppm, with hum 0.10 ppm at -120 dB; the bound 0.05 ppm. Many seeds: bench_tones.py."""
    time = np.arange(RATE) / RATE
    noise = 0.5 / math.sqrt(2.0) * 1e-5 * math.sqrt(RATE / 2 / 20000)
    hum = 0.5 * 10 ** (-70 / 20) * np.sin(2 * np.pi * 50 * time)
    for thd, extra, goal in ((1e-5, 0.0 * hum, 0.08e-6), (1e-6, hum, 0.10e-6)):
        clean = tone(1.0, 997.37, 0.5, thd) + extra
        errors = []
        for seed in range(8):
            x = clean + noise * np.random.default_rng(seed).standard_normal(RATE)
            errors.append(analyse_tone(x, RATE, find_frequency(x, RATE)).thd - thd)
        assert math.sqrt(sum(e * e for e in errors) / len(errors)) <= goal


@pytest.mark.parametrize("thd_n_db", [-110.0, -90.0, -60.0])
def test_thd_n_is_right_down_to_minus_110_db_off_bin_and_with_dc(thd_n_db: float) -> None:
    """Half of the power harmonics, half noise; the truth is the noise that was drawn, in 20 Hz to 20 kHz."""
    residual = 0.5 / math.sqrt(2.0) * 10 ** (thd_n_db / 20)
    noise = np.random.default_rng(8).standard_normal(RATE)
    spectrum = np.fft.rfft(noise)
    spectrum[:20] = spectrum[20001:] = 0.0
    noise = np.fft.irfft(spectrum)
    noise *= residual / math.sqrt(2.0) / math.sqrt(float(noise @ noise) / RATE)
    x = tone(1.0, 997.37, 0.5, 10 ** (thd_n_db / 20) / math.sqrt(2.0), dc=0.05) + noise
    found = analyse_tone(x, RATE, find_frequency(x, RATE))
    truth_db = thd_n_db - 10.0 * math.log10(1.0 + 10 ** (thd_n_db / 10))
    assert db(found.thd_n) == pytest.approx(truth_db, abs=0.05)
    assert found.noise == pytest.approx(residual / math.sqrt(2.0), rel=0.006)


def test_hum_ten_bins_from_a_harmonic_does_not_leak_into_it() -> None:
    time = np.arange(RATE) / RATE
    x = tone(1.0, 20.3, 0.5, 1e-4) + 0.5 * 10 ** (-50 / 20) * np.sin(2 * np.pi * 50 * time + 1.0)
    assert db(analyse_tone(x, RATE, 20.3).thd) == pytest.approx(-80.0, abs=0.001)


def test_five_cycles_are_enough() -> None:
    x = tone(0.25, 20.5, 0.5, 0.003, dc=0.01)
    frequency_hz = find_frequency(x, RATE)
    found = analyse_tone(x, RATE, frequency_hz)
    assert frequency_hz == pytest.approx(20.5, abs=1e-6)
    assert found.thd == pytest.approx(0.003, rel=1e-4)
    assert found.amplitude == pytest.approx(0.5, rel=1e-6)


def test_a_found_frequency_lies_within_its_uncertainty() -> None:
    random = np.random.default_rng(9)
    clean, inside = tone(0.2, 997.37, 0.5, 1e-3), 0
    for _ in range(60):
        x = clean + 5e-4 * random.standard_normal(clean.size)
        found = analyse_tone(x, RATE, find_frequency(x, RATE))
        inside += abs(found.frequency_hz - 997.37) <= found.frequency_u_hz
    assert inside >= 52
    assert found.frequency_u_hz < 1e-2


def test_a_tone_without_room_for_harmonics_has_no_bound_on_its_distortion() -> None:
    found = analyse_tone(tone(0.2, 15000.0, 0.5, 0.01), RATE, 15000.0)
    assert found.harmonics == found.harmonics_u == (None,) * 9
    assert found.thd_u == math.inf
    assert math.isfinite(found.thd_n) and math.isfinite(found.thd_n_u)


def test_a_harmonic_under_the_floor_has_a_bound_that_holds() -> None:
    x = tone(0.5, 1000.0, 0.5, 1e-6) + 1e-3 * np.random.default_rng(10).standard_normal(RATE // 2)
    found = analyse_tone(x, RATE, 1000.0, last_harmonic=5)
    assert len(found.harmonics) == len(found.harmonics_u) == 4
    unseen = [u for h, u in zip(found.harmonics, found.harmonics_u, strict=True) if h is None]
    assert unseen and all(u is not None and 1e-6 < u < 1e-3 for u in unseen)


def test_thd_of_the_total_is_the_other_form() -> None:
    found = analyse_tone(tone(0.2, 1000.0, 0.5, 0.5), RATE, 1000.0)
    assert found.thd == pytest.approx(0.5)
    assert found.thd_of_total == pytest.approx(0.5 / math.sqrt(1.25))


def test_a_tone_beside_nyquist_is_refused() -> None:
    with pytest.raises(ToneNotFound, match="Nyquist"):
        analyse_tone(tone(0.2, 23999.0, 0.5, 0.0), RATE, 23999.0)
