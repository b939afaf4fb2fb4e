"""Silences in a running tone: up to 40 ms never, from 60 ms always, wherever they lie and however frames arrive."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.analysis.envelope import Silence, SilenceFinder, block_power
from station.analysis.fold import Folder

RATE = 48000
FLOOR = 1e-10
PERIOD = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(48) / RATE)


def envelope(seconds: float, silences: list[tuple[float, float]], level: float = 1.0) -> np.ndarray:
    """Block powers of a tone with silences cut to the frame, noise 90 dB under it."""
    x = level * np.resize(PERIOD, round(seconds * RATE))
    for start_s, length_s in silences:
        x[round(start_s * RATE) : round((start_s + length_s) * RATE)] = 0.0
    x = x + level * 1e-5 * np.random.default_rng(1).standard_normal(x.size)
    return np.asarray(block_power(np.stack((x, x), axis=1), 48)[:, 0])


def found_in(power: np.ndarray, pushes: list[int], reference_s: float = 60.0) -> tuple[list[Silence], float]:
    finder, at, found = SilenceFinder(FLOOR, reference_s=reference_s), 0, []
    for size in [*pushes, power.size]:
        found += finder.push(power[at : at + size])
        at += size
    return found, finder.open_s


@pytest.mark.parametrize("reference_s", [60.0, 1.0])
@pytest.mark.parametrize(
    ("start_s", "length_s"),
    [(0.0, 0.06), (0.0, 0.1), (0.9995, 0.06), (0.95, 0.1), (1.0, 0.06), (1.94, 0.06), (2.9, 0.1), (2.94, 0.06)],
)
def test_a_silence_of_60_ms_or_more_is_always_found(start_s: float, length_s: float, reference_s: float) -> None:
    found, open_s = found_in(envelope(3.0, [(start_s, length_s)]), [1000, 1000], reference_s)
    if start_s + length_s >= 2.9999:
        assert (found, open_s) == ([], pytest.approx(length_s, abs=0.002))
    else:
        assert open_s == 0.0
        assert [(s.start_s, s.length_s) for s in found] == [pytest.approx((start_s, length_s), abs=0.001)]


@pytest.mark.parametrize("start_s", [0.0, 0.5, 0.9803, 0.98, 1.0, 1.93, 2.9])
def test_a_silence_of_40_ms_is_never_reported(start_s: float) -> None:
    assert found_in(envelope(3.0, [(start_s, 0.04)]), [1000, 1000], 1.0)[0] == []


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.0, 2.8),
    st.one_of(st.floats(0.001, 0.04), st.floats(0.06, 0.19)),
    st.lists(st.integers(1, 900), max_size=6),
    st.sampled_from([60.0, 0.5, 2.0]),
)
def test_wherever_it_lies_and_however_the_frames_arrive(
    start_s: float, length_s: float, pushes: list[int], reference_s: float
) -> None:
    found, open_s = found_in(envelope(3.0, [(start_s, length_s)]), pushes, reference_s)
    assert open_s <= 0.002
    assert len(found) == (1 if length_s >= 0.06 else 0)
    for silence in found:
        assert silence.start_s == pytest.approx(start_s, abs=0.001)
        assert silence.length_s == pytest.approx(length_s, abs=0.001)


def test_each_silence_is_reported_once_though_the_first_minute_is_judged_again() -> None:
    power = envelope(4.0, [(0.0, 0.1), (1.5, 0.2), (3.2, 0.1)])
    found, _ = found_in(power, [200] * 19, 60.0)
    assert [round(s.start_s, 2) for s in found] == [0.0, 1.5, 3.2]


def test_an_open_silence_grows_until_it_ends() -> None:
    power = envelope(9.0, [(1.25, 7.0)])
    finder, grown = SilenceFinder(FLOOR, reference_s=1.0), []
    for second in range(8):
        assert finder.push(power[1000 * second : 1000 * (second + 1)]) == ()
        grown.append(round(finder.open_s, 2))
    assert grown == [0.0, 0.75, 1.75, 2.75, 3.75, 4.75, 5.75, 6.75]
    (ended,) = finder.push(power[8000:])
    assert (ended.start_s, ended.length_s) == pytest.approx((1.25, 7.0), abs=0.001)
    assert finder.open_s == 0.0


def test_twenty_decibels_down_is_silent_and_eighteen_is_not() -> None:
    loud = np.full(2000, 0.1)
    for drop_db, expected in ((21.0, 1), (18.0, 0)):
        power = loud.copy()
        power[1200:1400] *= 10 ** (-drop_db / 10)
        assert len(found_in(power, [], 1.0)[0]) == expected


def test_a_channel_that_never_speaks_is_silent_from_the_start() -> None:
    finder = SilenceFinder(FLOOR)
    assert finder.push(np.full(3000, 1e-12)) == ()
    assert finder.open_s == pytest.approx(3.0)


def test_a_channel_that_dies_in_its_second_second_is_silent_from_there() -> None:
    finder = SilenceFinder(FLOOR)
    power = envelope(3.0, [(1.2, 1.8)])
    for second in range(3):
        finder.push(power[1000 * second : 1000 * (second + 1)])
    for _ in range(70):
        finder.push(np.full(1000, 1e-11))
    assert finder.open_s == pytest.approx(71.8, abs=0.002)


def test_folding_finds_level_and_thd_of_a_second() -> None:
    time = np.arange(RATE) / RATE
    for thd in (3e-5, 1e-3):
        left = 0.4 * np.sin(2 * np.pi * 1000 * time) + 0.4 * thd * np.cos(2 * np.pi * 3000 * time)
        frames = np.stack((left, 0.5 * left), axis=1)
        frames += 2e-6 * np.random.default_rng(2).standard_normal(frames.shape)
        for scale, second in zip((1.0, 0.5), Folder(480, 10).fold(frames.astype(np.float32)), strict=True):
            assert 20 * np.log10(second.amplitude / (0.4 * scale)) == pytest.approx(0.0, abs=0.0002)
            assert second.thd == pytest.approx(thd, rel=0.03)
            assert second.thd_u < 0.05 * thd


def test_folding_noise_alone_gives_a_bound_and_no_number_from_nowhere() -> None:
    frames = 1e-4 * np.random.default_rng(3).standard_normal((RATE, 2))
    frames[:, 0] += 0.1 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    second, _ = Folder(480, 10).fold(frames.astype(np.float32))
    assert second.thd + second.thd_u < 1e-4
