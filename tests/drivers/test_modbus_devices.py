"""Modbus drivers byte by byte: scales, word orders, and every impossible value an error that names value and bound."""

from __future__ import annotations

import math
import struct

import pytest

from drivers.errors import ProtocolError, SettingMismatch
from drivers.modbus.adam4118 import Adam4118
from drivers.modbus.bus import ModbusBus
from drivers.modbus.frame import crc16
from drivers.modbus.infrared import InfraredThermometer
from drivers.modbus.pzem import Pzem
from drivers.modbus.register_map import RegisterMapMeter, RegisterMapProbe
from drivers.modbus.sdm import Sdm
from drivers.modbus.settings import RegisterField, RegisterMapSettings
from drivers.modbus.waveshare_relay import WaveshareRelay8
from tests.drivers.fake_registers import device_with, recorded, replying
from tests.drivers.twin_bus import Allowed


async def test_the_mains_meter_joins_low_and_high_words_in_one_read() -> None:
    words = {0: 2301, 1: 0x86A0, 2: 0x0001, 3: 0x1170, 4: 0x0001, 5: 5, 6: 1, 7: 500, 8: 98}
    async with device_with(words) as (bus, line):
        readings = await Pzem(bus, 2).read()
        assert readings == pytest.approx(
            {
                "voltage_v": 230.1,
                "current_a": 100.0,
                "power_w": 7000.0,
                "energy_wh": 65541.0,
                "frequency_hz": 50.0,
                "power_factor": 0.98,
            }
        )
        assert line.requests == [bytes.fromhex("02 04 00 00 00 0a") + crc16(bytes.fromhex("02 04 00 00 00 0a"))]


@pytest.mark.parametrize(
    ("register", "raw", "name"), [(0, 3001, "voltage_v"), (7, 700, "frequency"), (8, 101, "factor")]
)
async def test_an_impossible_mains_reading_names_value_and_bound(register: int, raw: int, name: str) -> None:
    async with device_with({register: raw}) as (bus, _):
        with pytest.raises(ProtocolError, match=rf"{name}.* = .* is above the possible"):
            await Pzem(bus, 2).read()


async def test_the_makers_example_reply_is_read_as_their_manual_reads_it() -> None:
    """PZEM manual, 2.3: 220.0 V, 1.000 A, 220.0 W, 0 Wh, 50.0 Hz, 1.00."""
    reply = "01 04 14 08 98 03 e8 00 00 08 98 00 00 00 00 00 00 01 f4 00 64 00 00"
    async with replying(recorded(("01 04 00 00 00 0a", reply))) as (bus, _):
        readings = await Pzem(bus, 1, "PZEM-004T", 10).read()
        assert list(readings.values()) == pytest.approx([220.0, 1.0, 220.0, 0.0, 50.0, 1.0])


async def test_the_small_pzem_reads_no_more_than_its_shunt_carries() -> None:
    async with device_with({1: 11_001}) as (bus, _):
        assert (await Pzem(bus, 2).read())["current_a"] == pytest.approx(11.001)
        with pytest.raises(ProtocolError, match=r"PZEM-004T.*current_a = 11.001 is above the possible 11;"):
            await Pzem(bus, 2, "PZEM-004T", 10).read()
        assert (await Pzem(bus, 2, "PZEM-004T").ensure_ready()).model == "PZEM-004T"


SDM_WORDS = {0: 0x4366, 1: 0x3334, 0x06: 0x4000, 0x0C: 0x43E6, 0x12: 0x43E6, 0x1E: 0xBF80, 0x46: 0x4248, 0x156: 0x3F80}


async def test_the_eastron_meters_floats_are_read_in_three_transactions() -> None:
    async with device_with(SDM_WORDS | {0xFC00: 0x0123, 0xFC01: 0x4567, 0xFC02: 0x0020}) as (bus, line):
        meter = Sdm(bus, 1, "SDM120")
        assert await meter.read() == pytest.approx(
            {
                "voltage_v": 230.2,
                "current_a": 2.0,
                "power_w": 460.0,
                "apparent_va": 460.0,
                "power_factor": -1.0,
                "frequency_hz": 50.0,
                "energy_wh": 1000.0,
            }
        )
        assert line.requests[2] == bytes.fromhex("01 04 01 56 00 02 90 27"), "the example of the SDM320Y manual, 4.3"
        assert all(request[3] % 2 == request[5] % 2 == 0 for request in line.requests), "starts and counts are even"
        who = await meter.ensure_ready()
        assert (who.model, who.serial_number) == ("SDM120 (code 0x0020)", "19088743")


