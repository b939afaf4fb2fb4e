"""What leads that are crossed, missing or shorted do to what the bench plays, hears and reads."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from drivers.sim.amplifier import Amplifier
from drivers.sim.audio_capture import Repeating
from drivers.sim.audio_interface import Interface
from drivers.sim.dut import Dut
from drivers.sim.leads import FAULTS, NAMES, STRAIGHT, leads_of
from drivers.sim.plant import Plant

RATE_HZ = 48000
LEVEL = 0.1


class _Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def plant_with(words: str) -> Plant:
    """A bench ready to play, its rails up, with these leads."""
    clock = _Clock()
    plant = Plant(Dut(), 1.0, 3, monotonic=clock)
    plant.set_contactor(True)
    for role in ("load_left", "load_right", "capture", "source", "fan"):
        plant.set_relay(role, True)
    clock.now_s += 5.0
    plant.set_leads(leads_of(words))
    return plant


def heard_v(words: str, *driven: int) -> list[float]:
    """V rms that the bench hears on left and right while it drives these channels with 0.4 V rms."""
    plant = plant_with(words)
    interface = Interface(plant, RATE_HZ, 3, 4.0, 60.0)
    period = np.zeros((480, 2), dtype=np.float32)
    for channel in driven:
        period[:, channel] = LEVEL * np.sin(2.0 * np.pi * np.arange(480) / 48.0)
    plant.hold()
    stream, frames = Repeating(plant, interface, period, 0), np.zeros((RATE_HZ, 2), dtype=np.float32)
    stream.fill(frames)
    return [float(v) for v in np.sqrt(np.mean(np.square(frames[RATE_HZ // 2 :]), axis=0)) * 60.0 * 2.0**0.5]


PLAYS_V = LEVEL * 4.0 * 10 ** (29 / 20)


@pytest.mark.parametrize(
    ("words", "left", "right"),
    [
        ("straight", 1.0, 0.0), ("swapped", 0.0, 1.0), ("speakers-swapped", 0.0, 1.0),
        ("swapped speakers-swapped", 1.0, 0.0), ("left-open", 0.0, 0.0), ("capture-open-left", 0.0, 0.0),
        ("source-short-left", 0.0, 0.0), ("right-open", 1.0, 0.0), ("load-open-left", 1.005, 0.0),
    ],
)  # fmt: skip
def test_a_tone_on_left_is_heard_where_its_leads_take_it(words: str, left: float, right: float) -> None:
    assert [v / PLAYS_V for v in heard_v(words, 0)] == pytest.approx([left, right], abs=0.006)


@pytest.mark.parametrize("words", ["speaker-short-left", "load-short-left"])
def test_a_shorted_output_is_heard_far_below_what_it_plays_and_draws_much(words: str) -> None:
    assert 0.05 < heard_v(words, 0)[0] / PLAYS_V < 0.15
    leads, source = leads_of(words), np.full((480, 2), 0.0)
    source[:, 0] = 0.05 * np.sin(2.0 * np.pi * np.arange(480) / 48.0)
    both = (True, True)
    short = Amplifier(Dut(), RATE_HZ, 8.0).steady(source, leads.loaded(both), leads.shorted(both))
    whole = Amplifier(Dut(), RATE_HZ, 8.0).steady(source, both)
    assert short.mean_abs_a[0] > 50.0 * whole.mean_abs_a[0]


def test_an_open_input_hums_and_a_shorted_one_does_not() -> None:
    hums, silent = heard_v("source-open-left"), heard_v("source-short-left")
    assert hums[0] == pytest.approx(0.0005 * 10 ** (29 / 20), rel=0.02)
    assert max(hums[1], *silent) < 0.001


def test_the_ohmmeter_sees_the_load_and_the_dc_meter_the_speaker_lead() -> None:
    plant = plant_with("load-short-left load-open-right")
    plant.set_relay("load_left", False)
    plant.set_relay("load_right", False)
    assert plant.load_bank_ohm("load_left") == pytest.approx(0.01)
    assert plant.load_bank_ohm("load_right") == pytest.approx(1e6)
    assert plant.terminals().left_plus_v == pytest.approx(0.008, rel=0.01)
    for words in ("left-open", "speaker-short-left"):
        assert plant_with(words).terminals().left_plus_v == 0.0


def test_leads_are_named_in_words_and_what_is_none_is_refused() -> None:
    assert leads_of("straight") == STRAIGHT and len({leads_of(name) for name in (*NAMES, *FAULTS)}) == 18
    assert leads_of("left-open right-open") == leads_of("speaker-open-left speaker-open-right")
    with pytest.raises(ValueError, match="take straight, swapped"):
        leads_of("capture-short-left")


def test_a_known_voltage_stands_on_every_terminal_until_it_is_taken_off() -> None:
    plant = plant_with("straight")
    plant.set_known(-10.0)
    assert set(astuple(plant.terminals())) == {-10.0}
    plant.set_known(None)
    assert plant.terminals().left_plus_v == pytest.approx(0.008, rel=0.01)
