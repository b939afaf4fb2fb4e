"""The headphones' physics: divider at the jack, pressure at the coupler, their common return, silences of a side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drivers.sim.dut_file import Dropout, Sides
from drivers.sim.headphones import Headphones
from drivers.sim.headphones_device import HeadphonesDevice
from drivers.sim.headphones_voice import HeadphonesVoice

RATE = 48000
LOADS = (False, False)
HZ = np.array([20.0, 100.0, 1000.0, 4000.0])


def period(left_v: float = 0.1, right_v: float = 0.1) -> np.ndarray:
    """Ten periods of 1 kHz, V rms."""
    wave = 2.0**0.5 * np.sin(2.0 * np.pi * np.arange(480) / 48.0)
    return np.stack((left_v * wave, right_v * wave), axis=1)


def heard(dut: Headphones, source: np.ndarray, at_coupler: bool = True, plugged: bool = True) -> np.ndarray:
    voice = HeadphonesVoice(dut, RATE, lambda: (at_coupler, plugged))
    out = voice.steady(source, LOADS).terminals_v
    line = 2.0 * np.fft.rfft(out, axis=0)[10] / len(out) / 2.0**0.5
    return np.asarray(line * np.exp(2j * np.pi * 1000.0 * 60e-6) * 1j if at_coupler else line * 1j)


def test_at_the_jack_is_the_divider_and_without_a_plug_the_source_itself() -> None:
    dut = replace(Headphones(), coil_ohm=Sides(33.0, 66.0), coil_mh=Sides(0.0, 0.0), resonance_ohm=Sides(0.0, 0.0))
    assert abs(heard(dut, period(), at_coupler=False)) == pytest.approx([0.05, 0.0667], rel=0.01)
    assert abs(heard(dut, period(), at_coupler=False, plugged=False)) == pytest.approx([0.1, 0.1])
    assert not heard(dut, period(), plugged=False).any(), "a microphone hears nothing of an empty jack"


def test_at_the_coupler_is_the_sensitivity_with_the_sign_of_the_polarity() -> None:
    found = heard(replace(Headphones(), inverted="right"), period())
    assert abs(found) == pytest.approx([0.794, 0.794], rel=0.01)
    assert found[0].real > 0.7 and found[1].real < -0.7


def test_a_resistance_in_the_return_leaks_in_opposite_phase_and_a_good_one_hardly() -> None:
    good, bad = (heard(replace(Headphones(), common_ohm=ohm), period(right_v=0.0)) for ohm in (0.02, 4.0))
    assert abs(good[1] / good[0]) < 0.001
    assert abs(bad[1] / bad[0]) == pytest.approx(4.0 / 36.0, rel=0.05) and (bad[1] / bad[0]).real < 0.0


def test_open_and_shorted_sides_are_silent_and_the_other_plays() -> None:
    for dut in (Headphones(open_side="left"), Headphones(short_side="left")):
        left, right = abs(heard(dut, period()))
        assert left < 0.55 * right and right > 0.6
    assert abs(heard(Headphones(open_side="left"), period()))[0] < 1e-3


def test_the_impedance_has_its_resonance_and_rises_with_the_coils_inductance() -> None:
    ohm = abs(HeadphonesVoice(Headphones(), RATE, lambda: (False, True)).impedance(np.array([90.0, 1000.0, 20000.0])))
    assert ohm[0] == pytest.approx([52.0, 32.07, 37.1], rel=0.01)


def test_a_broken_lead_parts_on_its_side_and_only_while_the_cable_is_bent() -> None:
    device = HeadphonesDevice(Headphones(broken="right", dropouts=(Dropout(1.0, 0.2),)), 1.0)
    assert device.side_dropouts == ((), ()) and device.dropouts == ()
    assert device.act("fixture flex") and device.side_dropouts == ((), ((1.0, 0.2),))
    assert device.act("fixture coupler") and device.side_dropouts == ((), ())
    assert not device.act("fixture") and not device.act("probe rail_5v")
