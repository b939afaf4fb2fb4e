"""How contributions become one uncertainty, and what a reading of an interface is told to be uncertain by."""

from __future__ import annotations

import math
import random
from datetime import date
from typing import Any

import numpy as np
import pytest

from drivers.ports import Accuracy, Identity
from drivers.settings import AudioSettings
from station.analysis.tones import Tone
from station.domain.calibration import Correction, Loopback, Revision
from station.domain.sound import Stimulus, Value
from station.metrology.uncertainty import bound, budget, expanded, extreme, normal, relative, scatter, student, wander
from station.sound.worker_captures import Interface
from station.sound.worker_readings import Scale, tone_reading
from station.steps.levels import db_uncertainty, noise_db
from station.steps.noise import _without_floor
from station.steps.readings import furthest_uncertainty, mean_of

SETTINGS = AudioSettings("nowhere", 4.0, 60.0, gain_accuracy_db=0.02, own_thd_db=-105.0, dynamic_range_db=110.0)


def revision(*, thd_db: float = -100.0, curve: tuple[tuple[float, float], ...] = ()) -> Revision:
    loopback = Loopback(thd_db, -112.0, 0.01, response_left=curve)
    corrections = {"input_left_v": Correction(factor=1.01, relative=0.0004)}
    return Revision(date(2026, 1, 1), date(2027, 1, 1), "lab", "voltmeter", "", corrections, loopback=loopback)


def tone(amplitude: float = 0.5, thd: float = 1e-3, frequency_hz: float = 1000.0) -> Tone:
    return Tone(
        frequency_hz=frequency_hz, amplitude=amplitude, amplitude_u=1e-6, phase_rad=0.0, dc=0.0, silent=False,
        harmonics=(thd,), thd=thd, thd_u=1e-7, thd_n=thd, thd_n_u=1e-7,
        residual=thd * amplitude / math.sqrt(2.0), total=amplitude / math.sqrt(2.0),
    )  # fmt: skip


def test_independent_parts_combine_as_the_root_of_their_squares() -> None:
    parts = (normal("reference", 3.0), bound("own", 4.0 * math.sqrt(3.0) / 2.0))
    assert expanded(parts) == pytest.approx(5.0)
    assert expanded(()) == 0.0
    assert [part.expanded for part in relative(parts, -2.0)] == pytest.approx([6.0, 8.0])


def test_a_budget_names_the_largest_part_first_and_their_shares_make_a_whole() -> None:
    rows = budget((normal("small", 3.0), bound("large", 4.0 * math.sqrt(3.0) / 2.0)), "mV")
    assert [row.split("|")[1].strip() for row in rows] == ["contribution", "large", "small", "all"]
    assert "64 %" in rows[1] and "36 %" in rows[2] and "5" in rows[3]


def test_few_readings_are_believed_less_than_many() -> None:
    assert scatter("", [1.0]).expanded == 0.0
    assert scatter("", [1.0, 1.0, 1.0]).expanded == 0.0
    assert scatter("", [0.9, 1.1]).expanded == pytest.approx(13.97 * math.sqrt(0.02) / math.sqrt(2.0))
    assert student(200) == pytest.approx(2.02, abs=0.01)
    assert all(student(n) > student(n + 1) > 2.0 for n in range(1, 60))


def test_the_mean_of_a_few_readings_lies_inside_as_often_as_it_says() -> None:
    draw, inside = random.Random(4), 0
    for _ in range(2000):
        mean, uncertainty = mean_of([draw.gauss(5.0, 0.1) for _ in range(4)], Accuracy())
        inside += abs(mean - 5.0) <= uncertainty
    assert 0.94 <= inside / 2000 <= 0.97


def test_noise_is_told_from_a_slow_change_and_a_single_step() -> None:
    draw = random.Random(5)
    series = [20.0 + 0.01 * n + (5.0 if n > 300 else 0.0) + draw.gauss(0.0, 0.1) for n in range(1000)]
    assert wander(series) == pytest.approx(0.1, rel=0.1)
    assert wander([1.0]) == 0.0


def test_the_worst_of_many_is_doubted_more_than_one() -> None:
    draw = random.Random(6)
    errors = []
    for _ in range(200):
        series = [draw.gauss(1.0, 0.1) for _ in range(300)]
        errors.append((max(series) - 1.0) / furthest_uncertainty(max(series), series, Accuracy()))
    assert max(errors) < 1.3 and sum(error <= 1.0 for error in errors) >= 186
    assert extreme("", 1.0, 1).expanded == 0.0


def test_a_calibration_replaces_the_bound_of_the_settings_and_corrects_full_scale() -> None:
    plain, known = Scale(SETTINGS, None, "left"), Scale(SETTINGS, revision(), "left")
    assert plain.full_scale_v == 60.0 and known.full_scale_v == pytest.approx(60.6)
    level = plain.level(0.5, 1e-7, False, 1000.0)
    assert level.uncertainty == pytest.approx(30.0 * (10 ** (0.02 / 20) - 1) * 2 / math.sqrt(3), rel=1e-3)
    level = known.level(0.5, 1e-7, False, 1000.0)
    assert level.value == pytest.approx(30.3) and level.uncertainty == pytest.approx(30.3 * 0.0004, rel=1e-3)
    assert level.noise == pytest.approx(1e-7 * 60.6)
    assert known.level(0.5, 1e-7, False, 50.0).uncertainty > 2.0 * level.uncertainty, "its response comes on top"
    other = Scale(SETTINGS, revision(), "right")
    assert other.full_scale_v == 60.0, "right was not calibrated"


