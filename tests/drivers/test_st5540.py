"""The ST5540's answers that must not be taken for a touch current, and its refusals."""

from __future__ import annotations

import pytest

from drivers.errors import DeviceRefused, DriverError, ProtocolError
from drivers.scpi.st5540 import HiokiSt5540
from tests.drivers.fake_line import FakeLine, Reply


def meter_that_says(maximum: str, events: str = "0") -> FakeLine:
    answers = {"*IDN?": "HIOKI,ST5541,123456,V1.20", "*ESR?": events, ":MEAS:MAX?": maximum}

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
        meter = HiokiSt5540(fake.path, 9600)
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
        meter = HiokiSt5540(fake.path, 9600)
        with pytest.raises(ProtocolError):
            await meter.read_maximum()
        await meter.close()


async def test_a_meter_that_does_not_start_says_so() -> None:
    with meter_that_says("0,3,0,0,1", events="16") as fake:
        meter = HiokiSt5540(fake.path, 9600)
        with pytest.raises(DeviceRefused, match=r"did not start \(\*ESR\? 16\)"):
            await meter.start()
        assert (await meter.ensure_ready()).model == "Hioki ST5541"
        await meter.close()


async def test_no_meter_is_a_driver_error() -> None:
    meter = HiokiSt5540("/dev/bench-nothing", 9600)
    with pytest.raises(DriverError, match="udev rule"):
        await meter.read_maximum()
    await meter.close()
