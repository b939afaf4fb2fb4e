"""Whole recordings against known truth: every figure within its uncertainty, what is under the floor as a bound."""

from __future__ import annotations

import itertools
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from station.analysis import recording
from station.analysis.errors import (
    CaptureError,
    Clipped,
    DcOnly,
    NotFinite,
    Silent,
    ToneNotFound,
    TooShort,
    WrongChannel,
    WrongRate,
)
from station.analysis.recording import (
    STRETCH_FRAMES,
    ChannelFigures,
    ChannelTally,
    Figure,
    smooth_length,
    stretches,
)
from station.analysis.tone_places import find_tones
from station.cli.analyze import Choice, document, run_analyze
from station.cli.analyze_view import words
from station.domain.errors import SettingsError
from tests.analysis.known_recordings import Truth, Wave, wave

SHORT = 1 << 15
NAMES = ("frequency_hz", "level_dbfs", "dc_fs", "thd_percent", "thd_n_percent", "snr_db", "hum_dbc")


def analysed(
    x: Wave, rate_hz: int, bits: int | None = None, last: int = 10, near_hz: float | None = None
) -> ChannelFigures:
    parts = stretches(x.size)
    first, end = parts[len(parts) // 2]
    tally = ChannelTally(rate_hz, bits, last, find_tones(x[first:end, None], rate_hz, ("mono",), near_hz)[0])
    for first, end in parts:
        tally.push(x[first:end])
    return tally.figures()


def named(found: ChannelFigures) -> dict[str, Figure]:
    orders = {f"h{k}": figure for k, figure in enumerate(found.harmonics_dbc, start=2)}
    return {**{name: getattr(found, name) for name in NAMES}, **orders}


def worst(found: ChannelFigures, truth: Truth, rate_hz: int, bits: int | None = None) -> dict[str, float]:
    """Error of every figure over its uncertainty; of a bound 0.0 where it holds and infinity where it does not."""
    assert found.error is None
    true = truth.figures(rate_hz, bits)
    over: dict[str, float] = {}
    for name, figure in named(found).items():
        value = true.get(name)
        if figure.value is None:
            side = -1.0 if name == "snr_db" else 1.0
            holds = value is None or side * value <= side * figure.uncertainty
            over[name] = 0.0 if holds else math.inf
        else:
            over[name] = math.inf if value is None else abs(figure.value - value) / figure.uncertainty
    return over


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000, 192000])
@pytest.mark.parametrize(
    ("frequency_hz", "thd_percent", "snr_db", "hum_dbc"),
    [
        (20.0, 1.0, 90.0, None),
        (63.0, 0.1, 100.0, -70.0),
        (997.37, 0.001, 120.0, -80.0),
        (1000.0, 10.0, 60.0, -50.0),
        (6301.9, 0.03, 110.0, None),
        (15000.0, 3.0, 80.0, -90.0),
    ],
)
def test_every_figure_lies_within_its_uncertainty(
    rate_hz: int, frequency_hz: float, thd_percent: float, snr_db: float, hum_dbc: float | None
) -> None:
    truth = Truth(frequency_hz, -6.0, 0.01, thd_percent, snr_db=snr_db, hum_dbc=hum_dbc, mains_hz=49.98, seed=5)
    over = worst(analysed(wave(truth, rate_hz, 0.5), rate_hz), truth, rate_hz)
    assert max(over.values()) < 2.5  # k=2: of these 384 figures some 18 lie a little outside
    assert sum(value > 1.0 for value in over.values()) <= 6


@pytest.mark.byhand
def test_of_a_thousand_random_recordings_about_19_of_20_figures_lie_inside() -> None:
    random = np.random.default_rng(11)
    inside: dict[str, list[bool]] = {}
    for seed in range(1000):
        rate_hz = int(random.choice([44100, 48000, 96000]))
        truth = Truth(
            20 * 750 ** random.random(), random.uniform(-30, -3), random.choice([0.0, 0.01]),
            10 ** random.uniform(-3, 1), snr_db=random.uniform(60, 120),
            hum_dbc=None if random.random() < 0.4 else random.uniform(-100, -40),
            mains_hz=random.choice([50, 60, 49.97, 60.03]), seed=seed,
        )  # fmt: skip
        for name, value in worst(
            analysed(wave(truth, rate_hz, random.choice([0.2, 0.5, 1.0])), rate_hz), truth, rate_hz
        ).items():
            inside.setdefault(name, []).append(value <= 1.0)
    shares = {name: sum(hits) / len(hits) for name, hits in inside.items()}
    print(shares)
    assert {name: share for name, share in shares.items() if share < 0.93} == {}


