"""Whatever is asked of the driver, no byte of it selects a withstand test or more than 500 V."""

from __future__ import annotations

import asyncio
import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import DeviceRefused, DriverError, PermitDenied, ProtocolError
from drivers.ports import BondSetup, InsulationSetup
from drivers.scpi import gpt9800
from drivers.scpi.gpt9800 import Gpt9800
from drivers.scpi.gpt9800_answers import IDENTITY
from drivers.scpi.line import ScpiLine
from station.campaign.virtual import VirtualLoop
from tests.drivers.gpt_on_a_wire import TwinWire, VirtualWorld

ALLOWED = re.compile(
    r"\*IDN\?|\*RMTOFF|SYST:ERR\?|MEAS\?|TEST:RET OFF|MAIN:FUNC( MANU|\?)|MANU:STEP( 1|\?)|FUNC:TEST( ON| OFF|\?)"
    r"|MANU:EDIT:MODE( IR| GB|\?)|MANU:RTIM( 0\.1|\?)|MANU:UTIL:(MAXH|PASS)( OFF|\?)"
    r"|MANU:IR:VOLT( (?P<kv>[\d.]+)|\?)|MANU:IR:(RHIS|RLOS|REF|TTIM)( [\d.e+-]+|\?)"
    r"|MANU:GB:CURR( (?P<amps>[\d.]+)|\?)|MANU:GB:(RHIS|RLOS|REF|TTIM|FREQ)( [\d.]+|\?)|MANU:GB:ZEROCHECK( OFF|\?)"
)
DEAF = ("nothing", "MAIN:FUNC", "MANU:EDIT:MODE", "MANU:IR:VOLT", "MANU:GB:CURR", "FUNC:TEST ON", "MANU:STEP")
NUMBERS = st.floats() | st.sampled_from((0.0, 0.05, 0.5, 5.0, 25.0, 50.0, 499.9996, 500.0, 500.0004, 500.6, 999.9, 1e3))
DEEDS = st.lists(
    st.tuples(st.sampled_from(("ir", "gb", "run", "denied", "stop")), NUMBERS, NUMBERS, NUMBERS), max_size=7
)


class Permit:
    """There, or not."""

    def __init__(self, given: bool) -> None:
        self._given = given

    def check(self) -> None:
        if not self._given:
            raise PermitDenied("tester", "lid open")


def driver_on(wire: TwinWire) -> Gpt9800:
    wire.world.tester = True
    tester = Gpt9800("unused", 115200)
    tester._line = ScpiLine(wire, IDENTITY)
    return tester


async def play(deeds: list[tuple[str, float, float, float]], deaf_to: str) -> tuple[TwinWire, list[float]]:
    wire = TwinWire(VirtualWorld(1.0), deaf_to)
    tester = driver_on(wire)
    readings = []
    for deed, first, second, third in deeds:
        with contextlib.suppress(DriverError, PermitDenied, ValueError):
            match deed:
                case "ir":
                    await tester.prepare_insulation(InsulationSetup(first, second, third))
                case "gb":
                    await tester.prepare_bond(BondSetup(first, second, third))
                case "stop":
                    await tester.stop()
                case _:
                    readings.append((await tester.run(Permit(deed == "run"))).value)
    await tester.close()
    return wire, readings


@settings(max_examples=250, deadline=None, derandomize=True, database=None)
@given(deeds=DEEDS, deaf_to=st.sampled_from(DEAF))
def test_no_byte_selects_a_withstand_test_or_more_than_500_volts(
    deeds: list[tuple[str, float, float, float]], deaf_to: str
) -> None:
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        patch.setattr(gpt9800, "POLL_S", 20.0)
        wire, readings = runner.run(play(deeds, deaf_to))
    for line in wire.written:
        command = ALLOWED.fullmatch(line)
        assert command is not None, line
        assert command["kv"] is None or 0.05 <= float(command["kv"]) <= 0.5, line
        assert command["amps"] is None or 3.0 <= float(command["amps"]) <= 32.0, line
    assert all(mode in ("IR", "GB") and kv <= 0.5 for mode, kv in wire.started_in)
    assert all(volts <= 505.0 for volts in wire.world.test_voltages)
    assert not readings or deaf_to != "FUNC:TEST ON"


