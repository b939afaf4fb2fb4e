"""The stepped sine through a channel of known response."""

from __future__ import annotations

import math

import numpy as np
import pytest

from station.analysis.errors import NotFinite, TooShort
from station.analysis.levels import Array
from station.analysis.stepped import analyse_sweep, plan_sweep, render_sweep

RATE = 48000
THIRDS = (
    20, 25, 31.5, 40, 50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500,
    3150, 4000, 5000, 6300, 8000, 10000, 12500, 16000, 20000,
)  # fmt: skip


def coupled(x: Array, corner_hz: float) -> Array:
    """A first-order high-pass, exactly, by its transform over a padded capture."""
    padded = np.concatenate((x, np.zeros(x.size)))
    f = np.fft.rfftfreq(padded.size, 1 / RATE)
    gain = 1j * f / (1j * f + corner_hz)
    return np.asarray(np.fft.irfft(np.fft.rfft(padded) * gain)[: x.size])


@pytest.mark.parametrize("latency", [0, 240])
def test_the_response_behind_a_coupling_capacitor_is_right_to_a_thousandth(latency: int) -> None:
    sweep = plan_sweep(THIRDS, RATE)
    source = render_sweep(sweep, (0.3, 0.1)).astype(np.float64)
    captured = np.zeros((sweep.frames + latency, 2))
    for c in (0, 1):
        captured[latency:, c] = coupled(source[:, c], 4.0) + 10 ** (-50 / 20) * source[:, 1 - c]
    for c, steps in enumerate(analyse_sweep(captured, sweep, latency)):
        for f, step in zip(THIRDS, steps, strict=True):
            truth = (0.3, 0.1)[c] / math.hypot(1.0, 4.0 / f)
            assert 20 * math.log10(step.amplitude / truth) == pytest.approx(0.0, abs=0.001), f"{f} Hz"


def test_the_whole_sweep_takes_at_most_four_seconds() -> None:
    assert plan_sweep(THIRDS, RATE).frames <= 4 * RATE


def test_noise_shows_in_the_uncertainty() -> None:
    sweep = plan_sweep((1000.0, 2000.0, 4000.0), RATE)
    random = np.random.default_rng(1)
    inside = 0
    for _ in range(30):
        captured = render_sweep(sweep, (0.3, 0.3)) + 0.01 * random.standard_normal((sweep.frames, 2))
        for steps in analyse_sweep(captured, sweep):
            inside += sum(abs(step.amplitude - 0.3) <= step.amplitude_u for step in steps)
    assert inside >= 0.9 * 180


@pytest.mark.parametrize("frequencies", [(1000.0,), (1000.0, 1000.0), (20000.0, 20.0, 1000.0)])
def test_any_order_and_number_of_frequencies_works(frequencies: tuple[float, ...]) -> None:
    sweep = plan_sweep(frequencies, RATE)
    for steps in analyse_sweep(render_sweep(sweep, (0.3, 0.3)), sweep):
        assert [step.amplitude for step in steps] == pytest.approx([0.3] * len(frequencies), rel=1e-3)


@pytest.mark.parametrize("frequencies", [(), (1.0,), (23000.0,)])
def test_frequencies_out_of_range_are_refused(frequencies: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"Hz|at least one"):
        plan_sweep(frequencies, RATE)


def test_a_capture_that_ends_early_or_holds_nan_is_refused() -> None:
    sweep = plan_sweep((1000.0, 2000.0), RATE)
    captured = render_sweep(sweep, (0.3, 0.3))
    with pytest.raises(TooShort):
        analyse_sweep(captured[:-2000], sweep)
    captured[100] = math.nan
    with pytest.raises(NotFinite):
        analyse_sweep(captured, sweep)


def test_distortion_over_frequency_is_that_of_the_channel_and_none_in_noise_alone() -> None:
    """y = x + k x² has h2 = k a / 2 of the fundamental; 100 dB of signal over noise in 20 kHz, crosstalk at -60 dB."""
    sweep = plan_sweep(THIRDS, RATE)
    source = render_sweep(sweep, (0.3, 0.3)).astype(np.float64)
    noise = 0.3e-5 * np.random.default_rng(5).standard_normal(source.shape)
    bent = source + 0.002 * source**2
    captured = np.stack([coupled(bent[:, c] + 0.001 * bent[:, 1 - c], 4.0) for c in (0, 1)], axis=1) + noise
    for steps in analyse_sweep(captured, sweep):
        for f, step in zip(THIRDS, steps, strict=True):
            if 2 * f > 0.45 * RATE:
                assert step.thd is None, "no room for a harmonic"
            else:
                truth = 0.002 * 0.3 / 2 * math.hypot(1.0, 4.0 / f) / math.hypot(1.0, 2.0 / f)
                assert step.thd == pytest.approx(truth, rel=0.03), f"{f} Hz"
    for steps in analyse_sweep(source + 100 * noise, sweep):
        assert sum(step.thd is not None for step in steps) <= 2, "noise alone is no distortion"
