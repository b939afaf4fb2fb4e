"""GW Instek GPT-9800 (and 9900): insulation (IR) and ground bond (GB) in MANU mode. No withstand test, on purpose.

Set-up is ignored while a test runs and bad settings are silent (reference/devices.md), so every setting is read back
when it is made, and all of them once more when all are made. What is set is in `gpt9800_setup.py`, what answers look
like in `gpt9800_answers.py`. Any command locks the front panel (but for its STOP); `close` unlocks it (`*RMTOFF`).

A start that is not taken is silent too, and `MEAS?` goes on showing the last result. So that no DUT gets its
predecessor's, the tester is brought to READY before each test and asked what it shows: where that is no result, a
result shown afterwards is of the test started here. A tester that holds its result all the same must have been seen
testing, and for a PASS as long by our clock as was set.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from drivers.errors import DeviceRefused, DeviceTimeout, DriverError, ProtocolError, SettingMismatch
from drivers.ports import Accuracy, BondSetup, Identity, InsulationSetup, Permit, TesterReading
from drivers.scpi.gpt9800_answers import (
    COMPLETE,
    HELD,
    IDENTITY,
    LIVE,
    RESULT,
    TESTING,
    Prepared,
    tester_reading,
    watch_live,
)  # fmt: skip
from drivers.scpi.gpt9800_setup import RAMP_S, Step, bond_steps, insulation_steps
from drivers.scpi.line import ScpiLine
from drivers.scpi.wire import SerialWire

MARGIN_S = 3.0  # settling and the instrument's own pace, beyond ramp and test time
POLL_S = 0.05
ACCURACY = {"insulation_mohm": Accuracy(relative=0.02), "earth_bond_ohm": Accuracy(relative=0.02, absolute=0.00005)}
"""2 % each (contracts/cli.md); the bond's last digit is 0.1 mohm."""


class Gpt9800:
    """The tester on a serial port. Its high voltage also hangs on its interlock, which the guard's H closes."""

    def __init__(self, port: str, baud: int) -> None:
        self._line = ScpiLine(SerialWire(port, baud), IDENTITY)
        self._prepared: Prepared | None = None
        self._stops = 0

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
        await self._prepare(insulation_steps(setup), Prepared("IR", setup.voltage_v, setup.test_s))

    async def prepare_bond(self, setup: BondSetup) -> None:
        """Set up GB at 50 Hz. Raises `ValueError` outside 3 to 32 A, `SettingMismatch`, `DriverError`."""
        await self._prepare(bond_steps(setup), Prepared("GB", setup.current_a, setup.test_s))

    async def run(self, permit: Permit) -> TesterReading:
        """Run what was prepared, once. Raises `PermitDenied`, `DriverError`. Stops the test on any way out."""
        prepared, self._prepared = self._prepared, None
        if prepared is None:
            raise DeviceRefused(self._line.port, "nothing is prepared; prepare the test before each run")
        unstopped = _Unstopped(self, permit)
        try:
            is_held = await self._shows_result()
            await self._line.tell("FUNC:TEST ON", unstopped)
            begun_s = asyncio.get_running_loop().time()
            await self._line.refuse_errors("starting the test (is its interlock closed?)")
            was_testing = await self._wait_for_end(prepared, unstopped)
            took_s = asyncio.get_running_loop().time() - begun_s
            answer = await self._line.ask("MEAS?", RESULT)
            reading = tester_reading(self._line.port, prepared, answer)
            is_long = answer["status"] == "FAIL" or took_s >= COMPLETE * prepared.test_s
            if is_held and not (was_testing and is_long):
                shown = f"it shows {answer['status']} {took_s:.1f} s after FUNC:TEST ON, as before it"
                raise ProtocolError(self._line.port, f"{shown}; switch it off and on, it may be of the last DUT")
        except BaseException as error:
            await self._stop_after(error)
            raise
        await self.stop()
        return reading

    async def stop(self) -> None:
        """Take the test voltage away at once and see that it is. Raises `DriverError` where that is not proven."""
        self._stops += 1  # a start that waits for the line does not go out any more
        self._line.tell_now("FUNC:TEST OFF")
        await self._prove_stopped()

    async def close(self) -> None:
        """Stop, give the front panel back and let go of the line; safe to call twice."""
        self._stops += 1
        if self._line.is_open:
            with contextlib.suppress(DriverError):
                self._line.tell_now("FUNC:TEST OFF")
                self._line.tell_now("*RMTOFF")
        self._line.close()

    async def _prepare(self, steps: tuple[Step, ...], prepared: Prepared) -> None:
        self._prepared = None
        await self._line.errors()
        if await self._is_testing():
            raise DeviceRefused(self._line.port, "a test is running; stop it before setting up another")
        await self._line.tell("TEST:RET OFF")  # no unsolicited lines
        for step in steps:
            await self._line.tell(f"{step.header} {step.argument}")
            await self._check(step)
        await self._line.refuse_errors(f"setting up {prepared.mode}")
        for step in steps:  # one setting may have moved another
            await self._check(step)
        self._prepared = prepared

    async def _check(self, step: Step) -> None:
        answer = await self._line.ask(f"{step.header}?", step.shape)
        if not step.holds(answer):
            wrong = f"{step.header} reads back {answer[0].strip()} after setting {step.argument}"
            raise SettingMismatch(self._line.port, f"{wrong}; leave its menus, and does this model have this test?")

    async def _shows_result(self) -> bool:
        """Bring it to READY, and see whether it still shows the result of the last test."""
        await self._line.tell("FUNC:TEST OFF")
        await self._prove_stopped()
        return (await self._line.ask("MEAS?", LIVE))["status"] in HELD

    async def _prove_stopped(self) -> None:
        if await self._is_testing():
            raise ProtocolError(self._line.port, "still testing after FUNC:TEST OFF; press STOP on the tester")

    async def _is_testing(self) -> bool:
        return (await self._line.ask("FUNC:TEST?", TESTING))[1] == "ON"

    async def _wait_for_end(self, prepared: Prepared, permit: Permit) -> bool:
        """Whether it was seen testing before it ended. `MEAS?` between also keeps apart two answers to `FUNC:TEST?`."""
        was_testing = False
        bound_s = prepared.test_s + RAMP_S + MARGIN_S
        try:
            async with asyncio.timeout(bound_s):
                while await self._is_testing():
                    was_testing = True
                    permit.check()
                    watch_live(self._line.port, prepared, await self._line.ask("MEAS?", LIVE))
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise DeviceTimeout(self._line.port, f"the test has not ended within {bound_s:g} s") from None
        return was_testing

    async def _stop_after(self, error: BaseException) -> None:
        """Stop whatever happened: the bytes go out before anything is awaited, and cancelling again undoes nothing."""
        try:
            self._line.tell_now("FUNC:TEST OFF")
            proof = asyncio.ensure_future(self.stop())
            proof.add_done_callback(lambda task: task.cancelled() or task.exception())
            await asyncio.shield(proof)
        except DriverError as trouble:
            error.add_note(f"and the stop is not proven: {trouble}")


class _Unstopped:
    """The permit of one test, until somebody stops the tester."""

    def __init__(self, tester: Gpt9800, permit: Permit) -> None:
        self._tester, self._permit, self._stops = tester, permit, tester._stops

    def check(self) -> None:
        """Raises what the permit raises, `DeviceRefused` after a stop."""
        if self._tester._stops != self._stops:
            raise DeviceRefused(self._tester._line.port, "it was stopped while the test was to start; test again")
        self._permit.check()