def test_of_settings_and_loopback_the_worse_is_claimed() -> None:
    for found_db, claimed_db in ((-100.0, -100.0), (-120.0, -105.0)):
        scale = Scale(SETTINGS, revision(thd_db=found_db), "left")
        assert scale.own_thd_u == pytest.approx(2.0 / math.sqrt(3.0) * 10 ** (claimed_db / 20.0))


def test_what_the_interface_may_have_made_itself_is_a_bound() -> None:
    reading = tone_reading("left", tone(thd=5e-6), Scale(SETTINGS, revision(), "left"), False)
    assert reading.thd_percent is not None and reading.thd_percent.bound == "below"
    assert reading.thd_percent.value > 100.0 * 5e-6
    reading = tone_reading("left", tone(thd=1e-3), Scale(SETTINGS, revision(), "left"), False)
    assert reading.thd_percent is not None and reading.thd_percent.bound is None
    assert reading.thd_percent.uncertainty == pytest.approx(100.0 * 2.0 / math.sqrt(3.0) * 1e-5, rel=0.05)


@pytest.mark.parametrize("noise", [0.03, 0.1, 0.3, 0.5, 1.0, 3.0, 10.0])
def test_a_bound_of_own_distortion_holds_under_any_noise_even_where_both_distort_in_one_order(noise: float) -> None:
    """Its phase is unknown, so it adds cos(phase) of the bound; `noise` is a standard deviation over the bound."""
    draw = np.random.default_rng(8)
    error = np.cos(2.0 * np.pi * draw.random(20000)) + noise * draw.standard_normal(20000)
    stated = expanded((normal("noise", 2.0 * noise), bound("own distortion", 1.0)))
    assert 0.93 <= float(np.mean(np.abs(error) <= stated)) <= 1.0


def test_a_response_is_corrected_by_the_loopback_between_its_points() -> None:
    scale = Scale(SETTINGS, revision(curve=((20.0, -0.2), (1000.0, 0.0), (20000.0, -0.1))), "left")
    plain = Scale(SETTINGS, revision(), "left")
    assert scale.flatness_relative < plain.flatness_relative

    class Step:
        amplitude, amplitude_u = 0.5, 1e-7

    step: object = Step()
    ratios = [scale.step(step, hz).value / plain.step(step, hz).value for hz in (10.0, 20.0, 1000.0, 141.42, 20000.0)]  # type: ignore[arg-type]
    assert [20.0 * math.log10(ratio) for ratio in ratios] == pytest.approx([0.2, 0.2, 0.0, 0.1, 0.1], abs=1e-3)


class Humming:
    """An interface that hears twice a mains of 50.15 Hz on the left and noise on the right."""

    sample_rate_hz, identity = 48000, Identity("hum")

    def play_and_capture(self, source: Any, permit: Any) -> Any:
        noise = 1e-6 * np.random.default_rng(1).standard_normal(source.shape)
        noise[:, 0] += 1e-4 * np.sin(2.0 * np.pi * 100.3 / 48000 * np.arange(len(source)))
        return noise.astype(np.float32)


def test_a_line_of_the_mains_is_found_where_it_lies_not_where_a_coarse_meter_says() -> None:
    device: Any = Humming()
    left, right = Interface(device, SETTINGS).measure_tone(Stimulus(100.0, 0.0, 0.0, 1.0), device)
    assert left.level_v.value == pytest.approx(1e-4 * 60.0, rel=1e-3)
    assert left.level_v.bound is None and right.level_v.bound == "below"


def test_what_both_captures_share_cancels_in_a_ratio() -> None:
    level = Value(1.0, 0.0023, noise=1e-6)
    assert db_uncertainty(level) == pytest.approx(0.02, rel=0.01)
    assert noise_db(level) < 0.001
    assert noise_db(Value(1.0, 0.0023)) == pytest.approx(0.02, rel=0.01), "nothing is known of its parts"


def test_noise_without_the_interfaces_own_keeps_the_scale_once_and_a_bound_is_never_certain() -> None:
    scaled = Value(2e-4, math.hypot(1e-6, 2e-4 * 0.01), noise=1e-6)
    floor = Value(1e-4, math.hypot(1e-6, 1e-4 * 0.01), noise=1e-6)
    left, is_bound = _without_floor(scaled, floor)
    assert not is_bound and left.value == pytest.approx(math.sqrt(3.0) * 1e-4)
    assert left.uncertainty == pytest.approx(
        math.hypot(math.hypot(2e-10, 1e-10) / left.value, 0.01 * left.value), rel=1e-3
    )
    left, is_bound = _without_floor(floor, floor)
    assert is_bound and left.uncertainty > 0.0
