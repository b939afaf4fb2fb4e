"""Hioki ST5540 and ST5541: touch current through the network of IEC 60990, held maximum.

Source: the maker's instruction manual ST5540A981, revisions 7 and 9, as far as its pages are public: 4.1 (network C is
the one for IEC 60990), 8.4 (commands in long or short form, answers in long form and capitals; `*ESR?` bits: 5 command,
4 execution, 3 device, 2 query error), 8.7 (`:CONFigure:AUTO OFF`, `:CONFigure:CONDition`, which need `:MODE` first;
`:MEASure:MAXimum?`: maximum, judgement, polarity, condition, target current; amperes, as the saved maxima say).
Not found there, so not confirmed: baud rate and format, `:STARt` and `:STOP`, and what `:NETWork` and `:MODE` take.
Hence the set-up stands in the settings, and a command that the meter does not take is named. It has no `SYST:ERR?`.

That `:STAR` clears the held maximum is seen each time: a held maximum never falls, so what still reads the same to the
last digit was not cleared, or is not measured. Mains is on by then, so 0 cannot be asked for.

The condition of a maximum is the one under which the meter measured it; NORMAL is set here, because the bench itself
opens the protective conductor. Nothing here makes the meter apply a voltage: `faults.py` refuses such a set-up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from drivers.errors import DeviceRefused, DeviceTimeout, ProtocolError, SettingMismatch
from drivers.ports import Accuracy, Identity, TouchReading
from drivers.scpi.line import ScpiLine
from drivers.scpi.proving import prove
from drivers.scpi.settings import TouchSettings
from drivers.scpi.wire import SerialWire

IDENTITY = r"HIOKI\s*,\s*(?P<model>ST554\d)\s*,\s*(?P<serial>[^,]*?)\s*,\s*(?P<firmware>.*?)\s*"
MAXIMUM = (
    r"\s*(?P<value>[+-]?\d+\.?\d*(?:E[+-]?\d+)?)\s*,\s*(?P<judge>\d)\s*,\s*(?P<polarity>\d)\s*,"
    r"\s*(?P<state>\d)\s*,\s*(?P<target>\d)\s*(?:,\s*\d\s*)*"
)
NOTHING = r"\s*-+(?:[\s,].*)?"  # a maximum of dashes
CLEARED_A = 0.5e-6  # half of the last digit
LOOKS, LOOK_S = 5, 0.2
ERROR_BITS = 0x3C  # command, execution, device and query error
NORMAL, LINE_OPEN, PE_OPEN = "0", "1", "2"
RMS_TARGETS = ("0", "1")  # AC+DC, AC; 2 is DC, 3 is AC peak
ACCURACY = {"touch_current_ma": Accuracy(relative=0.02, absolute=0.0005)}
"""2 % (contracts/cli.md) and half of the last digit."""


class HiokiSt5540:
    """The meter on a serial port; mA rms."""

    def __init__(self, settings: TouchSettings) -> None:
        self._own = settings
        self._line = ScpiLine(SerialWire(settings.port, settings.baud, settings.format), IDENTITY)

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds of `touch_current_ma`."""
        return ACCURACY

    async def ensure_ready(self) -> Identity:
        """Ask who it is; sets nothing. Raises `DriverError`."""
        answer = await self._line.identify()
        return Identity(f"Hioki {answer['model']}", answer["serial"], answer["firmware"])

    async def start(self) -> None:
        """Set up, read it back, and begin a measurement, which clears the maximum. Raises `DriverError`."""
        for command in (":HEAD OFF", ":STOP"):
            await self._line.tell(command)
        held = await self._held()
        await self._line.tell("*CLS")
        for step in self._own.setup:
            if step.command:
                await self._tell(step.command, "correct `setup` of the touch-current meter, or leave its menus")
        await self._prove()
        await self._tell(":STAR", "leave its menus")
        await self._prove_cleared(held)

    async def read_maximum(self) -> TouchReading:
        """The largest current since `start` and the state of the leads. Raises `DriverError`."""
        answer = await self._line.ask(":MEAS:MAX?", MAXIMUM)
        await self._prove()
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

    async def _held(self) -> float | None:
        """The maximum in amperes that it holds now; None for none."""
        try:
            answer = await self._line.ask(":MEAS:MAX?", f"{MAXIMUM}|{NOTHING}")
        except DeviceTimeout:  # it may have nothing to say before a measurement
            return None
        return None if answer["value"] is None else float(answer["value"])

    async def _prove_cleared(self, held: float | None) -> None:
        if held is None or abs(held) <= CLEARED_A:
            return
        for _ in range(LOOKS):
            if await self._held() != held:
                return
            await asyncio.sleep(LOOK_S)
        wrong = f"its maximum still is {held * 1000.0:g} mA after :STAR, to the last digit"
        raise SettingMismatch(self._line.port, f"{wrong}; it was not cleared: switch the meter off and on")

    async def _tell(self, command: str, remedy: str) -> None:
        await self._line.tell(command)
        errors = int((await self._line.ask("*ESR?", r"\s*(\d{1,3})\s*", again=False))[1]) & ERROR_BITS
        if errors:
            raise DeviceRefused(self._line.port, f"the meter did not take {command} (*ESR? {errors}); {remedy}")

    async def _prove(self) -> None:
        for step in self._own.setup:
            await prove(self._line, step)
