"""What a loopback allows to be claimed, and its analysis against interfaces of known faults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drivers.catalog import CATALOG
from station.analysis.errors import CaptureError, Clipped, Silent, ToneNotFound
from station.analysis.loopback import Loop, analyse_loop, chord, nothing, tones
from station.analysis.stimuli import Frames
from station.doctor.interface import interface_of
from station.domain.calibration import Loopback
from station.metrology.loopback import least_db, own_thd_db, too_poor
from station.settings.loading import load
from station.settings.tree import Tree
from station.steps.catalog import STEPS

RATE, PEAK, LATE = 48000, 0.9, 144
ROOT = Path(__file__).resolve().parents[2]


def interface(frames: Frames, h2: float, noise: float, right: float, seed: int = 1) -> Frames:
    """Second harmonic and white noise of its own (rms), the right channel weaker, everything late."""
    x = np.roll(frames.astype(np.float64), LATE, axis=0) * [1.0, right]
    x = x + 2.0 * h2 / PEAK * (x * x - np.mean(x * x, axis=0))
    return (x + np.random.default_rng(seed).normal(0.0, noise, x.shape)).astype(np.float32)


def looped(h2_db: float = -100.0, noise_db: float = -105.0, right: float = 0.99) -> Loop:
    h2, noise = 10.0 ** (h2_db / 20.0), 10.0 ** (noise_db / 20.0) / np.sqrt(2.0) * np.sqrt(24000.0 / 19980.0)
    heard = [interface(played, h2, noise, right) for played in (tones(RATE, PEAK), chord(RATE), nothing(RATE))]
    return analyse_loop(RATE, PEAK, *heard)


def test_distortion_noise_match_response_and_lateness_are_found() -> None:
    found = looped()
    assert found.left.thd_db == pytest.approx(-100.0, abs=0.05) and not found.left.thd_is_bound
    assert found.left.noise_db == pytest.approx(-105.0, abs=0.15)
    assert found.match_db == pytest.approx(-20.0 * np.log10(0.99), abs=1e-3)
    assert found.latency_s == LATE / RATE
    assert found.left.response_db < 0.002 and found.left.crosstalk_db < -120.0


def test_what_is_under_the_floor_is_a_bound() -> None:
    found = looped(h2_db=-160.0, noise_db=-90.0)
    assert found.left.thd_is_bound and -140.0 < found.left.thd_db < -100.0


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda x: np.clip(3.0 * x, -1.0, 1.0), Clipped),
        (lambda x: x * 0.0, Silent),
        (lambda x: x[:, ::-1], ToneNotFound),
        (lambda x: x * np.nan, CaptureError),
    ],
)
def test_a_wrong_cable_is_an_error_and_no_figure(change: object, error: type[Exception]) -> None:
    assert callable(change)
    heard = [change(played).astype(np.float32) for played in (tones(RATE, PEAK), chord(RATE), nothing(RATE))]
    with pytest.raises(error):
        analyse_loop(RATE, PEAK, *heard)


def test_a_limit_of_a_tenth_of_a_per_cent_needs_minus_86_db() -> None:
    assert least_db(0.1) == pytest.approx(-86.02, abs=0.01)
    limits = {"thd_percent of a": 0.1, "thd_percent of b": 1.0}
    assert too_poor(-86.1, limits) == ()
    told = too_poor(-80.0, limits)
    assert len(told) == 1 and "thd_percent of a of 0.1 % by up to 10 %; below -86.0 dB" in told[0]


def test_the_worse_of_settings_and_loopback_is_claimed() -> None:
    assert own_thd_db(-105.0, None) == -105.0
    assert own_thd_db(-105.0, Loopback(-95.0, -110.0)) == -95.0
    assert own_thd_db(-105.0, Loopback(-120.0, -110.0)) == -105.0


@pytest.fixture(scope="module")
def tree() -> Tree:
    return load(ROOT / "config", STEPS, CATALOG)


def test_doctor_and_check_hold_the_interface_against_the_products(tree: Tree) -> None:
    assert interface_of(tree).good and "its loopback is not on record" in interface_of(tree).words
    audio = replace(tree.station.audio, settings=replace(tree.station.audio.settings, own_thd_db=-67.0))
    strictest = {name: tree.products[name] for name in ("example-a-100",)}
    poor = interface_of(replace(tree, products=strictest, station=replace(tree.station, audio=audio)))
    assert not poor.good and "thd_percent of example-a-100 of 0.1 % by up to 45 %" in poor.words
    assert "calibrate audio --loopback" in poor.remedy