def test_a_clean_tone_is_exact_and_says_that_nothing_else_is_there() -> None:
    truth = Truth(1234.5678, -3.0, thd_percent=0.001)
    found = analysed(wave(truth, 48000, 1.0), 48000)
    assert found.thd_percent.value == pytest.approx(0.001, rel=1e-5)
    assert found.level_dbfs.value == pytest.approx(-3.0, abs=1e-7)
    assert found.frequency_hz.value == pytest.approx(1234.5678, abs=1e-8)
    assert found.hum_dbc.value is None and found.hum_dbc.uncertainty < -150
    assert found.snr_db.value is None and found.snr_db.uncertainty > 150


def test_hum_of_60_hz_is_told_from_50_and_its_frequency_is_read() -> None:
    truth = Truth(hum_dbc=-60.0, mains_hz=60.05, snr_db=90.0)
    found = analysed(wave(truth, 48000, 2.0), 48000)
    assert found.hum_dbc.value == pytest.approx(-60.0, abs=0.05)
    assert found.hum_hz == pytest.approx(60.05, abs=0.01)


def test_hum_that_coincides_with_the_tone_widens_what_it_may_hide_in() -> None:
    truth = Truth(50.0, thd_percent=0.01, hum_dbc=-60.0, mains_hz=60.0, snr_db=90.0)
    assert max(worst(analysed(wave(truth, 48000, 0.5), 48000), truth, 48000).values()) < 1.6
    hidden = Truth(100.0, thd_percent=0.01, hum_dbc=-60.0, mains_hz=50.0, snr_db=90.0)
    found = analysed(wave(hidden, 48000, 0.5), 48000)
    assert max(worst(found, hidden, 48000).values()) < 1.6
    assert found.thd_percent.uncertainty > 0.01
    alone = Truth(50.0, thd_percent=1.0, snr_db=90.0)  # whatever hums at 100 Hz lies in h2: the bound says so
    found = analysed(wave(alone, 48000, 0.5), 48000)
    assert found.hum_dbc.value is None and found.hum_dbc.uncertainty > -50.0


def test_a_long_recording_is_read_in_stretches_and_deeper_than_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "STRETCH_FRAMES", SHORT)
    truth = Truth(997.37, thd_percent=0.0003, snr_db=80.0, seed=8)
    x = wave(truth, 48000, 8.2 * SHORT / 48000)
    assert len(stretches(x.size)) == 9
    found = analysed(x, 48000)
    assert max(worst(found, truth, 48000).values()) < 2.0
    short = analysed(x[:SHORT], 48000)
    assert max(h.uncertainty for h in found.harmonics_dbc[5:] if h.value is None) < -113.0
    assert short.thd_percent.uncertainty > 2.0 * found.thd_percent.uncertainty


def test_a_level_that_moves_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "STRETCH_FRAMES", SHORT)
    x = wave(Truth(), 48000, 4.0)
    x *= np.linspace(1.0, 0.9, x.size)
    assert analysed(x, 48000).level_range_db > 0.3
    assert analysed(x[:20000], 48000).level_range_db < 0.2
    late = np.concatenate((np.zeros(9600), wave(Truth(snr_db=80.0), 48000, 0.5)))
    assert analysed(late, 48000).level_range_db > 40
    assert analysed(wave(Truth(31.5, snr_db=60.0, hum_dbc=-50.0), 48000, 0.5), 48000).level_range_db < 0.2


def test_rounding_without_dither_is_not_taken_for_distortion() -> None:
    truth = Truth(1000.0, -10.0, thd_percent=0.0005, orders=(2,))
    x = np.round(wave(truth, 48000, 1.0) * 2**15) / 2**15
    found = analysed(x, 48000, bits=16)
    true = truth.figures(48000)["thd_percent"]
    assert true is not None
    low = found.thd_percent.value or 0.0
    assert low - found.thd_percent.uncertainty <= true <= low + found.thd_percent.uncertainty


@pytest.mark.parametrize(("frequency_hz", "rate_hz"), [(100.0, 48000), (440.0, 48000), (1000.0, 44100)])
@pytest.mark.parametrize("kind", ["16", "24", "16 in 24", "f32"])
def test_rounding_that_repeats_with_the_tone_is_in_the_uncertainties(
    frequency_hz: float, rate_hz: int, kind: str
) -> None:
    over: list[float] = []
    for level_dbfs in (-1.3, -9.7):
        truth = Truth(frequency_hz, level_dbfs, thd_percent=0.01)
        x = wave(truth, rate_hz, 0.4)
        if kind == "f32":
            x = x.astype(np.float32).astype(np.float64)
        else:
            full = 2.0 ** (int(kind[:2]) - 1)
            x = np.round(x * full) / full
        found = worst(analysed(x, rate_hz, None if kind == "f32" else int(kind[-2:])), truth, rate_hz)
        over += [value for name, value in found.items() if name not in ("thd_n_percent", "snr_db", "hum_dbc")]
    assert max(over) < 2.0 and sum(value > 1.0 for value in over) <= 2  # of 26


