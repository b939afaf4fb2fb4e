"""The load bank as one thing: what it tells while loads are open and closed, and a load that is not its own."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.errors import ProtocolError
from drivers.modbus.load_bank import LoadBank
from drivers.modbus.settings import LoadBankSettings, RegisterField
from drivers.sim.modbus_devices import LoadBankTwin
from tests.drivers.twin_bus import TwinBus, twin_bus

AT = 15
MAP = {
    "left_ohm": RegisterField(0, type="float32", low=0.0, high=1e7, accuracy_relative=0.001),
    "right_ohm": RegisterField(2, type="float32", low=0.0, high=1e7, accuracy_relative=0.001),
    "bank_degc": RegisterField(4, type="float32", low=-40.0, high=400.0),
    "fan_ok": RegisterField(0, "discrete"),
    "thermostat_ok": RegisterField(1, "discrete"),
}


def bank(one: TwinBus, **more: Any) -> LoadBank:
    own: dict[str, Any] = {"rated_power_w": 300.0, "load_ohm": 8.0, "model": "load bank"} | more
    return LoadBank(one.bus, LoadBankSettings(bus="b", address=AT, quantities=MAP, **own))


async def test_with_the_loads_open_everything_is_read() -> None:
    async with twin_bus({AT: LoadBankTwin}) as one:
        device = bank(one)
        assert (await device.ensure_ready()).model == "load bank"
        readings = await device.read()
        assert readings == pytest.approx(
            {"left_ohm": 8.02, "right_ohm": 8.02, "bank_degc": 50.0, "fan_ok": 0.0, "thermostat_ok": 1.0}, rel=0.012
        )
        assert set(readings) == set(device.accuracy)


async def test_under_drive_the_thermostat_is_heard_and_the_ohms_are_left_out() -> None:
    async with twin_bus({AT: LoadBankTwin}) as one:
        one.world.relays |= {"load_left": True, "load_right": True, "fan": True}
        one.world.load_bank_degc_now = 131.0
        readings = await bank(one).read()
        assert set(readings) == {"bank_degc", "fan_ok", "thermostat_ok"}
        assert (readings["fan_ok"], readings["thermostat_ok"]) == (1.0, 0.0)


@pytest.mark.parametrize(("ohm", "off"), [(7.4, r"-7.\d %"), (8.4, r"\+5.\d %"), (15.0, r"\+87.\d %")])
async def test_a_load_that_has_drifted_is_named_with_both_figures(ohm: float, off: str) -> None:
    async with twin_bus({AT: LoadBankTwin}) as one:
        one.world.load_bank_ohm_now = ohm
        said = rf"load bank\): left_ohm = .* is {off} off the bank's 8 ohm, more than 2 %"
        readings = await bank(one).read()
        assert readings["left_ohm"] == pytest.approx(ohm, rel=0.001)
        with pytest.raises(ProtocolError, match=said):
            bank(one).check_loads(readings)
        bank(one, load_ohm=ohm).check_loads(readings)


async def test_a_drifted_load_hides_neither_thermostat_nor_fan_nor_temperature() -> None:
    async with twin_bus({AT: LoadBankTwin}) as one:
        one.world.load_bank_ohm_now, one.world.load_bank_degc_now = 8.4, 131.0
        readings = await bank(one).read()
        assert (set(readings), readings["thermostat_ok"]) == (set(MAP), 0.0)


@pytest.mark.parametrize("ohm", [0.0, 3.9, 16.5, 9e6])
async def test_a_shorted_or_missing_load_is_a_reading_for_the_steps_to_name(ohm: float) -> None:
    async with twin_bus({AT: LoadBankTwin}) as one:
        one.world.load_bank_ohm_now = ohm
        readings = await bank(one).read()
        assert readings["right_ohm"] == pytest.approx(ohm, rel=0.001)
        bank(one).check_loads(readings)
