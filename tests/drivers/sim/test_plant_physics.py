"""The plant against the anchors of the contract and closed forms; nothing jumps, and time is one."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from drivers.sim.audio_path import Drive
from drivers.sim.dut import Dut, Sides
from drivers.sim.mains import Contactor
from drivers.sim.plant import OPEN_CIRCUIT, Plant
from drivers.sim.world import World

RATED = Drive((5.0 * 2.0 / math.pi,) * 2, (100.0, 100.0))


class Wall:
    """A wall clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def make(dut: Dut, speed: float = 1.0) -> tuple[Plant, Wall]:
    wall = Wall()
    return Plant(dut, speed, seed=1, monotonic=wall), wall


def energise(plant: Plant, wall: Wall) -> None:
    plant.set_contactor(True)
    wall.now_s += Contactor.MOTION_S
    assert plant.contactor_closed()


def soak_until(plant: Plant, degc: float, limit_s: int) -> int | None:
    """Seconds of rated drive until the sink is at `degc`, or None."""
    plant.hold()
    for second in range(limit_s):
        if plant.heatsink_degc() >= degc:
            return second
        plant.advance(1.0, RATED)
    return None


def test_a_plant_is_a_world() -> None:
    world: World = make(Dut())[0]
    assert world.heatsink_degc() == 25.0


def test_the_sample_settles_at_61_degc_at_rated_power_without_rising_at_the_end() -> None:
    plant, wall = make(Dut())
    energise(plant, wall)
    assert soak_until(plant, 90.0, 6600) is None
    before = plant.heatsink_degc()
    assert before == pytest.approx(61.0, abs=0.3)
    for _ in range(600):
        plant.advance(1.0, RATED)
    assert plant.heatsink_degc() - before < 0.01


def test_thermal_shutdown_opens_at_about_1800_s_for_good_and_takes_the_drive_away() -> None:
    plant, wall = make(replace(Dut(), heatsink_k_per_w=0.9, heatsink_j_per_k=2200.0, protect_degc=80.0))
    energise(plant, wall)
    opened_s = soak_until(plant, 80.0, 3000)
    assert opened_s == pytest.approx(1800, abs=40)
    assert not plant.audio_path().live
    hottest = plant.heatsink_degc()
    for _ in range(3600):
        plant.advance(1.0, RATED)
    assert plant.heatsink_degc() < hottest - 20.0
    assert plant.mains().power_w == pytest.approx(38.0, abs=1.0)
    assert not plant.audio_path().live


def test_runaway_reaches_100_degc_at_about_520_s() -> None:
    plant, wall = make(replace(Dut(), bias_ma_per_k=Sides(20.0, 20.0), protect_degc=150.0))
    energise(plant, wall)
    assert soak_until(plant, 100.0, 1000) == pytest.approx(520, abs=10)


def test_mains_power_is_idle_power_and_what_the_rails_deliver() -> None:
    plant, wall = make(replace(Dut(), bias_ma_per_k=Sides(0.0, 0.0)))
    energise(plant, wall)
    wall.now_s += 5.0
    assert plant.mains().power_w == pytest.approx(38.0, rel=1e-6)
    plant.hold()
    plant.advance(5.0, RATED)
    assert plant.mains().power_w == pytest.approx(38.0 + 2.0 * 46.0 * 10.0 / math.pi, rel=1e-6)
    reading = plant.mains()
    assert reading.power_w == pytest.approx(reading.current_a * 230.0 * reading.power_factor, rel=1e-9)


def test_idle_power_follows_the_bias_and_never_jumps() -> None:
    plant, wall = make(Dut())
    energise(plant, wall)
    wall.now_s += 0.01
    early = plant.mains().power_w
    assert 0.0 < early < 10.0
    wall.now_s += 5.0
    assert plant.mains().power_w == pytest.approx(38.0, abs=0.1)
    plant.set_contactor(False)
    wall.now_s += 0.1
    assert plant.mains().power_w == 0.0
    assert plant.mains().voltage_v == 230.0


def test_energy_is_the_integral_of_power() -> None:
    plant, wall = make(replace(Dut(), bias_ma_per_k=Sides(0.0, 0.0)))
    energise(plant, wall)
    wall.now_s += 3600.0
    assert plant.mains().energy_wh == pytest.approx(38.0, rel=1e-3)


def test_the_peak_hold_sees_the_inrush_until_it_is_armed_again() -> None:
    plant, wall = make(replace(Dut(), inrush_a=37.5))
    plant.arm_peak()
    assert plant.peak_a() == 0.0
    energise(plant, wall)
    wall.now_s += 10.0
    assert plant.peak_a() == 37.5
    plant.arm_peak()
    assert 0.0 < plant.peak_a() < 2.0


def test_a_shorted_output_is_seen_by_probe_meter_and_terminal() -> None:
    plant, wall = make(replace(Dut(), output_short="left"))
    energise(plant, wall)
    wall.now_s += 2.0
    assert plant.peak_a() > 100.0
    assert plant.mains().power_w > 500.0
    assert plant.terminals().left_plus_v == pytest.approx(46.0, abs=0.1)
    assert plant.terminals().right_plus_v == pytest.approx(0.008, abs=1e-4)
    assert not plant.audio_path().live


def test_the_contactor_moves_after_milliseconds_of_wall_time_at_any_speed() -> None:
    plant, wall = make(Dut(), speed=240.0)
    plant.set_contactor(True)
    wall.now_s += 0.014
    assert not plant.contactor_closed()
    wall.now_s += 0.002
    assert plant.contactor_closed()
    plant.set_contactor(False)
    plant.set_contactor(True)
    wall.now_s += 1.0
    assert plant.contactor_closed()


