"""Sanity of captures, noise levels and weighting, latency and stimuli."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.analysis import levels, stimuli
from station.analysis.errors import CaptureError, Clipped, DcOnly, NotFinite, Silent, TooShort
from station.analysis.latency import onset_latency
from station.analysis.noise import a_weighting, analyse_noise

RATE = 48000
SINE = np.sin(2 * np.pi * 1000 * np.arange(4800) / RATE)


@pytest.mark.parametrize(
    ("x", "error"),
    [
        (SINE[:100], TooShort),
        (np.where(np.arange(4800) == 9, np.nan, SINE), NotFinite),
        (np.clip(1.5 * SINE, -1.0, 1.0), Clipped),
        (np.zeros(4800), Silent),
        (1e-7 * SINE, Silent),
        (np.full(4800, 0.2), DcOnly),
    ],
)
def test_what_cannot_be_analysed_says_why(x: levels.Array, error: type[CaptureError]) -> None:
    with pytest.raises(error):
        levels.require_usable(x, 1000, floor=1e-6)


def test_a_tone_just_under_full_scale_is_usable() -> None:
    levels.require_usable(0.999 * SINE, 1000, floor=1e-6)
    assert not levels.clipped(0.999 * SINE)


def test_two_full_scale_samples_are_not_yet_clipping() -> None:
    x = np.zeros(100)
    x[10:12] = 1.0
    assert not levels.clipped(x)
    x[12] = 1.0
    assert levels.clipped(x)


@pytest.mark.parametrize(
    ("frequency_hz", "gain_db"),
    [(20, -50.5), (50, -30.2), (100, -19.1), (500, -3.2), (1000, 0.0), (2500, 1.3), (10000, -2.5), (20000, -9.3)],
)
def test_a_weighting_follows_the_table_of_iec_61672(frequency_hz: float, gain_db: float) -> None:
    exact_hz = 1000.0 * 10 ** (round(10 * math.log10(frequency_hz / 1000)) / 10)  # what the nominal name stands for
    gain = a_weighting(np.array([exact_hz]))[0]
    assert 20 * math.log10(gain) == pytest.approx(gain_db, abs=0.06)


def test_white_noise_is_read_flat_within_its_uncertainty() -> None:
    x = 1e-4 * np.random.default_rng(1).standard_normal(RATE) + 0.01
    truth = 1e-4 * math.sqrt(19980 / 24000)
    found = analyse_noise(x, RATE)
    assert abs(found.flat - truth) < 1.5 * found.flat_u
    assert found.flat_u < 0.02 * found.flat
    weights = a_weighting(np.arange(20.0, 20000.0)) ** 2
    assert found.a_weighted == pytest.approx(truth * math.sqrt(weights.mean()), rel=0.03)


def test_hum_is_read_with_the_weight_of_its_frequency() -> None:
    x = 1e-3 * math.sqrt(2.0) * np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE)
    found = analyse_noise(x, RATE)
    assert found.flat == pytest.approx(1e-3, rel=1e-6)
    assert 20 * math.log10(found.a_weighted / found.flat) == pytest.approx(-19.1, abs=0.1)


def test_noise_of_a_blink_is_too_short() -> None:
    with pytest.raises(TooShort):
        analyse_noise(np.zeros(RATE // 20), RATE)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2000), st.floats(0.01, 0.5))
def test_latency_is_found_from_the_onset(delay: int, gain: float) -> None:
    source = stimuli.tone(RATE, RATE, 1000.0, (1.0, 0.0), 960)[:, 0]
    captured = np.concatenate((np.zeros(delay, dtype=np.float32), gain * source))[:RATE]
    found = onset_latency(captured, source, slice(RATE // 4, RATE // 2))
    assert found == pytest.approx(delay, abs=6.0)


def test_a_silent_capture_has_no_latency() -> None:
    source = stimuli.tone(RATE, RATE, 1000.0, (1.0, 0.0), 960)[:, 0]
    assert onset_latency(np.zeros(RATE), source, slice(RATE // 4, RATE // 2)) is None


def test_a_tone_starts_and_ends_smoothly() -> None:
    frames = stimuli.tone(9600, RATE, 1000.0, (0.5, 0.25), 960)
    assert frames.shape == (9600, 2) and frames.dtype == np.float32
    assert np.abs(frames[:20]).max() < 0.001 and np.abs(frames[-20:]).max() < 0.001
    assert np.abs(frames[2000:4000]).max(axis=0) == pytest.approx([0.5, 0.25], rel=1e-3)


def test_a_period_repeats_without_a_seam() -> None:
    period = stimuli.whole_period(480, RATE, 1000.0, (0.5, 0.5))
    twice = np.concatenate((period, period))[:, 0]
    assert twice == pytest.approx(0.5 * np.sin(2 * np.pi * 1000 * np.arange(960) / RATE), abs=1e-7)


def test_a_period_that_does_not_repeat_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 100 Hz"):
        stimuli.whole_period(480, RATE, 997.0, (0.5, 0.5))


def test_hum_does_not_pass_for_scatter() -> None:
    random = np.random.default_rng(2)
    hum = 1e-2 * math.sqrt(2.0) * np.sin(2 * np.pi * 100 * np.arange(RATE // 2) / RATE)
    truth = math.sqrt(1e-4 + 1e-6 * 19980 / 24000)
    inside = 0
    for _ in range(60):
        found = analyse_noise(hum + 1e-3 * random.standard_normal(hum.size), RATE)
        inside += abs(found.flat - truth) <= found.flat_u
    assert found.flat_u < 0.003 * found.flat
    assert inside >= 53
