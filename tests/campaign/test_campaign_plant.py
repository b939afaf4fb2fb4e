"""The plant of the campaign: straight lines and steps that say exactly when they cross a level."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.campaign.history import RELAYS
from station.campaign.plant import MAINS_V, PEAK_V, TEST_V, Dut, Plant, Ramp
from station.campaign.virtual import US


def make_plant(dut: Dut | None = None) -> Plant:
    return Plant(dut or Dut(), dict.fromkeys(RELAYS, False))


def switch(plant: Plant, now_us: int, *, on: bool) -> None:
    plant.closed[:] = [on, on]
    plant.settle(now_us)


values = st.floats(-50.0, 400.0)


@given(values, values, values, st.floats(0.01, 300.0), st.integers(0, 10**9))
def test_a_ramp_is_past_a_level_as_soon_as_it_says_that_it_crosses(
    value: float, goal: float, level: float, rate: float, since_us: int
) -> None:
    ramp = Ramp(value, since_us, rate, goal)
    crosses_us = ramp.crosses_us(level, since_us)
    if crosses_us is None:
        assert value == goal or not min(value, goal) <= level <= max(value, goal)
        return
    sign = 1.0 if goal > value else -1.0
    assert sign * (ramp.at(crosses_us) - level) >= -1e-6
    if crosses_us - since_us > 10:
        assert sign * (ramp.at(crosses_us - 10) - level) <= 1e-6 + rate * 1e-5


def test_a_ramp_ends_at_its_goal_and_may_be_steered_on_the_way() -> None:
    ramp = Ramp(25.0)
    ramp.steer(0, 2.0, 35.0)
    assert (ramp.at(2 * US), ramp.at(90 * US)) == (29.0, 35.0)
    ramp.steer(2 * US, 1.0, 20.0)
    assert (ramp.at(2 * US), ramp.at(5 * US), ramp.at(60 * US)) == (29.0, 26.0, 20.0)
    ramp.jump(60 * US, 325.0)
    assert ramp.at(60 * US) == 325.0


def test_a_ramp_that_is_steered_to_where_it_goes_already_is_not_touched() -> None:
    ramp = Ramp(0.1)
    ramp.steer(0, 0.3, 99.0)
    for now_us in range(0, 10 * US, 50_001):
        ramp.steer(now_us, 0.3, 99.0)
    assert (ramp.value, ramp.since_us) == (0.1, 0)  # so looking more often changes no digit


def test_mains_is_on_the_plug_with_both_contactors_and_a_supply() -> None:
    plant = make_plant()
    assert not plant.live
    plant.closed[0] = True
    assert not plant.live
    switch(plant, 0, on=True)
    assert plant.live and plant.plug(0) == {"l_n_v": MAINS_V, "l_pe_v": MAINS_V, "n_pe_v": 0.5}
    plant.supply = False
    assert not plant.live and plant.power_w() == 0.0


@pytest.mark.parametrize(("bleed", "dead_s"), [(True, 0.9), (False, 17.7)])
def test_what_is_left_on_the_plug_is_bled_in_a_second_and_else_stays_for_long(bleed: bool, dead_s: float) -> None:
    plant = make_plant()
    switch(plant, 0, on=True)
    plant.relays["bleed"] = bleed
    switch(plant, US, on=False)
    assert plant.plug_volts(US) == PEAK_V
    assert plant.plug_volts(US + round((dead_s - 0.1) * US)) >= 60.0
    assert plant.plug_volts(US + round((dead_s + 0.1) * US)) < 60.0


def test_the_test_voltage_stands_between_both_poles_and_earth_also_when_it_is_off() -> None:
    plant = make_plant()
    plant.testing = True
    plant.settle(0)
    assert plant.plug(0) == {"l_n_v": 0.0, "l_pe_v": TEST_V, "n_pe_v": TEST_V}
    plant.testing = False
    plant.settle(0)
    assert plant.plug(0) == {"l_n_v": 0.0, "l_pe_v": TEST_V, "n_pe_v": TEST_V}
    switch(plant, 0, on=True)
    switch(plant, 0, on=False)
    assert plant.plug(0) == {"l_n_v": PEAK_V, "l_pe_v": PEAK_V, "n_pe_v": 0.0}


def test_heatsink_and_load_bank_warm_under_drive_into_a_load_and_cool_after() -> None:
    plant = make_plant()
    switch(plant, 0, on=True)
    plant.relays.update(load_left=True, load_right=True, fan=True)
    plant.playing_v = 1.0036
    plant.settle(0)
    assert (plant.heatsink.at(200 * US), plant.load_bank.at(200 * US)) == (35.0, 65.0)
    assert plant.load_bank.at(2_000 * US) == 75.0
    plant.playing_v = 0.0
    plant.settle(200 * US)
    assert plant.load_bank.at(210 * US) == 55.0
    assert plant.heatsink.at(1_000 * US) == 25.0


def test_a_load_bank_without_a_fan_does_not_stop_warming_at_75_degrees() -> None:
    plant = make_plant()
    switch(plant, 0, on=True)
    plant.relays.update(load_left=True, load_right=True, fan=True)
    plant.playing_v, plant.fan_broken = 1.0036, True
    plant.settle(0)
    assert plant.load_bank.at(500 * US) == 125.0
    assert plant.rpm(500 * US) == 0.0


def test_the_fan_has_a_run_up() -> None:
    plant = make_plant()
    plant.relays["fan"] = True
    plant.settle(0)
    assert (plant.rpm(300_000), plant.rpm(500_000)) == (0.0, 1500.0)


@pytest.mark.parametrize(
    ("dut", "watts"),
    [(Dut(), 38.0), (Dut(on=False), 0.0), (Dut(plugged=False), 0.0), (Dut(idle_w=120.0), 120.0)],
)
def test_a_device_takes_power_only_when_it_is_there_and_on(dut: Dut, watts: float) -> None:
    plant = make_plant(dut)
    switch(plant, 0, on=True)
    assert plant.power_w() == watts


def test_a_bridged_output_has_all_its_terminals_off_chassis() -> None:
    plant = make_plant(Dut(minus_v=23.0))
    assert set(plant.terminals().values()) == {0.0}
    switch(plant, 0, on=True)
    assert min(plant.terminals().values()) == 23.0
