"""Hioki ST5540 and ST5541: touch current through the network of IEC 60990, held maximum.

Source: the maker's manual, 8.7 (`:MEASure:MAXimum?`: maximum, judgement, polarity, state of the equipment, target
current), and reference/devices.md. Baud rate, `:STARt` and the unit of the maximum (A) are not confirmed on a device.
Errors are read from `*ESR?` (IEEE 488.2), because the meter has no `SYST:ERR?`.
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers.errors import DeviceRefused, ProtocolError
from drivers.ports import Accuracy, Identity, TouchReading
from drivers.scpi.line import ScpiLine
from drivers.scpi.wire import SerialWire

IDENTITY = r"HIOKI\s*,\s*(?P<model>ST554\d)\s*,\s*(?P<serial>[^,]*?)\s*,\s*(?P<firmware>.*?)\s*"
MAXIMUM = (
    r"\s*(?P<value>[+-]?\d+\.?\d*(?:E[+-]?\d+)?)\s*,\s*(?P<judge>\d)\s*,\s*(?P<polarity>\d)\s*,"
    r"\s*(?P<state>\d)\s*,\s*(?P<target>\d)\s*(?:,\s*\d\s*)*"
)
ERROR_BITS = 0x3C  # command, execution, device and query error
NORMAL, LINE_OPEN, PE_OPEN = "0", "1", "2"
RMS_TARGETS = ("0", "1")  # AC+DC, AC; 2 is DC, 3 is AC peak
ACCURACY = {"touch_current_ma": Accuracy(relative=0.02, absolute=0.0005)}
"""2 % (contracts/cli.md) and half of the last digit."""


class HiokiSt5540:
    """The meter on a serial port; mA rms."""

    def __init__(self, port: str, baud: int) -> None:
        self._line = ScpiLine(SerialWire(port, baud), IDENTITY)

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds of `touch_current_ma`."""
        return ACCURACY

    async def ensure_ready(self) -> Identity:
        """Ask who it is; headers off, old errors cleared. Raises `DriverError`."""
        answer = await self._line.identify()
        await self._line.tell("*CLS")
        await self._line.tell(":HEAD OFF")
        return Identity(f"Hioki {answer['model']}", answer["serial"], answer["firmware"])

    async def start(self) -> None:
        """Begin a measurement, which clears the maximum. Raises `DriverError`."""
        await self._line.tell("*CLS")
        await self._line.tell(":STOP")
        await self._line.tell(":STAR")
        errors = int((await self._line.ask("*ESR?", r"\s*(\d{1,3})\s*"))[1]) & ERROR_BITS
        if errors:
            raise DeviceRefused(self._line.port, f"the meter did not start (*ESR? {errors}); leave its menus")

    async def read_maximum(self) -> TouchReading:
        """The largest current since `start` and the state of the leads. Raises `DriverError`."""
        answer = await self._line.ask(":MEAS:MAX?", MAXIMUM)
        if answer["target"] not in RMS_TARGETS:
            raise ProtocolError(self._line.port, f"the meter measures target current {answer['target']}; set it to AC")
        state = answer["state"]
        if state not in (NORMAL, LINE_OPEN, PE_OPEN):
            raise ProtocolError(self._line.port, f"equipment state {state}: the meter applies a voltage; reset it")
        value_ma = float(answer["value"]) * 1000.0
        if value_ma < 0.0:
            raise ProtocolError(self._line.port, f"touch current {value_ma:g} mA is below 0; check the meter")
        return TouchReading(value_ma, state == LINE_OPEN, state == PE_OPEN)

    async def close(self) -> None:
        """Let go of the line; safe to call twice."""
        self._line.close()