def test_a_tone_without_a_harmonic_under_nyquist_has_no_thd_and_no_bound_of_it() -> None:
    found = analysed(wave(Truth(15000.0, snr_db=90.0), 48000, 0.2), 48000)
    assert found.harmonics_dbc == () and found.thd_percent == Figure(None, math.inf)
    channel = document(Path("a.wav"), 48000, ("mono",), [found])["channels"][0]
    assert "thd_percent" in channel["below_floor"] and "thd_percent" not in channel["uncertainty"]
    assert words(found.thd_percent) == "-"


@pytest.mark.parametrize(
    ("x", "error"),
    [
        (wave(Truth(), 48000, 0.05), TooShort),
        (np.where(np.arange(24000) == 77, np.nan, wave(Truth(), 48000, 0.5)), NotFinite),
        (np.clip(3 * wave(Truth(), 48000, 0.5), -1, 1 - 2**-23), Clipped),
        (np.zeros(24000), Silent),
        (1e-5 * np.random.default_rng(1).standard_normal(24000), Silent),
        (np.full(24000, 0.25), DcOnly),
        (0.1 * np.random.default_rng(1).standard_normal(24000), ToneNotFound),
    ],
)
def test_what_cannot_be_analysed_says_why_and_has_no_figures(x: Wave, error: type[CaptureError]) -> None:
    found = analysed(x, 48000, bits=24)
    assert isinstance(found.error, error)
    assert found.thd_percent.value is None and found.level_dbfs.value is None and found.frequency_hz.value is None
    assert found.dc_fs.value == (pytest.approx(0.25) if error is DcOnly else None)


def test_clipping_across_two_stretches_is_seen_and_that_of_floats_beyond_full_scale() -> None:
    x = 0.5 * np.ones(10)
    tally = ChannelTally(48000, 24, 10, ToneNotFound())
    for piece in (np.append(x, [1.0, 1.0]), np.append([1.0], x)):
        tally.push(piece)
    assert tally.watch.clipped_at == 10
    floats = ChannelTally(48000, None, 10, ToneNotFound())
    floats.push(np.append(x, [1.0, 1.2, 1.1]))
    assert floats.watch.clipped_at == 10
    assert isinstance(analysed(wave(Truth(level_dbfs=3.0), 48000, 0.5), 48000).error, Clipped)
    assert analysed(wave(Truth(20.0, -0.001, thd_percent=0.0), 48000, 0.5), 48000).error is None


def test_a_tone_is_looked_for_where_it_was_asked_for() -> None:
    x = wave(Truth(1000.0), 48000, 0.5) + wave(Truth(300.0, -40.0), 48000, 0.5)
    assert analysed(x, 48000, near_hz=300.0).frequency_hz.value == pytest.approx(300.0, abs=0.01)
    found = analysed(wave(replace(Truth(1000.0), snr_db=90.0), 48000, 0.5), 48000, near_hz=500.0)
    assert isinstance(found.error, ToneNotFound)


def test_a_tone_on_another_channel_or_at_another_rate_is_told_apart_from_none() -> None:
    tone, other = wave(Truth(1000.0), 48000, 0.3), wave(Truth(300.0, snr_db=90.0), 48000, 0.3)
    late = wave(Truth(1000.0 * 48000 / 44100), 48000, 0.3)
    found = find_tones(np.stack((tone, other, late), axis=1), 48000, ("ch1", "ch2", "ch3"), 1000.0)
    assert found[0] == pytest.approx(1000.0, abs=0.1)
    assert isinstance(found[1], WrongChannel) and "it is on ch1" in str(found[1])
    assert isinstance(found[2], WrongRate) and "recorded at 44100 Hz" in str(found[2])
    lost = find_tones(other[:, None], 48000, ("mono",), 1000.0)[0]
    assert isinstance(lost, ToneNotFound) and "at 300.00 Hz" in str(lost)


def test_analyze_keeps_numpy_to_one_thread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with pytest.raises(SettingsError):
        run_analyze(Choice(tmp_path / "none.wav", None, 10, None, True))
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


def test_stretches_cover_the_recording() -> None:
    for frames in (1, 4800, STRETCH_FRAMES, STRETCH_FRAMES + 1, 5 * STRETCH_FRAMES - 3):
        parts = stretches(frames)
        assert parts[0][0] == 0 and parts[-1][1] == frames
        assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
        assert max(end - first for first, end in parts) <= STRETCH_FRAMES
    assert all(0.96 * n <= smooth_length(n) <= n for n in range(20000, 262144, 4321))
