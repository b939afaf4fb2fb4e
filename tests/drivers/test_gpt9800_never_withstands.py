"""Whatever is asked of the driver, no byte of it selects a withstand test or more than 500 V."""

from __future__ import annotations

import asyncio
import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import DriverError, PermitDenied
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


async def play(deeds: list[tuple[str, float, float, float]], deaf_to: str) -> TwinWire:
    world = VirtualWorld(1.0)
    world.tester = True
    wire = TwinWire(world, deaf_to)
    tester = Gpt9800("unused", 115200)
    tester._line = ScpiLine(wire, IDENTITY)
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
                    await tester.run(Permit(deed == "run"))
    await tester.close()
    return wire


@settings(max_examples=250, deadline=None, derandomize=True, database=None)
@given(deeds=DEEDS, deaf_to=st.sampled_from(DEAF))
def test_no_byte_selects_a_withstand_test_or_more_than_500_volts(
    deeds: list[tuple[str, float, float, float]], deaf_to: str
) -> None:
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        patch.setattr(gpt9800, "POLL_S", 20.0)
        wire = runner.run(play(deeds, deaf_to))
    for line in wire.written:
        command = ALLOWED.fullmatch(line)
        assert command is not None, line
        assert command["kv"] is None or 0.05 <= float(command["kv"]) <= 0.5, line
        assert command["amps"] is None or 3.0 <= float(command["amps"]) <= 32.0, line
    assert all(mode in ("IR", "GB") and kv <= 0.5 for mode, kv in wire.started_in)
    assert all(volts <= 505.0 for volts in wire.world.test_voltages)


def test_both_tests_are_started_where_everything_is_right() -> None:
    deeds = [("ir", 500.0, 5.0, 5.0), ("run", 0.0, 0.0, 0.0), ("gb", 25.0, 5.0, 0.3), ("run", 0.0, 0.0, 0.0)]
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        wire = runner.run(play(deeds, "nothing"))
    assert [mode for mode, _ in wire.started_in] == ["IR", "GB"]


@pytest.mark.parametrize("every", [2, 3, 5, 7])
def test_results_told_unasked_in_the_middle_of_an_answer_change_no_reading(every: int) -> None:
    async def ten_tests() -> list[float]:
        world = VirtualWorld(1.0)
        world.tester, world.insulation_mohm_now = True, 42.0
        tester = Gpt9800("unused", 115200)
        wire = TwinWire(world, torn_every=every)
        tester._line = ScpiLine(wire, IDENTITY)
        readings = []
        for _ in range(10):
            with contextlib.suppress(DriverError):  # a question that may be asked only once was disturbed
                await tester.prepare_insulation(InsulationSetup(500.0, 5.0, 5.0))
                readings.append((await tester.run(Permit(True))).value)
        assert wire.said >= 40
        return readings

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        readings = runner.run(ten_tests())
    assert readings == pytest.approx([42.0] * len(readings), rel=0.02)
    assert readings or every < 7