def test_dc_offset_stands_at_the_plus_terminals_only_while_powered() -> None:
    plant, wall = make(replace(Dut(), dc_offset_mv=Sides(47.0, -30.0)))
    assert plant.terminals().left_plus_v == 0.0
    energise(plant, wall)
    wall.now_s += 2.0
    volts = plant.terminals()
    assert (volts.left_plus_v, volts.right_plus_v) == pytest.approx((0.047, -0.030), rel=1e-6)
    assert (volts.left_minus_v, volts.right_minus_v) == (0.0, 0.0)
    plant.set_contactor(False)
    wall.now_s += 0.3
    assert 0.01 < plant.terminals().left_plus_v < 0.046
    wall.now_s += 10.0
    assert plant.terminals().left_plus_v == pytest.approx(0.0, abs=1e-6)


def test_the_plug_discharges_slowly_by_itself_and_fast_through_the_bleed() -> None:
    plant, wall = make(Dut())
    energise(plant, wall)
    wall.now_s += 1.0
    assert plant.discharge().l_n_v == 230.0
    plant.set_contactor(False)
    wall.now_s += 0.2
    assert plant.discharge().l_n_v > 200.0
    plant.set_relay("bleed", True)
    wall.now_s += 0.3
    volts = plant.discharge()
    assert max(volts.l_n_v, volts.l_pe_v, volts.n_pe_v) < 5.0


def test_insulation_settles_only_with_relay_enable_and_voltage_and_leaves_a_charge() -> None:
    plant, wall = make(replace(Dut(), insulation_mohm=7.0))
    assert plant.insulation_mohm() == OPEN_CIRCUIT
    plant.set_relay("tester", True)
    plant.set_test_voltage(500.0)
    wall.now_s += 1.0
    assert plant.insulation_mohm() == 0.0  # H is off: nothing is applied, nothing is proven
    plant.set_tester_enable(True)
    wall.now_s += 0.2
    assert 2.0 < plant.insulation_mohm() < 5.0
    wall.now_s += 1.8
    assert plant.insulation_mohm() == pytest.approx(7.0, rel=0.005)
    assert plant.discharge().l_pe_v == pytest.approx(500.0, rel=0.01)
    plant.set_tester_enable(False)
    wall.now_s += 0.1
    assert plant.discharge().l_pe_v > 100.0
    wall.now_s += 2.0
    assert plant.discharge().l_pe_v < 1.0


def test_earth_bond_needs_the_tester_relay_a_plug_and_a_protective_conductor() -> None:
    plant, _ = make(Dut())
    assert plant.earth_bond_ohm() == OPEN_CIRCUIT
    plant.set_relay("tester", True)
    assert plant.earth_bond_ohm() == 0.06
    plant.set_plugged(False)
    assert plant.earth_bond_ohm() == OPEN_CIRCUIT
    assert make(replace(Dut(), protection_class="II"))[0].earth_bond_ohm() == OPEN_CIRCUIT


def test_touch_current_flows_only_with_mains_on_through_the_closed_relay() -> None:
    plant, wall = make(replace(Dut(), touch_current_ma=0.4))
    plant.set_relay("touch", True)
    wall.now_s += 2.0
    assert plant.touch_current_ma() == 0.0
    assert plant.touch_line_open()
    energise(plant, wall)
    wall.now_s += 2.0
    assert plant.touch_current_ma() == pytest.approx(0.4, rel=1e-6)
    assert not plant.touch_line_open()
    assert not plant.touch_pe_open()
    plant.set_relay("touch", False)
    wall.now_s += 2.0
    assert plant.touch_current_ma() == pytest.approx(0.0, abs=1e-6)
    assert plant.touch_pe_open()


def test_an_empty_outlet_takes_no_power_and_shows_no_inrush() -> None:
    plant, wall = make(Dut())
    plant.set_plugged(False)
    energise(plant, wall)
    wall.now_s += 3.0
    assert (plant.mains().power_w, plant.peak_a()) == (0.0, 0.0)
    assert not plant.audio_path().live


def test_the_fan_proves_itself_a_moment_later_and_cools_the_bank() -> None:
    plant, wall = make(Dut())
    energise(plant, wall)
    plant.set_relay("fan", True)
    assert not plant.fan_turning()
    wall.now_s += 2.0
    assert plant.fan_turning()
    plant.hold()
    plant.advance(3600.0, RATED)
    assert plant.load_bank_degc() == pytest.approx(55.0, abs=1.0)
    plant.set_relay("fan", False)
    plant.advance(3600.0, RATED)
    assert plant.load_bank_degc() > 120.0
    assert not plant.fan_turning()


def test_plant_time_follows_the_wall_times_speed_but_held_only_what_is_granted() -> None:
    plant, wall = make(Dut(), speed=240.0)
    wall.now_s += 1.0
    assert plant.now_s() == pytest.approx(240.0)
    plant.hold()
    wall.now_s += 5.0
    assert plant.now_s() == pytest.approx(240.0)
    plant.advance(7.0)
    assert plant.now_s() == pytest.approx(247.0)
    plant.release()
    wall.now_s += 0.5
    assert plant.now_s() == pytest.approx(367.0)


def test_the_length_of_the_steps_changes_nothing() -> None:
    results = []
    for step_s in (0.05, 1.0, 12.0):
        plant, wall = make(Dut())
        energise(plant, wall)
        plant.hold()
        for _ in range(round(600.0 / step_s)):
            plant.advance(step_s, RATED)
        results.append((plant.heatsink_degc(), plant.mains().power_w, plant.case_degc()))
    assert results[0] == pytest.approx(results[1], rel=2e-4)
    assert results[1] == pytest.approx(results[2], rel=1e-9)


def test_an_unknown_relay_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"muting.*load_left"):
        make(Dut())[0].set_relay("muting", True)