def test_both_tests_are_started_where_everything_is_right() -> None:
    deeds = [("ir", 500.0, 5.0, 5.0), ("run", 0.0, 0.0, 0.0), ("gb", 25.0, 5.0, 0.3), ("run", 0.0, 0.0, 0.0)]
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        wire, readings = runner.run(play(deeds, "nothing"))
    assert [mode for mode, _ in wire.started_in] == ["IR", "GB"]
    assert len(readings) == 2


@pytest.mark.parametrize("holds", [False, True])
def test_a_start_that_is_not_taken_never_gives_this_dut_the_result_of_the_last(holds: bool) -> None:
    """`holds`: a tester that `FUNC:TEST OFF` does not bring back to READY; its results are taken all the same."""

    async def four_duts() -> list[float]:
        wire = TwinWire(VirtualWorld(1.0), "FUNC:TEST OFF" if holds else "nothing")
        tester, readings = driver_on(wire), []
        for mohm in (80.0, 70.0):
            wire.world.insulation_mohm_now = mohm
            await tester.prepare_insulation(InsulationSetup(500.0, 5.0, 5.0))
            readings.append((await tester.run(Permit(True))).value)
        wire._deaf_to = "FUNC:TEST" if holds else "FUNC:TEST ON"
        for mohm in (0.01, 60.0):
            wire.world.insulation_mohm_now = mohm
            await tester.prepare_insulation(InsulationSetup(500.0, 5.0, 5.0))
            with pytest.raises(DriverError, match="it may be of the last DUT" if holds else r"broken off \(VIEW\)"):
                readings.append((await tester.run(Permit(True))).value)
        return readings

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(four_duts()) == pytest.approx([80.0, 70.0], rel=0.02)


def test_a_pass_that_was_held_before_and_came_too_soon_is_no_result() -> None:
    async def too_soon() -> None:
        wire = TwinWire(VirtualWorld(1.0), "FUNC:TEST OFF")
        tester = driver_on(wire)
        await tester.prepare_insulation(InsulationSetup(500.0, 5.0, 5.0))
        await tester.run(Permit(True))
        await tester.prepare_insulation(InsulationSetup(500.0, 5.0, 5.0))
        testing = asyncio.ensure_future(tester.run(Permit(True)))
        await asyncio.sleep(0.5)
        assert wire._started_s is not None
        wire._started_s -= 4.0  # seen testing, but over after a second
        with pytest.raises(ProtocolError, match=r"shows PASS 1\.\d s after FUNC:TEST ON, as before it"):
            await testing

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(too_soon())


@pytest.mark.parametrize("ends", ["stop", "close"])
def test_a_stop_while_the_start_waits_for_the_line_is_not_followed_by_a_start(ends: str) -> None:
    async def stopped() -> TwinWire:
        wire = TwinWire(VirtualWorld(1.0))
        tester = driver_on(wire)
        await tester.prepare_insulation(InsulationSetup(500.0, 5.0, 5.0))
        asking = asyncio.ensure_future(tester.ensure_ready())
        await asyncio.sleep(0.001)
        testing = asyncio.ensure_future(tester.run(Permit(True)))
        await asyncio.sleep(0.001)
        await (tester.stop() if ends == "stop" else tester.close())
        with pytest.raises(DeviceRefused, match="it was stopped while the test was to start"):
            await testing
        await asking
        return wire

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        wire = runner.run(stopped())
    assert wire.started_in == []
    assert wire.world.test_voltages == []


@pytest.mark.parametrize(("every", "count"), [(2, 0), (3, 10), (5, 10), (7, 10)])
def test_results_told_unasked_in_the_middle_of_an_answer_change_no_reading(every: int, count: int) -> None:
    """Where every second answer is torn there is no reading at all."""

    async def ten_tests() -> list[float]:
        wire = TwinWire(VirtualWorld(1.0), torn_every=every)
        tester, readings = driver_on(wire), []
        wire.world.insulation_mohm_now = 42.0
        for _ in range(10):
            with contextlib.suppress(DriverError):  # a question that may be asked only once was disturbed
                await tester.prepare_insulation(InsulationSetup(500.0, 5.0, 5.0))
                readings.append((await tester.run(Permit(True))).value)
        assert wire.said >= 40
        return readings

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        readings = runner.run(ten_tests())
    assert readings == pytest.approx([42.0] * len(readings), rel=0.02)
    assert len(readings) == count
