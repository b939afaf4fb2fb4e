"""The ST5540's answers that must not be taken for a touch current, and its refusals."""

from __future__ import annotations

import pytest

from drivers.errors import DeviceRefused, DriverError, ProtocolError, SettingMismatch
from drivers.scpi import st5540
from drivers.scpi.faults import touch_faults
from drivers.scpi.settings import IEC_60990, Setup, TouchSettings
from drivers.scpi.st5540 import HiokiSt5540
from drivers.sim.st5540 import St5540Twin
from tests.drivers.double_world import DoubleWorld
from tests.drivers.fake_line import FakeLine, Reply


def meter_that_says(maximum: str, events: str = "0") -> FakeLine:
    answers = {"*IDN?": "HIOKI,ST5541,123456,V1.20", "*ESR?": events, ":MEAS:MAX?": maximum}
    answers |= {step.query: step.answer for step in IEC_60990}

    def answer(request: bytes) -> Reply:
        text = answers.get(request.decode().strip())
        return [(0.0, f"{text}\r\n".encode())] if text is not None else []

    return FakeLine(answer, length=0)


@pytest.mark.parametrize(
    ("maximum", "value_ma", "line_open", "pe_open"),
    [
        ("+1.2340E-04,3,0,0,1,0,0", 0.1234, False, False),
        ("0.00047,0,1,2,0", 0.47, False, True),
        ("5.0E-4,1,0,1,1,0", 0.5, True, False),
    ],
)
async def test_maxima_come_in_ma_rms(maximum: str, value_ma: float, line_open: bool, pe_open: bool) -> None:
    with meter_that_says(maximum) as fake:
        meter = HiokiSt5540(TouchSettings(fake.path))
        reading = await meter.read_maximum()
        assert reading.value_ma == pytest.approx(value_ma)
        assert (reading.line_open, reading.pe_open) == (line_open, pe_open)
        await meter.close()


@pytest.mark.parametrize(
    "maximum",
    [
        "1.0E-4,3,0,0,2,0,0",  # DC
        "1.0E-4,3,0,0,3,0,0",  # peak
        "1.0E-4,3,0,3,1,0,0",  # 110 % of the voltage applied
        "-1.0E-4,3,0,0,1,0,0",
        "nan,3,0,0,1,0,0",
    ],
)
async def test_anything_else_is_an_error(maximum: str) -> None:
    with meter_that_says(maximum) as fake:
        meter = HiokiSt5540(TouchSettings(fake.path))
        with pytest.raises(ProtocolError):
            await meter.read_maximum()
        await meter.close()


async def test_a_meter_that_takes_no_command_names_it() -> None:
    with meter_that_says("0,3,0,0,1", events="16") as fake:
        meter = HiokiSt5540(TouchSettings(fake.path))
        with pytest.raises(DeviceRefused, match=r"did not take :NETW C \(\*ESR\? 16\); correct `setup`"):
            await meter.start()
        assert (await meter.ensure_ready()).model == "Hioki ST5541"
        await meter.close()


async def test_a_maximum_that_is_not_cleared_is_not_the_next_duts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Deaf(St5540Twin):
        deaf = False

        def answer(self, header: str, argument: str) -> str | None:
            return None if self.deaf and header == "STAR" else super().answer(header, argument)

    monkeypatch.setattr(st5540, "LOOK_S", 0.01)
    world = DoubleWorld(1.0)
    world.touch_current_ma_now = 0.1
    twin = Deaf(world, 1)
    meter = HiokiSt5540(TouchSettings(await twin.start()))
    for _ in range(3):  # the same current each time is no reason to refuse
        await meter.start()
        assert (await meter.read_maximum()).value_ma == pytest.approx(0.1, rel=0.03)
    twin.deaf, world.touch_current_ma_now = True, 5.0
    with pytest.raises(SettingMismatch, match=r"still is .* mA after :STAR.*not cleared"):
        await meter.start()
    await meter.close()
    await twin.close()


async def test_a_meter_that_holds_nothing_yet_may_show_dashes() -> None:
    with meter_that_says("------,3,0,0,1,0,0") as fake:
        meter = HiokiSt5540(TouchSettings(fake.path))
        await meter.start()
        assert b":STAR\r\n" in fake.requests
        await meter.close()


async def test_no_meter_is_a_driver_error() -> None:
    meter = HiokiSt5540(TouchSettings("/dev/bench-nothing"))
    with pytest.raises(DriverError, match="udev rule"):
        await meter.read_maximum()
    await meter.close()


async def test_the_meter_is_set_up_whatever_was_left_at_its_panel_and_a_change_meanwhile_is_seen() -> None:
    world = DoubleWorld(1.0)
    twin = St5540Twin(world, 1)
    meter = HiokiSt5540(TouchSettings(await twin.start()))
    assert (await meter.ensure_ready()).serial_number == "SIM00002"
    assert twin.settings["NETW"] == "A"  # asking who it is sets nothing
    await meter.start()
    assert twin.settings == {
        "NETW": "C", "MODE": "ENCLOSURE1", "CONF:AUTO": "OFF", "CONF:COND": "NORMAL", "CONF:POL": "NORMAL"
    }  # fmt: skip
    assert (await meter.read_maximum()).value_ma == pytest.approx(world.touch_current_ma_now, rel=0.03)
    twin.settings["NETW"] = "B1"
    with pytest.raises(SettingMismatch, match=r":NETW\? answers B1, not C"):
        await meter.read_maximum()
    await meter.close()
    await twin.close()


async def test_a_set_up_that_the_meter_does_not_take_names_the_command() -> None:
    twin = St5540Twin(DoubleWorld(1.0), 1)
    wrong = TouchSettings(await twin.start(), setup=(Setup(":MODE ENCL9", ":MODE?", "ENCLOSURE9"),))
    meter = HiokiSt5540(wrong)
    with pytest.raises(DeviceRefused, match=r"did not take :MODE ENCL9 \(\*ESR\? 16\)"):
        await meter.start()
    unmoved = HiokiSt5540(TouchSettings(wrong.port, setup=(Setup(":STAR"),)))
    await meter.close()
    with pytest.raises(DeviceRefused, match=r"did not take :STAR"):
        await unmoved.start()
    await unmoved.close()
    await twin.close()


@pytest.mark.parametrize("missing", [0, 2, 3])
def test_check_refuses_a_set_up_that_does_not_prove_network_hand_and_normal_condition(missing: int) -> None:
    steps = [step for place, step in enumerate(IEC_60990) if place != missing]
    unproven = (Setup(IEC_60990[missing].command), *steps)
    wanted = {0: "the network", 2: "AUTO OFF", 3: "COND NORMAL"}[missing]
    for setup in (steps, unproven):
        (fault,) = touch_faults(TouchSettings("/dev/bench-touch", setup=tuple(setup)))
        assert fault.wrong == f"does not prove {wanted}"


@pytest.mark.parametrize(
    "command",
    [":CONF:COND NAPP", ":CONF:COND RAPPly", ":CONF:COND LLINe", ":MODE LINE", ":CONF:AUTO ON", ":CONF:COND REV",
     ":CONF:COND FAUL", ":CONF:VOLT 1"],
)  # fmt: skip
def test_check_refuses_a_set_up_that_applies_a_voltage(command: str) -> None:
    settings = TouchSettings("/dev/bench-touch", setup=(*IEC_60990, Setup(command)))
    assert [fault.path for fault in touch_faults(settings)] == [("setup", 4, "command")]
    assert not list(touch_faults(TouchSettings("/dev/bench-touch")))
