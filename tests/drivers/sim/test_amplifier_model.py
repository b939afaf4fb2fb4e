"""The amplifier against closed forms: gain, harmonics, clipping with sag, dead zone, crosstalk, divider."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from drivers.sim.amplifier import Amplifier
from drivers.sim.dut import Dut, Sides

RATE_HZ = 48000
RATED_V = 800.0**0.5
BOTH, NONE = (True, True), (False, False)
Values = NDArray[np.float64]


def db(ratio: float) -> float:
    return 20.0 * math.log10(ratio)


def sides(value: float) -> Sides:
    return Sides(value, value)


def tone(frequency_hz: float, left_v: float, right_v: float, frames: int = 480) -> Values:
    sine = 2.0**0.5 * np.sin(2.0 * np.pi * frequency_hz / RATE_HZ * np.arange(frames))
    return np.stack([left_v * sine, right_v * sine], axis=1)


def rms_at(volts: Values, frequency_hz: float) -> float:
    """Rms of one line of a signal that holds whole periods of it."""
    kernel = np.exp(-2j * np.pi * frequency_hz / RATE_HZ * np.arange(len(volts)))
    return float(abs(volts @ kernel) / len(volts) * 2.0**0.5)


def thd(volts: Values, frequency_hz: float = 1000.0) -> float:
    harmonics = [rms_at(volts, k * frequency_hz) for k in range(2, 11)]
    return math.hypot(*harmonics) / rms_at(volts, frequency_hz)


def for_output(dut: Dut, terminal_v: float) -> float:
    """Source volts for so many volts at the loaded terminals at 1 kHz."""
    return terminal_v / float(abs(Amplifier(dut, RATE_HZ, 8.0).gain(np.array([1000.0]))[0, 0])) * (8.04 / 8.0)


@pytest.mark.parametrize("frequency_hz", [4.0, 20.0, 1000.0, 20000.0, 23900.0])
def test_gain_and_phase_are_those_of_the_analogue_filters_also_near_nyquist(frequency_hz: float) -> None:
    dut = replace(Dut(), highpass_hz=sides(4.0), lowpass_hz=sides(20000.0))
    analogue = 10.0 ** (29.0 / 20.0) / (1 - 1j * 4.0 / frequency_hz) / (1 + 1j * frequency_hz / 20000.0)
    assert Amplifier(dut, RATE_HZ, 8.0).gain(np.array([frequency_hz]))[0, 0] == pytest.approx(analogue, rel=1e-12)


@pytest.mark.parametrize(("frequency_hz", "frames"), [(20000.0, 480), (20.0, 2400)])
def test_a_tone_at_a_corner_is_3_db_down_with_45_degrees(frequency_hz: float, frames: int) -> None:
    dut = replace(Dut(), highpass_hz=sides(1e-6), lowpass_hz=sides(1e9))
    corner = {"lowpass_hz": sides(20000.0)} if frequency_hz > 1000.0 else {"highpass_hz": sides(20.0)}
    source = tone(frequency_hz, 0.1, 0.1, frames)
    flat = Amplifier(dut, RATE_HZ, 8.0).steady(source, BOTH).terminals_v[:, 0]
    bent = Amplifier(replace(dut, **corner), RATE_HZ, 8.0).steady(source, BOTH).terminals_v[:, 0]
    kernel = np.exp(-2j * np.pi * frequency_hz / RATE_HZ * np.arange(frames))
    ratio = (bent @ kernel) / (flat @ kernel)
    assert db(abs(ratio)) == pytest.approx(-3.0103, abs=1e-3)
    assert abs(np.angle(ratio, deg=True)) == pytest.approx(45.0, abs=0.01)


def test_a_bounded_tone_has_the_level_of_the_settled_one() -> None:
    amplifier = Amplifier(Dut(), RATE_HZ, 8.0)
    frames = 24000
    fade = np.minimum(1.0, np.minimum(np.arange(frames), np.arange(frames)[::-1]) / 960.0)
    for frequency_hz in (20.0, 1000.0, 19900.0):
        burst = amplifier.burst(tone(frequency_hz, 0.3, 0.3, frames) * fade[:, None], BOTH)
        settled = amplifier.steady(tone(frequency_hz, 0.3, 0.3, 4800), BOTH)
        middle = burst.terminals_v[14400:19200, 0]
        assert db(rms_at(middle, frequency_hz) / rms_at(settled.terminals_v[:, 0], frequency_hz)) == pytest.approx(
            0.0, abs=2e-4
        )


def test_harmonics_have_their_ratios_at_rated_power_and_follow_level_and_level_squared() -> None:
    dut = replace(Dut(), h2_dbc=Sides(-60.0, -80.0), h3_dbc=Sides(-70.0, -66.0))
    amplifier = Amplifier(dut, RATE_HZ, 8.0)
    source_v = for_output(dut, RATED_V)
    for below_db in (0.0, 20.0):
        level = source_v * 10.0 ** (-below_db / 20.0)
        volts = amplifier.steady(tone(1000.0, level, level), BOTH).terminals_v
        for channel in range(2):
            line = volts[:, channel]
            fundamental = rms_at(line, 1000.0)
            assert fundamental == pytest.approx(RATED_V * 10.0 ** (-below_db / 20.0), rel=1e-5)
            assert db(rms_at(line, 2000.0) / fundamental) == pytest.approx(dut.h2_dbc[channel] - below_db, abs=0.01)
            h3_db = db(rms_at(line, 3000.0) / fundamental)
            assert h3_db == pytest.approx(dut.h3_dbc[channel] - 2.0 * below_db, abs=0.01)
    total = thd(amplifier.steady(tone(1000.0, source_v, source_v), BOTH).terminals_v[:, 0])
    assert total == pytest.approx(math.hypot(1e-3, 10.0**-3.5), rel=2e-3)


def test_the_output_clips_at_the_rail_less_its_sag_then_divided() -> None:
    """A square wave at the limit: sag = rail_ohm x (sum of mean |i|)/2 with i = (rail - sag)/(load + impedance)."""
    dut = replace(Dut(), h2_dbc=sides(-300.0), h3_dbc=sides(-300.0), rail_ohm=1.0, dc_offset_mv=sides(0.0))
    volts = Amplifier(dut, RATE_HZ, 8.0).steady(tone(100.0, 400.0, 400.0), BOTH)
    swing_v = 46.0 / (1.0 + 1.0 / 8.04)
    assert np.median(np.abs(volts.terminals_v)) == pytest.approx(swing_v * 8.0 / 8.04, rel=2e-3)
    assert volts.mean_abs_a[0] == pytest.approx(swing_v / 8.04, rel=5e-3)


def test_clipping_begins_where_peak_and_sag_meet_the_rail() -> None:
    dut = replace(Dut(), h2_dbc=sides(-300.0), h3_dbc=sides(-300.0), dc_offset_mv=sides(0.0))
    amplifier = Amplifier(dut, RATE_HZ, 8.0)
    onset_v = 46.0 / (1.0 + 0.5 * 2.0 / math.pi / 8.04) * (8.0 / 8.04) / 2.0**0.5
    assert onset_v**2 / 8.0 == pytest.approx(121.2, abs=0.2)
    for factor, clean in ((0.999, True), (1.002, False)):
        level = for_output(dut, onset_v * factor)
        distortion = thd(amplifier.steady(tone(1000.0, level, level), BOTH).terminals_v[:, 0])
        assert (distortion < 1e-9) == clean
    alone = for_output(dut, onset_v * 1.01)
    assert thd(amplifier.steady(tone(1000.0, alone, 0.0), BOTH).terminals_v[:, 0]) < 1e-9  # half the sag


def test_a_bounded_tone_clips_as_the_settled_one_does() -> None:
    amplifier = Amplifier(Dut(), RATE_HZ, 8.0)
    frames = 24000
    fade = np.minimum(1.0, np.minimum(np.arange(frames), np.arange(frames)[::-1]) / 480.0)
    settled = amplifier.steady(tone(1000.0, 1.14, 1.14), BOTH).terminals_v[:, 0]
    burst = amplifier.burst(tone(1000.0, 1.14, 1.14, frames) * fade[:, None], BOTH).terminals_v[:, 0]
    assert thd(burst[4800:9600]) == pytest.approx(thd(settled), rel=2e-3)
    assert rms_at(burst[4800:9600], 1000.0) == pytest.approx(rms_at(settled, 1000.0), rel=1e-4)


def test_a_stiff_and_a_very_soft_supply_both_settle() -> None:
    for rail_ohm in (0.0, 20.0):
        dut = replace(Dut(), rail_ohm=rail_ohm, h2_dbc=sides(-300.0), h3_dbc=sides(-300.0))
        swing_v = 46.0 / (1.0 + rail_ohm / 8.04)
        volts = Amplifier(dut, RATE_HZ, 8.0).steady(tone(100.0, 400.0, 400.0), BOTH)
        assert np.median(np.abs(volts.terminals_v)) == pytest.approx(swing_v * 8.0 / 8.04, rel=5e-3)


def test_the_dead_zone_makes_odd_harmonics_that_rise_at_low_level() -> None:
    """Taking d off either side of zero leaves -(4 d/pi)(sin wt + sin(3 wt)/3 + …) for d far below the level."""
    dut = replace(Dut(), crossover_mv=sides(50.0), h2_dbc=sides(-300.0), h3_dbc=sides(-300.0), dc_offset_mv=sides(0.0))
    amplifier = Amplifier(dut, RATE_HZ, 8.0)
    expected = 4.0 / math.pi * 0.05 / 40.0 * math.hypot(1 / 3, 1 / 5, 1 / 7, 1 / 9)
    level = for_output(dut, RATED_V)
    high = thd(amplifier.steady(tone(1000.0, level, level), BOTH).terminals_v[:, 0])
    low = thd(amplifier.steady(tone(1000.0, level / 10.0, level / 10.0), BOTH).terminals_v[:, 0])
    assert high == pytest.approx(expected, rel=0.02)
    assert low > 8.0 * high


def test_the_undriven_channel_picks_up_what_its_own_figure_says() -> None:
    dut = replace(Dut(), crosstalk_dbc=Sides(-52.0, -63.0))
    amplifier = Amplifier(dut, RATE_HZ, 8.0)
    right_driven = amplifier.steady(tone(1000.0, 0.0, 0.5), BOTH).terminals_v
    left_driven = amplifier.steady(tone(1000.0, 0.5, 0.0), BOTH).terminals_v
    assert db(rms_at(right_driven[:, 0], 1000.0) / rms_at(right_driven[:, 1], 1000.0)) == pytest.approx(-52.0, abs=1e-3)
    assert db(rms_at(left_driven[:, 1], 1000.0) / rms_at(left_driven[:, 0], 1000.0)) == pytest.approx(-63.0, abs=1e-3)


def test_the_output_impedance_divides_only_with_the_load_closed() -> None:
    dut = replace(Dut(), output_impedance_ohm=Sides(0.04, 0.2))
    amplifier = Amplifier(dut, RATE_HZ, 8.0)
    source = tone(1000.0, 0.05, 0.05)
    unloaded, loaded = amplifier.steady(source, NONE), amplifier.steady(source, BOTH)
    for channel, factor in enumerate((200.0, 40.0)):
        ratio = rms_at(unloaded.terminals_v[:, channel], 1000.0) / rms_at(loaded.terminals_v[:, channel], 1000.0)
        assert 1.0 / (ratio - 1.0) == pytest.approx(factor, rel=1e-6)
    assert unloaded.mean_abs_a == (0.0, 0.0)


def test_drive_reports_load_power_and_mean_current() -> None:
    output = Amplifier(Dut(), RATE_HZ, 8.0).steady(tone(1000.0, *[for_output(Dut(), RATED_V)] * 2), BOTH)
    assert output.load_w[0] == pytest.approx(100.0, rel=1e-4)
    assert output.mean_abs_a[1] == pytest.approx(5.0 * 2.0 / math.pi, rel=1e-3)


def test_the_capture_never_sees_dc() -> None:
    dut = replace(Dut(), dc_offset_mv=sides(500.0), h2_dbc=sides(-40.0))
    output = Amplifier(dut, RATE_HZ, 8.0).steady(tone(1000.0, 0.9, 0.9), BOTH)
    assert abs(float(output.terminals_v.mean())) < 1e-9