async def test_an_eastron_meter_that_tells_no_serial_number_is_read_all_the_same() -> None:
    async with device_with(SDM_WORDS, refused=range(0xFC00, 0xFC01)) as (bus, _):
        assert (await Sdm(bus, 1, "SDM220").ensure_ready()).model == "SDM220"


@pytest.mark.parametrize(
    ("high", "low", "said"),
    [
        (0x467D, 0x3C00, "power_w = 16207 is above the possible 16200"),
        (0xC67D, 0x3C00, "power_w = -16207 is below the possible -16200"),
    ],
)
async def test_a_power_beyond_the_eastron_meter_is_an_error_in_both_directions(high: int, low: int, said: str) -> None:
    async with device_with(SDM_WORDS | {0x0C: high, 0x0D: low}) as (bus, _):
        with pytest.raises(ProtocolError, match=said):
            await Sdm(bus, 1, "SDM120").read()


async def test_a_current_beyond_the_eastron_meter_is_an_error() -> None:
    async with device_with(SDM_WORDS | {0x06: 0x4270}) as (bus, _):  # 60 A
        assert (await Sdm(bus, 1, "SDM220").read())["current_a"] == 60.0
        with pytest.raises(ProtocolError, match=r"SDM120.*current_a = 60 is above the possible 54;"):
            await Sdm(bus, 1, "SDM120").read()


async def test_the_relay_boards_frames_are_those_of_its_makers_page() -> None:
    """Waveshare wiki, Modbus RTU Relay, development protocol V2: version, states, one relay on, all off."""
    frames = (
        ("01 03 80 00 00 01", "01 03 02 00 c8"),
        ("01 01 00 00 00 08", "01 01 01 05"),
        ("01 05 00 00 ff 00", "01 05 00 00 ff 00"),
    )
    async with replying(recorded(*frames)) as (bus, line):
        board = WaveshareRelay8(bus, 1)
        assert (await board.ensure_ready()).firmware == "V2.00"
        assert list(await board.read_back()) == [True, False, True, False, False, False, False, False]
        await board.write(0, True, Allowed())
        assert line.requests[-1] == bytes.fromhex("01 05 00 00 ff 00 8c 3a")
    async with replying(recorded(("01 0f 00 00 00 08 01 00", "01 0f 00 00 00 08")), length=10) as (bus, line):
        await WaveshareRelay8(bus, 1).all_off()
        assert line.requests == [bytes.fromhex("01 0f 00 00 00 08 01 00 fe 95")], "all off in one frame"


async def test_thermocouples_are_scaled_over_the_range_of_type_k() -> None:
    async with device_with({0: 2918, 1: 1196, 5: 65534}) as (bus, line):
        readings = await Adam4118(bus, 3, {"heatsink_degc": 0, "ambient_degc": 1, "loadbank_degc": 5}).read()
        assert readings["heatsink_degc"] == pytest.approx(61.0, abs=0.02)
        assert readings["ambient_degc"] == pytest.approx(25.0, abs=0.02)
        assert len(line.requests) == 1


@pytest.mark.parametrize("raw", [0, 0xFFFF])
async def test_a_burnt_out_thermocouple_is_an_error_and_no_temperature(raw: int) -> None:
    async with device_with({0: 2918, 1: raw}) as (bus, _):
        with pytest.raises(ProtocolError, match=r"ambient_degc \(input 1\).*burnt out"):
            await Adam4118(bus, 3, {"heatsink_degc": 0, "ambient_degc": 1}).read()


def test_thermocouple_inputs_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="inputs 0 to 7"):
        Adam4118(ModbusBus("/dev/null", 9600, 1, 1), 3, {"heatsink_degc": 8})


async def test_the_infrared_thermometer_reads_kelvin_cells() -> None:
    async with device_with({6: 14908, 7: 16708}) as (bus, _):
        readings = await InfraredThermometer(bus, 4).read()
        assert readings == pytest.approx({"ambient_degc": 25.01, "object_degc": 61.01})


async def test_the_infrared_thermometers_invalid_flag_is_an_error() -> None:
    async with device_with({6: 14908, 7: 0x8000 | 16708}) as (bus, _):
        with pytest.raises(ProtocolError, match="object_degc is flagged invalid"):
            await InfraredThermometer(bus, 4).read()


ADAM_WORDS = dict.fromkeys(range(8), 30000) | dict.fromkeys(range(200, 208), 0x0F)
ADAM_WORDS |= {210: 0x4118, 212: 0xA200, 213: 0xB001}


