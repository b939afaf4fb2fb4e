"""The simulated phone: what its charger, port and battery do, by their own physics."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.sim.audio_path import SILENT
from drivers.sim.phone import LEAD_OHM, SUPPLY_A_MAX, PhoneDevice, PhoneDut
from drivers.sim.world import FeedReading

GOOD = PhoneDut()


def settled(
    dut: PhoneDut, *, powered: bool, speed: float = 1.0, seconds: int = 20, waiting: bool = True
) -> FeedReading:
    device = PhoneDevice(dut, speed)
    assert device.act("flight 1")
    for _ in range(seconds):
        device.step(1.0, powered, SILENT, waiting=waiting)
    return device.feed()


def test_a_nearly_full_battery_is_held_at_its_voltage_and_takes_less() -> None:
    taper = settled(replace(GOOD, charge_percent=99.0), powered=True)
    assert taper.battery_v == pytest.approx(GOOD.cutoff_v, abs=0.005)
    assert 0.1 < -taper.battery_a < 0.6, "less than the constant current of 1.5 A"


def test_what_reaches_the_battery_has_come_through_the_plug() -> None:
    now = settled(GOOD, powered=True)
    into_w = (now.main_v - now.main_a * GOOD.port_ohm) * now.main_a * GOOD.efficiency
    battery_w = -now.battery_a * now.battery_v
    assert battery_w < into_w and battery_w == pytest.approx(into_w, rel=0.01), "the rest feeds the board"
    assert now.main_v == pytest.approx(GOOD.supply_v - LEAD_OHM * now.main_a)


@pytest.mark.parametrize(("port_ohm", "main_a"), [(0.4, 1.0), (0.9, 0.5), (1e8, 0.0)])
def test_a_worn_port_makes_the_charger_draw_less_until_its_input_holds(port_ohm: float, main_a: float) -> None:
    assert settled(replace(GOOD, port_ohm=port_ohm), powered=True).main_a == pytest.approx(main_a, abs=0.001)


def test_a_shorted_port_takes_all_that_the_supply_gives_and_its_voltage_is_gone() -> None:
    now = settled(replace(GOOD, port_leak_ohm=0.2), powered=True)
    assert now.main_a == pytest.approx(SUPPLY_A_MAX) and now.main_v == pytest.approx(0.6)


def test_asleep_it_takes_less_than_awake_and_a_flat_one_only_what_leaks() -> None:
    device = PhoneDevice(replace(GOOD, leak_ma=1.0), 1.0)
    awake, _ = device.feed().battery_a, device.act("flight 1")
    assert (awake, device.feed().battery_a) == (pytest.approx(0.181), pytest.approx(0.007))
    flat = settled(replace(GOOD, charge_percent=-3.0, leak_ma=1.0), powered=False)
    assert flat.battery_a == pytest.approx(0.001) and flat.battery_v < 2.5


def test_the_charge_moves_with_the_wall_while_the_bench_waits_and_with_the_plant_otherwise() -> None:
    def charged(*, waiting: bool) -> float:
        return settled(GOOD, powered=True, speed=240.0, seconds=3600, waiting=waiting).battery_v

    start_v = settled(GOOD, powered=True).battery_v
    assert charged(waiting=True) - start_v < 0.005 < charged(waiting=False) - start_v


def test_nobody_can_do_to_a_phone_what_it_has_nothing_for() -> None:
    assert not PhoneDevice(GOOD, 1.0).act("probe rail_5v")
