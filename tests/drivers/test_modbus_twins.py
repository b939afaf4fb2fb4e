"""The Modbus twins err like real instruments, within the bounds of contracts/cli.md, with a real bus's manners."""

from __future__ import annotations

import struct

import pytest

from drivers.errors import DeviceRefused, DeviceTimeout
from drivers.sim.instrument import Bounds, Instrument
from drivers.sim.modbus_devices import DcMeterTwin, InfraredTwin, MainsTwin, ProbeTwin, RegisterTwin, ThermocoupleTwin
from drivers.sim.world import RELAY_ROLES, MainsReading
from tests.contract.twin_bench import twin_bench
from tests.drivers.double_world import DoubleWorld

SEEDS = range(60)


def shown(twin: type[RegisterTwin], seed: int, world: DoubleWorld, function: int = 4) -> list[list[int]]:
    device = twin(world, str(seed))
    return [device.read(function) for _ in range(5)]


def test_the_mains_meter_stays_within_half_a_per_cent() -> None:
    world = DoubleWorld()
    world.mains_now = MainsReading(230.0, 5.0, 1000.0, 50.0, 0.87, 100.0)
    for seed in SEEDS:
        for words in shown(MainsTwin, seed, world):
            assert words[0] * 0.1 == pytest.approx(230.0, rel=0.005)
            assert (words[1] | words[2] << 16) * 0.001 == pytest.approx(5.0, rel=0.005)
            assert (words[3] | words[4] << 16) * 0.1 == pytest.approx(1000.0, rel=0.005)


def test_thermometers_have_a_fixed_error_of_half_a_kelvin_at_most_and_noise_of_0_02_k_at_most() -> None:
    world = DoubleWorld()
    for seed in SEEDS:
        sink = [words[0] * 1370 / 65535 for words in shown(ThermocoupleTwin, seed, world, 3)]
        case = [words[1] * 0.02 - 273.15 for words in shown(InfraredTwin, seed, world)]
        for readings, truth in ((sink, world.heatsink_degc_now), (case, world.case_degc_now)):
            assert all(abs(reading - truth) <= 0.5 for reading in readings)
            assert max(readings) - min(readings) <= 0.0421  # +- 0.02 K and the register's step


def test_probe_and_dc_meter_stay_within_two_and_half_a_per_cent() -> None:
    world = DoubleWorld()
    world.peak_a_now = 37.6
    for seed in SEEDS:
        assert all(words[0] * 0.01 == pytest.approx(37.6, rel=0.02) for words in shown(ProbeTwin, seed, world))
        for words in shown(DcMeterTwin, seed, world):
            volts = struct.unpack(">4f", struct.pack(">8H", *words))
            assert abs(volts[0] - 0.008) <= 0.008 * 0.005 + 0.0001
            assert abs(volts[1]) <= 0.0001


def test_an_instrument_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    bounds = Bounds(relative=0.02)
    same, again, other = (Instrument(seed, bounds).read(100.0) for seed in ("7 meter", "7 meter", "8 meter"))
    assert same == again
    assert same != other
    assert 98.6 <= min(same, other) <= max(same, other) <= 101.4  # 70 % of the bound


def test_fixed_errors_use_both_sides_of_their_range() -> None:
    gains = [Instrument(str(seed), Bounds(relative=0.02)).read(1.0) for seed in SEEDS]
    assert min(gains) < 0.993
    assert max(gains) > 1.007


async def test_an_address_without_a_device_stays_silent() -> None:
    async with twin_bench() as bench:
        with pytest.raises(DeviceTimeout, match="address 99"):
            await bench.buses["a"].read_input(99, 0, 1)


async def test_functions_and_registers_that_a_device_has_not_are_refused() -> None:
    async with twin_bench() as bench:
        a, b = bench.buses["a"], bench.buses["b"]
        for asking in (
            a.read_holding(2, 0, 1),  # the mains meter has input registers only
            a.read_input(2, 0, 11),  # one more than it has
            a.read_input(1, 0, 1),
            b.read_holding(14, 0, 1),
            b.write_register(12, 0, 1, None),
            a.write_coils(1, 4, [False] * 8, None),  # beyond the eighth relay
        ):
            with pytest.raises(DeviceRefused, match="exception"):
                await asking


async def test_coils_of_the_board_are_the_relays_of_the_world_by_role() -> None:
    async with twin_bench() as bench:
        bench.world.relays["fan"] = bench.world.relays["load_left"] = True  # switched by someone else
        coils = await bench.buses["a"].read_coils(1, 0, 8)
        assert [role for role, on in zip(RELAY_ROLES, coils, strict=True) if on] == ["load_left", "fan"]


async def test_the_bus_lives_on_after_garbage_from_the_station() -> None:
    async with twin_bench() as bench:
        bus = bench.buses["a"]
        await bus.read_input(2, 0, 10)
        bus._transactions._line._port.write(bytes(range(7)))
        readings = 0
        for _ in range(4):
            try:
                readings += len(await bus.read_input(2, 0, 10))
            except DeviceTimeout:
                continue
        assert readings >= 20
