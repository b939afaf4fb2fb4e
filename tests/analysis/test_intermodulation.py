"""Intermodulation of a polynomial, whose products are known from trigonometry."""

from __future__ import annotations

import math

import numpy as np
import pytest

from station.analysis.errors import NotFinite, ToneNotFound, TooShort
from station.analysis.intermodulation import (
    CCIF_HZ,
    CCIF_SHARES,
    SMPTE_HZ,
    SMPTE_SHARES,
    analyse_ccif,
    analyse_smpte,
    two_tones,
)
from station.analysis.levels import Array

RATE = 48000


def bent(low_hz: float, high_hz: float, low: float, high: float, a2: float, a3: float, noise: float = 0.0) -> Array:
    """x + a2 x^2 + a3 x^3 of two cosines, half a second with DC."""
    t = np.arange(RATE // 2) / RATE
    x = low * np.cos(2 * np.pi * low_hz * t + 0.4) + high * np.cos(2 * np.pi * high_hz * t + 1.1)
    return np.asarray(x + a2 * x**2 + a3 * x**3 + noise * np.random.default_rng(3).standard_normal(t.size))


@pytest.mark.parametrize(("a2", "a3"), [(1e-2, 2e-2), (1e-4, 0.0), (0.0, 1e-3)])
def test_smpte_reads_the_sidebands_of_a_polynomial(a2: float, a3: float) -> None:
    low, high = 0.4, 0.1
    found = analyse_smpte(bent(*SMPTE_HZ, low, high, a2, a3), RATE)
    carrier = high * (1 + a3 * (0.75 * high**2 + 1.5 * low**2))
    assert found.high == pytest.approx(carrier, rel=1e-9)
    assert found.second == pytest.approx(2 * a2 * low * high / carrier, rel=1e-6, abs=1e-9)
    assert found.third == pytest.approx(2 * 0.75 * a3 * low**2 * high / carrier, rel=1e-6, abs=1e-9)
    assert found.total == pytest.approx(math.hypot(found.second, found.third))


@pytest.mark.parametrize(("a2", "a3"), [(1e-2, 2e-2), (1e-4, 0.0)])
def test_ccif_reads_the_difference_tone_and_the_pair_beside(a2: float, a3: float) -> None:
    low = high = 0.25
    found = analyse_ccif(bent(*CCIF_HZ, low, high, a2, a3), RATE)
    tone = high * (1 + a3 * (0.75 * high**2 + 1.5 * low**2))
    assert found.second == pytest.approx(a2 * low * high / (2 * tone), rel=1e-6, abs=1e-9)
    assert found.third == pytest.approx(2 * 0.75 * a3 * low**2 * high / (2 * tone), rel=1e-6, abs=1e-9)


def test_products_under_the_noise_are_a_bound_that_holds() -> None:
    found = analyse_smpte(bent(*SMPTE_HZ, 0.4, 0.1, 1e-6, 0.0, noise=1e-3), RATE)
    assert found.second == 0.0 and found.second_u > 2e-6 * 0.4
    assert found.total <= found.total_u


def test_in_noise_the_truth_lies_within_the_uncertainty() -> None:
    found = analyse_ccif(bent(*CCIF_HZ, 0.25, 0.25, 1e-2, 1e-2, noise=1e-4), RATE)
    assert abs(found.second - 1e-2 * 0.25**2 / (2 * found.high)) < 1.5 * found.second_u
    assert 0.0 < found.third_u < 0.1 * found.third


def test_the_stimuli_have_their_shares_and_a_smooth_start() -> None:
    frames = two_tones(RATE, RATE, SMPTE_HZ, 0.5, SMPTE_SHARES, 960)
    assert frames.shape == (RATE, 2) and np.abs(frames[:10]).max() < 1e-3
    found = analyse_smpte(frames[RATE // 4 : -RATE // 4, 0], RATE)
    assert (found.low, found.high) == (pytest.approx(0.4, rel=1e-5), pytest.approx(0.1, rel=1e-5))
    twins = two_tones(RATE, RATE, CCIF_HZ, 0.5, CCIF_SHARES, 960)
    assert np.abs(twins).max() <= 0.5


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(TooShort, match="at least 4800"):
        analyse_smpte(np.zeros(1000), RATE)
    with pytest.raises(ToneNotFound, match="7000 Hz"):
        analyse_smpte(np.sin(2 * np.pi * 60 / RATE * np.arange(RATE // 2)) + bent(900, 950, 0, 0, 0, 0, 1e-4), RATE)
    with pytest.raises(NotFinite):
        analyse_ccif(np.full(RATE, np.nan), RATE)
    with pytest.raises(ValueError, match="Nyquist"):
        analyse_ccif(np.zeros(RATE), 40000)
