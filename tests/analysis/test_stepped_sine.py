"""The stepped sine through a channel of known response."""

from __future__ import annotations

import math

import numpy as np
import pytest

from station.analysis.errors import NotFinite, TooShort
from station.analysis.latency import sweep_latency
from station.analysis.levels import Array
from station.analysis.stepped import analyse_sweep
from station.analysis.sweep import plan_sweep, render_sweep

RATE = 48000
THIRDS: tuple[float, ...] = (
    20, 25, 31.5, 40, 50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500,
    3150, 4000, 5000, 6300, 8000, 10000, 12500, 16000, 20000,
)  # fmt: skip
SWEEP = plan_sweep(THIRDS, RATE)


def coupled(x: Array, corner_hz: float, late: float = 0.0) -> Array:
    """A first-order high-pass, exactly, by its transform over a padded capture, and a delay in frames; converters that
    are flat up to 0.45 of the rate ring on either side of every change."""
    padded = np.concatenate((x, np.zeros(x.size)))
    f = np.fft.rfftfreq(padded.size, 1 / RATE)
    gain = 1j * f / (1j * f + corner_hz) * np.exp(-2j * np.pi * f * late / RATE)
    gain *= np.cos(np.pi / 2 * np.clip((f / RATE - 0.45) / 0.05, 0.0, 1.0)) ** 2
    return np.asarray(np.fft.irfft(np.fft.rfft(padded) * gain, padded.size)[: x.size])


def leaking(corner_hz: float, leak: float, *, late: float = 0.0, seed: int = 1) -> tuple[Array, Array]:
    """What two inverting amplifiers of 0.3 make of a sweep with as much leak between them, SNR 95 dB; the source."""
    source = np.zeros((SWEEP.frames + 1000, 2))
    source[: SWEEP.frames] = render_sweep(SWEEP, (0.3, 0.3))
    noise = 0.3 / math.sqrt(2.0) * 10 ** (-95 / 20) * np.random.default_rng(seed).standard_normal(source.shape)
    heard = np.stack([coupled(-source[:, c] - leak * source[:, 1 - c], corner_hz, late) for c in (0, 1)], axis=1)
    return heard + noise, source


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


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
def test_31_third_octaves_take_at_most_2_1_seconds(rate_hz: int) -> None:
    assert plan_sweep(tuple(f for f in THIRDS if f < 0.45 * rate_hz), rate_hz).frames <= 2.1 * rate_hz


@pytest.mark.parametrize("corner_hz", [1.0, 4.0, 20.0])
def test_crosstalk_both_ways_is_seen_at_every_frequency_whatever_the_coupling(corner_hz: float) -> None:
    heard, _ = leaking(corner_hz, 10 ** (-70 / 20))
    for steps in analyse_sweep(heard, SWEEP):
        for f, step in zip(THIRDS, steps, strict=True):
            assert step.leak is not None
            assert 20 * math.log10(step.leak / step.amplitude) == pytest.approx(-70.0, abs=0.2), f"{f} Hz"


@pytest.mark.parametrize("late", [0.0, 143.7])
def test_the_latency_is_found_and_the_phase_is_the_channels_own(late: float) -> None:
    heard, source = leaking(4.0, 1e-3, late=late)
    latency = sweep_latency(heard, source, RATE, 5000)
    assert latency == pytest.approx(late, abs=1.0)
    for steps in analyse_sweep(heard, SWEEP, latency or 0):
        for f, step in zip(THIRDS, steps, strict=True):
            truth = math.atan2(4.0, f) - math.pi  # a coupling capacitor leads, an inverting stage turns round
            assert abs(turned(step.phase_rad - truth)) < math.radians(0.1), f"{f} Hz"


def turned(angle: float) -> float:
    """The angle in (-pi, pi]."""
    return math.pi - (math.pi - angle) % (2.0 * math.pi)


def test_what_is_not_the_sweep_has_no_latency() -> None:
    heard, source = leaking(4.0, 1e-3)
    noise = np.random.default_rng(2).standard_normal(source.shape)
    hum = np.repeat(np.sin(2 * np.pi * 50 / RATE * np.arange(len(source)))[:, None], 2, axis=1)
    for other in (noise, 0.0 * noise, hum, heard[:, ::-1]):
        assert sweep_latency(other, source, RATE, 5000) is None
    heard[:, 0] = 1e-4 * noise[:, 0]
    assert sweep_latency(heard, source, RATE, 5000) == 0, "one dead channel is no reason"


def test_a_leak_that_falls_on_a_harmonic_is_not_told() -> None:
    """80 Hz of the one channel is the fourth harmonic of the other's 20 Hz: nobody can say whose it is."""
    sweep = plan_sweep((20.0, 40.0, 80.0), RATE)
    captured = render_sweep(sweep, (0.3, 0.3)).astype(np.float64)
    left, right = analyse_sweep(captured + 1e-3 * captured[:, ::-1], sweep)
    assert right[2].leak is None, "80 Hz right plays while left plays 20 Hz"
    assert left[0].leak == pytest.approx(0.3e-3, rel=0.02) and left[0].thd is None


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