async def test_the_thermocouple_module_says_its_name_and_its_types_are_read_back() -> None:
    async with device_with(ADAM_WORDS | {201: 0x10}) as (bus, line):
        module = Adam4118(bus, 3, {"heatsink_degc": 0, "ambient_degc": 1}, {"ambient_degc": "T"})
        who = await module.ensure_ready()
        assert (who.model, who.firmware) == ("ADAM-4118", "A200 B001")
        assert [request[1:6].hex() for request in line.requests[:2]] == ["0300d20004", "0300c80008"]
        readings = await module.read()
        assert readings["heatsink_degc"] == pytest.approx(30000 * 1370 / 65535)
        assert readings["ambient_degc"] == pytest.approx(-100 + 30000 * 500 / 65535)
        wrong = Adam4118(bus, 3, {"heatsink_degc": 0, "ambient_degc": 1})
        with pytest.raises(SettingMismatch, match=r"ambient_degc \(input 1\) has type code 0x10, .* type K \(0x0F\)"):
            await wrong.ensure_ready()


async def test_another_module_at_the_address_is_refused() -> None:
    async with device_with(ADAM_WORDS | {210: 0x4017, 211: 0x5000}) as (bus, _):
        with pytest.raises(SettingMismatch, match="calls itself ADAM-4017P, not ADAM-4118"):
            await Adam4118(bus, 3, {"heatsink_degc": 0}).ensure_ready()


def meter(bus: ModbusBus, arm_register: int | None = None, **quantities: RegisterField) -> RegisterMapMeter:
    settings = RegisterMapSettings("b", 12, quantities, arm_register=arm_register)
    return RegisterMapMeter(bus, settings) if arm_register is None else RegisterMapProbe(bus, settings)


async def test_every_type_and_word_order_of_a_register_map_is_decoded() -> None:
    high, low = struct.unpack(">HH", struct.pack(">f", -12.5))
    words = {0: 0xFFFE, 1: 0xFFFE, 2: high, 3: low, 4: low, 5: high, 6: 0xFFFF, 7: 0xFFF6, 8: 0x0001, 9: 0x0002}
    async with device_with(words) as (bus, line):
        readings = await meter(
            bus,
            signed_v=RegisterField(0, type="int16", scale=0.5),
            unsigned_v=RegisterField(1, offset=-65534.0),
            big_v=RegisterField(2, type="float32"),
            little_v=RegisterField(4, type="float32", word_order="little"),
            long_v=RegisterField(6, type="int32"),
            swapped_v=RegisterField(8, type="uint32", word_order="little"),
        ).read()
        assert readings == {
            "signed_v": -1.0,
            "unsigned_v": 0.0,
            "big_v": -12.5,
            "little_v": -12.5,
            "long_v": -10.0,
            "swapped_v": 0x00020001,
        }
        assert len(line.requests) == 1, "registers that stand next to each other are one transaction"


async def test_gaps_and_functions_make_separate_transactions() -> None:
    async with device_with({0: 1, 20: 2, 21: 3}) as (bus, line):
        fields = {"a_v": RegisterField(0), "b_v": RegisterField(20), "c_v": RegisterField(21, function="holding")}
        assert await meter(bus, **fields).read() == {"a_v": 1.0, "b_v": 2.0, "c_v": 3.0}
        assert sorted((r[1], r[3], r[5]) for r in line.requests) == [(3, 21, 1), (4, 0, 1), (4, 20, 1)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
async def test_a_float_that_is_no_number_is_an_error(value: float) -> None:
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    async with device_with({0: high, 1: low}) as (bus, _):
        with pytest.raises(ProtocolError, match=r"left_plus_v is .*not a number"):
            await meter(bus, left_plus_v=RegisterField(0, type="float32")).read()


@pytest.mark.parametrize(("raw", "text"), [(401, "40.1 is above the possible 40"), (9, "0.9 is below the possible 1")])
async def test_a_value_outside_its_declared_bounds_is_an_error(raw: int, text: str) -> None:
    async with device_with({0: raw}) as (bus, _):
        with pytest.raises(ProtocolError, match=text):
            await meter(bus, peak_a=RegisterField(0, scale=0.1, low=1.0, high=40.0)).read()


async def test_a_probe_that_does_not_clear_is_a_setting_mismatch() -> None:
    async with device_with({0: 150}) as (bus, line):
        probe = meter(bus, arm_register=16, peak_a=RegisterField(0, scale=0.01, accuracy_absolute=0.02))
        assert isinstance(probe, RegisterMapProbe)
        with pytest.raises(SettingMismatch, match=r"peak_a holds 1.5 after arming, more than 0.03"):
            await probe.arm()
        assert line.requests[0][1:6] == bytes.fromhex("06 00 10 00 01")
