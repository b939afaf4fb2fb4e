"""The infrared thermometer on I2C, byte by byte: packet codes, what the kernel says, a bus that hangs, settings."""

from __future__ import annotations

import asyncio
import errno
import os
import time

import pytest

from drivers.catalog import CATALOG
from drivers.errors import DeviceTimeout, DriverError, PortError, ProtocolError, SettingMismatch
from drivers.i2c.line import Bus, I2cLine, packet_code
from drivers.i2c.mlx90614 import Mlx90614
from drivers.sim.mlx90614 import Mlx90614Twin, check_byte
from tests.drivers.double_world import DoubleWorld


def sensor(twin: Mlx90614Twin, emissivity: float = 1.0, deadline_s: float = 5.0, address: int = 0x5A) -> Mlx90614:
    return Mlx90614(I2cLine(1, deadline_s, lambda number: twin), address, emissivity)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("b4 07 b5 d2 3a", 0x30),  # data sheet, example of reading the object: 0x3AD2, PEC 0x30
        ("b4 06 b5 df 3a", 0xCF),  # recorded on a sensor's wire (acassis.wordpress.com, October 2018)
        ("00 2e 00 00", 0x6F),  # application note 390119061402: erasing cell 0x2E at the general address
    ],
)
def test_the_packet_code_is_that_of_the_data_sheets_example(data: str, code: int) -> None:
    assert packet_code(bytes.fromhex(data)) == check_byte(bytes.fromhex(data)) == code


async def test_it_reads_object_and_ambient_and_says_who_it_is() -> None:
    twin = Mlx90614Twin(DoubleWorld())
    device = sensor(twin)
    who = await device.ensure_ready()
    assert (who.model, who.serial_number) == ("MLX90614", "00018A2F5113C0DE")
    assert {request for _, request in twin.asked} == {bytes((c,)) for c in (0x3C, 0x3D, 0x3E, 0x3F, 0x24, 0x06, 0x07)}
    readings = await device.read()
    assert readings == pytest.approx({"object_degc": 45.0, "ambient_degc": 25.0}, abs=0.53)
    assert set(readings) == set(device.accuracy)
    await device.close()
    await device.close()
    assert twin.closed == 1


async def test_a_wrong_packet_code_is_an_error_and_no_temperature() -> None:
    twin = Mlx90614Twin(DoubleWorld())
    twin.fault = "code"
    with pytest.raises(
        ProtocolError, match=r"i2c-1 address 0x5A: cell 0x07: packet code 0x.. instead of 0x..; shorten"
    ):
        await sensor(twin).read()


async def test_a_flagged_temperature_is_an_error() -> None:
    twin = Mlx90614Twin(DoubleWorld())
    twin.flagged = True
    with pytest.raises(ProtocolError, match=r"object_degc is flagged invalid \(0x[89A-F]...\)"):
        await sensor(twin).read()


async def test_a_temperature_that_cannot_be_is_an_error() -> None:
    world = DoubleWorld()
    world.ambient_degc_now = 200.0
    with pytest.raises(ProtocolError, match=r"ambient_degc = .* is not within the possible -40 to 125"):
        await sensor(Mlx90614Twin(world)).read()


async def test_another_emissivity_is_refused_with_the_cell_to_write() -> None:
    twin = Mlx90614Twin(DoubleWorld(), emissivity=1.0)
    with pytest.raises(
        SettingMismatch, match=r"emissivity is 1.000, .* says 0.950; write 0xF332 into its EEPROM cell 0x24"
    ):
        await sensor(twin, emissivity=0.95).ensure_ready()
    await sensor(Mlx90614Twin(DoubleWorld(), emissivity=0.95), emissivity=0.95).ensure_ready()


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        ("nack", DeviceTimeout, "no device answers; check power, SDA and SCL, and the address: `i2cdetect -y 1`"),
        ("low", DeviceTimeout, "the bus is held low; check pull-ups"),
        ("gone", PortError, "/dev/i2c-1: is not there .*; switch I2C on"),
    ],
)
async def test_what_the_kernel_says_is_told_with_a_remedy(fault: str, kind: type[DriverError], said: str) -> None:
    twin = Mlx90614Twin(DoubleWorld())
    device = sensor(twin)
    await device.read()
    twin.fault = fault
    with pytest.raises(kind, match=said):
        await device.read()
    twin.fault = ""
    assert await device.read()


async def test_nobody_at_the_address_is_silence() -> None:
    with pytest.raises(DeviceTimeout, match=r"address 0x5B: no device answers"):
        await sensor(Mlx90614Twin(DoubleWorld()), address=0x5B).read()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOENT, r"/dev/i2c-1: is not there \(No such file or directory\); switch I2C on \(raspi-config"),
        (errno.EACCES, r"/dev/i2c-1: no permission; put the station's user into the group i2c"),
    ],
)
async def test_a_bus_that_cannot_be_opened_says_what_to_do(code: int, said: str) -> None:
    def shut(number: int) -> Bus:
        raise OSError(code, os.strerror(code))

    with pytest.raises(PortError, match=said):
        await Mlx90614(I2cLine(1, 5.0, shut)).read()


async def test_a_bus_that_hangs_holds_up_nobody_and_is_not_asked_again_before_it_is_back() -> None:
    twin = Mlx90614Twin(DoubleWorld())
    twin.fault = "hang"
    device = sensor(twin, deadline_s=0.05)
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    try:
        for _ in range(3):
            with pytest.raises(
                DeviceTimeout, match=r"the bus hangs: nothing within 0.05 s; a device holds SDA or SCL low"
            ):
                await device.read()
        assert turns > 10, "the loop went on meanwhile"
        assert len(twin.asked) == 1, "asked once: its thread is not back"
        await device.close()
        assert twin.closed == 0
    finally:
        counting.cancel()
        twin.fault = ""
        twin.released.set()
    deadline = time.monotonic() + 20.0
    while time.monotonic() < deadline:
        try:
            assert await sensor(twin).read()
            assert await device.read()
            break
        except DeviceTimeout:  # that thread is not back yet
            await asyncio.sleep(0)
    else:
        raise AssertionError("the bus never came back")
    assert twin.closed == 1, "by the thread that came back after its line was closed"


async def test_the_catalogue_makes_it_without_opening_anything() -> None:
    entry = CATALOG["mlx90614"]
    device = entry.make(entry.settings(i2c=99), {})
    with pytest.raises(PortError, match="/dev/i2c-99"):
        await device.ensure_ready()


def test_settings_that_no_sensor_has_are_refused() -> None:
    entry = CATALOG["mlx90614"]
    wrong = entry.settings(i2c=-1, address=0x78, emissivity=0.05)
    assert [fault.path for fault in entry.faults(wrong)] == [("i2c",), ("address",), ("emissivity",)]
    assert not list(entry.faults(entry.settings()))
