"""GW Instek GPT-9800 (and 9900): insulation (IR) and ground bond (GB) in MANU mode. No withstand test, on purpose.

Set-up is ignored while a test runs and bad settings are silent (reference/devices.md), so every setting is read back.
What answers look like is in `gpt9800_answers.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Mapping

from drivers.errors import DeviceRefused, DeviceTimeout, DriverError, ProtocolError, SettingMismatch
from drivers.ports import Accuracy, BondSetup, Identity, InsulationSetup, Permit, TesterReading
from drivers.scpi.gpt9800_answers import IDENTITY, NUMBER, RESULT, TESTING, WORD, Prepared, read_back, tester_reading
from drivers.scpi.line import ScpiLine
from drivers.scpi.wire import SerialWire

VOLTAGE_V_MAX = 500.0
RAMP_S = 0.1
MARGIN_S = 3.0  # settling and the instrument's own pace, beyond ramp and test time
POLL_S = 0.05
ACCURACY = {"insulation_mohm": Accuracy(relative=0.02), "earth_bond_ohm": Accuracy(relative=0.02, absolute=0.00005)}
"""2 % each (contracts/cli.md); the bond's last digit is 0.1 mohm."""


class Gpt9800:
    """The tester on a serial port. Its high voltage also hangs on its interlock, which the guard's H closes."""

    def __init__(self, port: str, baud: int) -> None:
        self._line = ScpiLine(SerialWire(port, baud), IDENTITY)
        self._prepared: Prepared | None = None

    @property
    def accuracy(self) -> Mapping[str, Accuracy]:
        """Error bounds of `insulation_mohm` and `earth_bond_ohm`."""
        return ACCURACY

    async def ensure_ready(self) -> Identity:
        """Ask who it is and clear old errors. Raises `DriverError`."""
        answer = await self._line.identify()
        await self._line.errors()
        return Identity(answer["model"], answer["serial"], answer["firmware"])

    async def prepare_insulation(self, setup: InsulationSetup) -> None:
        """Set up IR. Raises `ValueError` above 500 V, `SettingMismatch`, `DriverError`."""
        if not 0 < setup.voltage_v <= VOLTAGE_V_MAX:
            raise ValueError(f"insulation at {setup.voltage_v} V is refused: more than 0 and at most 500 V DC")
        await self._begin("IR", setup.test_s)
        await self._set("MANU:IR:VOLT", f"{setup.voltage_v / 1000.0:.3f}", "k")
        await self._set("MANU:IR:RHIS", "9999", "M")  # before the low limit, which must lie below it
        await self._set("MANU:IR:RLOS", f"{setup.low_mohm:g}", "M")
        await self._set("MANU:IR:REF", "0", "M")
        await self._line.refuse_errors("setting up the insulation test")
        self._prepared = Prepared("IR", setup.voltage_v, setup.test_s)

    async def prepare_bond(self, setup: BondSetup) -> None:
        """Set up GB at 50 Hz. Raises `ValueError` outside 3 to 32 A, `SettingMismatch`, `DriverError`."""
        if not 3.0 <= setup.current_a <= 32.0:
            raise ValueError(f"bond current {setup.current_a} A is not within 3 to 32 A")
        await self._begin("GB", setup.test_s)
        await self._set("MANU:GB:CURR", f"{setup.current_a:.2f}")
        await self._set("MANU:GB:RHIS", f"{setup.high_ohm * 1000.0:.1f}", "m")
        await self._set("MANU:GB:FREQ", "50")
        await self._set("MANU:GB:REF", "0", "m")
        await self._line.refuse_errors("setting up the bond test")
        self._prepared = Prepared("GB", setup.current_a, setup.test_s)

    async def run(self, permit: Permit) -> TesterReading:
        """Run what was prepared, once. Raises `PermitDenied`, `DriverError`. Stops the test on any way out."""
        prepared, self._prepared = self._prepared, None
        if prepared is None:
            raise DeviceRefused(self._line.port, "nothing is prepared; prepare the test before each run")
        try:
            await self._line.tell("FUNC:TEST ON", permit)
            await self._line.refuse_errors("starting the test (is its interlock closed?)")
            await self._wait_for_end(prepared.test_s + RAMP_S + MARGIN_S, permit)
            reading = tester_reading(self._line.port, prepared, await self._line.ask("MEAS?", RESULT))
        except BaseException as error:
            await self._stop_after(error)
            raise
        await self.stop()
        return reading

    async def stop(self) -> None:
        """Take the test voltage away at once and see that it is. Raises `DriverError` where that is not proven."""
        self._line.tell_now("FUNC:TEST OFF")
        if await self._is_testing():
            raise ProtocolError(self._line.port, "still testing after FUNC:TEST OFF; press STOP on the tester")

    async def close(self) -> None:
        """Stop, give the front panel back and let go of the line; safe to call twice."""
        if self._line.is_open:
            with contextlib.suppress(DriverError):
                self._line.tell_now("FUNC:TEST OFF")
                self._line.tell_now("*RMTOFF")
        self._line.close()

    async def _begin(self, mode: str, test_s: float) -> None:
        if not 0.5 <= test_s <= 999.9:
            raise ValueError(f"test time {test_s} s is not within 0.5 to 999.9 s")
        self._prepared = None
        await self._line.errors()
        if await self._is_testing():
            raise DeviceRefused(self._line.port, "a test is running; stop it before setting up another")
        await self._line.tell("TEST:RET OFF")  # no unsolicited lines
        await self._choose("MAIN:FUNC", "MANU")
        await self._set("MANU:STEP", "1")
        await self._choose("MANU:EDIT:MODE", mode)
        await self._set("MANU:RTIM", f"{RAMP_S:.1f}")
        await self._set(f"MANU:{mode}:TTIM", f"{test_s:.1f}")

    async def _choose(self, header: str, word: str) -> None:
        await self._line.tell(f"{header} {word}")
        answer = await self._line.ask(f"{header}?", WORD)
        if answer[1] != word:
            raise SettingMismatch(self._line.port, f"{header} reads back {answer[1]} after setting {word}")

    async def _set(self, header: str, text: str, prefix: str = "") -> None:
        """Set a number, in the unit of the command (`prefix` of its SI unit), and read it back."""
        await self._line.tell(f"{header} {text}")
        answer = await self._line.ask(f"{header}?", NUMBER)
        if not math.isclose(read_back(answer, prefix), float(text), rel_tol=1e-3, abs_tol=1e-6):
            raise SettingMismatch(self._line.port, f"{header} reads back {answer[0].strip()} after setting {text}")

    async def _is_testing(self) -> bool:
        return (await self._line.ask("FUNC:TEST?", TESTING))[1] == "ON"

    async def _wait_for_end(self, bound_s: float, permit: Permit) -> None:
        try:
            async with asyncio.timeout(bound_s):
                while await self._is_testing():
                    permit.check()
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise DeviceTimeout(self._line.port, f"the test has not ended within {bound_s:g} s") from None

    async def _stop_after(self, error: BaseException) -> None:
        """Stop whatever happened: the bytes go out before anything is awaited, and cancelling again undoes nothing."""
        try:
            self._line.tell_now("FUNC:TEST OFF")
            proof = asyncio.ensure_future(self.stop())
            proof.add_done_callback(lambda task: task.cancelled() or task.exception())
            await asyncio.shield(proof)
        except DriverError as trouble:
            error.add_note(f"and the stop is not proven: {trouble}")
