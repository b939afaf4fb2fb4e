"""Multimeters on their twins, over a pty and over TCP: no volt for an ohm, whatever hands do to the front panel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from drivers.catalog import CATALOG
from drivers.errors import DeviceRefused, DriverError, ProtocolError, SettingMismatch
from drivers.scpi import xdm1041
from drivers.scpi.meter import ScpiMeter
from drivers.scpi.proving import same
from drivers.scpi.settings import MeterQuantity, MeterSettings, Setup, XdmSettings
from drivers.sim.multimeter import Multimeter, TextbookMeterTwin, XdmTwin
from drivers.sim.scpi import ScpiTwin
from tests.drivers.double_world import DoubleWorld
from tests.drivers.fake_line import FakeLine, Reply

QUANTITY = MeterQuantity("READ?", low=-11.0, high=11.0, accuracy_relative=5e-4, accuracy_absolute=3e-4)
TEXTBOOK = MeterSettings(
    {"volts_v": QUANTITY},
    identity="DMM6",
    setup=(
        Setup("SYST:REM"),
        Setup("CONF:VOLT:DC 10", "FUNC?", '"VOLT"'),
        Setup(query="VOLT:DC:RANG?", answer="10", every_read=False),
    ),
)


def replaced(settings: Any, **more: Any) -> Any:
    return type(settings)(**{name: getattr(settings, name) for name in settings.__slots__} | more)


@asynccontextmanager
async def meter_on(twin: ScpiTwin, settings: Any, by: str = "port") -> AsyncIterator[ScpiMeter]:
    where = await (twin.start() if by == "port" else twin.start_on_socket())
    kind = "xdm1041" if isinstance(settings, XdmSettings) else "scpi-meter"
    meter = CATALOG[kind].make(replaced(settings, **{by: where}), {})
    try:
        yield meter
    finally:
        await meter.close()
        await meter.close()
        await twin.close()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xdm1041, "SETTLE_S", 0.0)


def xdm(**more: Any) -> XdmSettings:
    return XdmSettings(
        **{"port": "", "reading": "bias_mv", "accuracy_relative": 1e-3, "accuracy_absolute": 0.25} | more
    )


@pytest.mark.parametrize("by", ["port", "address"])
async def test_a_textbook_meter_reads_what_its_leads_see_on_a_serial_line_and_on_a_socket(by: str) -> None:
    world = DoubleWorld(1.0)
    async with meter_on(TextbookMeterTwin(world, 3), TEXTBOOK, by) as meter:
        identity = await meter.ensure_ready()
        assert (identity.model, identity.serial_number, identity.firmware) == ("DMM6", "SIM00006", "1.0-2.0")
        for volts in (0.0, 4.2, -9.9):
            world.probe_v_now = volts
            assert (await meter.read())["volts_v"] == pytest.approx(volts, rel=5e-4, abs=3e-4)
        assert meter.accuracy["volts_v"].relative == 5e-4


async def test_the_xdm_reads_millivolts_in_its_smallest_range() -> None:
    world = DoubleWorld(1.0)
    world.probe_v_now = 0.0113
    twin = XdmTwin(world, 3)
    async with meter_on(twin, xdm(range=0.05, rate="S")) as meter:
        assert (await meter.ensure_ready()).model == "XDM1041"
        assert not twin.is_remote  # asking who it is sets nothing
        assert (await meter.read())["bias_mv"] == pytest.approx(11.3, abs=0.25)
        assert (twin.function, twin.range, twin.rate, twin.is_remote) == ("VOLT", 0.05, "S", True)
        assert meter.accuracy["bias_mv"].absolute == 0.25


@pytest.mark.parametrize(("twin_kind", "settings"), [(XdmTwin, xdm()), (TextbookMeterTwin, TEXTBOOK)])
async def test_a_meter_turned_to_ohms_never_reads_as_volts_and_is_set_up_anew(
    twin_kind: type[Multimeter], settings: Any
) -> None:
    world = DoubleWorld(1.0)
    world.probe_v_now = 0.02
    twin = twin_kind(world, 1)
    async with meter_on(twin, settings) as meter:
        await meter.read()
        twin.turn_to("RES")
        with pytest.raises(SettingMismatch, match=r"FUNC\? answers \"RES\", not .*VOLT.*leave its front panel alone"):
            await meter.read()
        (value,) = (await meter.read()).values()
        assert value == pytest.approx(20.0 if twin_kind is XdmTwin else 0.02, rel=0.1)
        assert twin.function == "VOLT"


async def test_a_meter_turned_while_it_measures_is_found_out_too() -> None:
    class Fidgety(TextbookMeterTwin):
        def answer(self, header: str, argument: str) -> str | None:
            if header == "READ?":
                self.turn_to("RES")
            return super().answer(header, argument)

    async with meter_on(Fidgety(DoubleWorld(1.0), 1), TEXTBOOK) as meter:
        with pytest.raises(SettingMismatch):
            await meter.read()


@pytest.mark.parametrize(("twin_kind", "settings"), [(XdmTwin, xdm(range=0.05)), (TextbookMeterTwin, TEXTBOOK)])
async def test_an_overload_is_an_error_and_the_next_reading_a_reading(
    twin_kind: type[Multimeter], settings: Any
) -> None:
    world = DoubleWorld(1.0)
    async with meter_on(twin_kind(world, 1), settings) as meter:
        world.probe_v_now = 60.0
        with pytest.raises(ProtocolError, match=r"overload \(\+?(1\.0+E\+09|9\.9.*)\); check leads and range"):
            await meter.read()
        world.probe_v_now = 0.01
        assert len(await meter.read()) == 1


async def test_ohms_are_read_as_ohms() -> None:
    settings = xdm(reading="load_ohm", function="ohms", range=500.0)
    async with meter_on(XdmTwin(DoubleWorld(1.0), 1), settings) as meter:
        assert (await meter.read())["load_ohm"] == pytest.approx(8.02, rel=0.001)


async def test_a_range_that_the_meter_does_not_have_is_told_at_the_first_reading() -> None:
    wrong = replaced(TEXTBOOK, setup=(Setup("CONF:VOLT:DC 30", "FUNC?", "VOLT"),))
    async with meter_on(TextbookMeterTwin(DoubleWorld(1.0), 1), wrong) as meter:
        with pytest.raises(DeviceRefused, match="setting up: the instrument reports -222 Data out of range"):
            await meter.read()
    deaf = replaced(TEXTBOOK, errors="", setup=(Setup("CONF:VOLT:DC 1000", "VOLT:DC:RANG?", "10"),))
    async with meter_on(TextbookMeterTwin(DoubleWorld(1.0), 1), deaf) as meter:
        with pytest.raises(SettingMismatch, match=r"VOLT:DC:RANG\? answers \+1\.0+E\+03, not 10"):
            await meter.read()


async def test_another_meter_on_the_port_is_refused_by_its_name() -> None:
    async with meter_on(
        TextbookMeterTwin(DoubleWorld(1.0), 1), replaced(TEXTBOOK, identity="DMM7", timeout_s=0.2)
    ) as meter:
        with pytest.raises(ProtocolError, match=r"SIMULATED,DMM6.*is it this instrument"):
            await meter.ensure_ready()


def saying(answer: str) -> FakeLine:
    texts = {"*IDN?": "A,DMM,1,2", "READ?": answer, "SYST:ERR?": '0,"No error"'}

    def reply(request: bytes) -> Reply:
        return [(0.0, f"{texts[request.decode().strip()]}\r\n".encode("latin-1"))]

    return FakeLine(reply, length=0)


@pytest.mark.parametrize(
    ("answer", "more"),
    [("OL", {"overload": ("OL",)}), ("-9.9E+37", {}), ("+INFINITY", {}), ("NAN", {}), ("9.91E37", {}), ("11.5", {})],
)
async def test_what_is_no_reading_is_never_read(answer: str, more: Mapping[str, Any]) -> None:
    with saying(answer) as fake:
        meter = ScpiMeter(MeterSettings({"volts_v": QUANTITY}, port=fake.path, timeout_s=0.2, **more))
        with pytest.raises(ProtocolError, match="volts_v"):
            await meter.read()
        await meter.close()


@pytest.mark.parametrize("answer", ["", "OL", "1,2", "1.2 mV", "1.2.3", "VOLT", "1.2\xb5"])
async def test_what_has_not_the_shape_of_a_number_is_no_answer(answer: str) -> None:
    with saying(answer) as fake:
        meter = ScpiMeter(MeterSettings({"volts_v": QUANTITY}, port=fake.path, timeout_s=0.05))
        with pytest.raises(DriverError):
            await meter.read()
        await meter.close()


async def test_a_suffix_and_a_scale_belong_to_the_quantity() -> None:
    with saying("+1.5 mVDC") as fake:
        quantities = {"volts_v": MeterQuantity("READ?", scale=0.001, suffix="mVDC")}
        meter = ScpiMeter(MeterSettings(quantities, port=fake.path))
        assert await meter.read() == {"volts_v": pytest.approx(0.0015)}
        await meter.close()


async def test_a_meter_switched_off_and_on_is_set_up_anew_and_a_torn_wire_is_an_error() -> None:
    world = DoubleWorld(1.0)
    world.probe_v_now = 0.02
    twin = XdmTwin(world, 1)
    async with meter_on(twin, xdm(range=0.05)) as meter:
        await meter.read()
        twin.power_cycle()  # the function is the same by chance, the range and the rate are not
        twin.turn_to("FREQ")
        with pytest.raises(SettingMismatch):
            await meter.read()
        await meter.read()
        assert (twin.range, twin.rate) == (0.05, "S")
        await twin.close()
        for _ in range(2):
            with pytest.raises(DriverError, match="/dev/pts"):
                await meter.read()


async def test_a_reading_that_is_cancelled_leaves_nothing_behind() -> None:
    asked = asyncio.Event()

    class Watched(TextbookMeterTwin):
        def answer(self, header: str, argument: str) -> str | None:
            if header == "READ?":
                asked.set()
            return super().answer(header, argument)

    world = DoubleWorld(1.0)
    world.probe_v_now = 9.0
    async with meter_on(Watched(world, 1), TEXTBOOK) as meter:
        reading = asyncio.create_task(meter.read())
        await asked.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        world.probe_v_now = 2.5
        assert (await meter.read())["volts_v"] == pytest.approx(2.5, rel=0.001)


@pytest.mark.parametrize(
    ("wanted", "got", "equal"),
    [
        ("VOLT", '"VOLT"', True),
        ("volt ac", '"VOLT AC"', True),
        ("VOLT", '"VOLT AC"', False),
        ("0.05", "+5.00000000E-02", True),
        ("0.05 V", "50 mV", True),
        ("0.5 V", "50 mV", False),
        ("10", "10 V", False),
        ("1000 V", "1 kV", True),
        ("S", "S", True),
        ("S", "F", False),
    ],
)
def test_answers_are_compared_by_what_they_say(wanted: str, got: str, equal: bool) -> None:
    assert same(wanted, got) is equal
