"""The GPT-9800's dialogue: settings that do not take, answers in every form, a tester that will not stop."""

from __future__ import annotations

import re

import pytest

from drivers.errors import DeviceRefused, DeviceTimeout, DriverError, ProtocolError, SettingMismatch
from drivers.ports import BondSetup, InsulationSetup
from drivers.scpi import gpt9800, gpt9800_answers
from drivers.scpi.gpt9800 import Gpt9800
from drivers.scpi.gpt9800_answers import IDENTITY, LIVE, NUMBER, RESULT, Prepared, read_back
from drivers.sim.gpt9800 import Gpt9800Twin
from tests.drivers.double_world import DoubleWorld


class Allowed:
    """A permit that is there."""

    def check(self) -> None:
        pass


IR = Prepared("IR", 500.0, 5.0)
GB = Prepared("GB", 25.0, 5.0)


def parsed(prepared: Prepared, line: str) -> tuple[float, str | None]:
    answer = re.fullmatch(RESULT, line)
    assert answer is not None, line
    reading = gpt9800_answers.tester_reading("tester", prepared, answer)
    return reading.value, reading.bound


@pytest.mark.parametrize(
    ("prepared", "line", "value", "bound"),
    [
        (IR, ">IR, PASS , 0.500kV ,80.12M ohm ,T=005.0S", 80.12, None),
        (IR, "IR,PASS ,0.500kV,1.234G ohm,T=005.0S", 1234.0, None),
        (IR, "IR, FAIL ,0.500kV,0.912Mohm ,T=005.0S", 0.912, None),
        (IR, "IR,FAIL ,0.031kV,000.1k ohm,T=000.3S", 0.0001, "below"),
        (IR, "IR, FAIL ,0.300kV,6.00M ohm,T=000.1S", 6.0, "below"),
        (GB, "GB,FAIL ,5.00A ,250.0mohm ,T=000.2S", 0.25, "above"),
        (IR, ">IR, PASS ,0.500kV ,>9999M ohm,T=005.0S", 9999.0, "above"),
        (IR, "<IR,PASS ,500V,80.1M ohm,T=005.0S>", 80.1, None),
        (GB, ">GB, PASS ,25.00A ,060.1mohm ,T=005.0S", 0.0601, None),
        (GB, "GB,FAIL ,25.00A,>650.0m ohm,T=000.5S", 0.65, "above"),
    ],
)
def test_results_come_in_mohm_and_ohm_with_their_bound(
    prepared: Prepared, line: str, value: float, bound: str | None
) -> None:
    assert parsed(prepared, line) == (pytest.approx(value), bound)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("GB, PASS ,25.00A ,060.1mohm ,T=005.0S", ProtocolError),  # of another test
        ("IR, VIEW ,0.000kV ,0.000M ohm ,T=000.0S", DeviceRefused),  # broken off
        ("IR, PASS ,0.050kV ,80.12M ohm ,T=005.0S", ProtocolError),  # never had its voltage
        ("IR, PASS ,0.500kV ,80.12M ohm ,T=001.0S", ProtocolError),  # never had its time
        ("IR, PASS ,1.000kV ,80.12M ohm ,T=005.0S", ProtocolError),  # had twice its voltage
        ("IR, FAIL ,0.551kV ,0.012M ohm ,T=000.1S", ProtocolError),
        ("IR, PASS ,500.0A ,80.12M ohm ,T=005.0S", ProtocolError),
    ],
)
def test_a_result_that_proves_nothing_is_an_error(line: str, error: type[DriverError]) -> None:
    with pytest.raises(error):
        parsed(IR, line)


@pytest.mark.parametrize("line", ["", "IR, PASS", "0,No Error", "IR, PASS ,0.500kV ,---- ohm ,T=005.0S", "TEST ON"])
def test_what_is_no_result_has_not_its_shape(line: str) -> None:
    assert re.fullmatch(RESULT, line) is None


@pytest.mark.parametrize(("text", "prefix", "value"), [("0.500kV", "k", 0.5), ("1.200G", "M", 1200.0), ("5", "M", 5.0)])
def test_settings_read_back_in_the_unit_of_their_command(text: str, prefix: str, value: float) -> None:
    answer = re.fullmatch(NUMBER, text)
    assert answer is not None
    assert read_back(answer, prefix) == pytest.approx(value)


def test_the_identity_of_the_manual_is_understood() -> None:
    answer = re.fullmatch(IDENTITY, "GPT-9902A,GES121109   ,V2.06,")
    assert answer is not None
    assert answer.groupdict() == {"model": "GPT-9902A", "serial": "GES121109", "firmware": "V2.06"}


class StubbornTwin(Gpt9800Twin):
    """A tester with one fault: a setting that does not take, a test that never ends, or a STOP that it ignores."""

    def __init__(self, world: DoubleWorld, deaf_to: str) -> None:
        super().__init__(world, 1)
        self.deaf_to = deaf_to

    def answer(self, header: str, argument: str) -> str | None:
        if f"{header} {argument}".startswith(self.deaf_to) and not header.endswith("?"):
            return None
        return super().answer(header, argument)


async def with_twin(deaf_to: str, speed: float = 240.0) -> tuple[Gpt9800, StubbornTwin, DoubleWorld]:
    world = DoubleWorld(speed)
    world.tester = True
    twin = StubbornTwin(world, deaf_to)
    return Gpt9800(await twin.start(), 115200), twin, world


@pytest.mark.parametrize(
    "deaf_to", ["MAIN:FUNC MANU", "MANU:EDIT:MODE IR", "MANU:IR:VOLT 0", "MANU:IR:RLOS", "MANU:IR:TTIM"]
)
async def test_a_setting_that_does_not_take_is_a_mismatch_and_nothing_can_be_run(deaf_to: str) -> None:
    tester, twin, world = await with_twin(deaf_to)
    with pytest.raises(SettingMismatch, match=r"reads back .* after setting"):
        await tester.prepare_insulation(InsulationSetup(500.0, 5.0, 5.0))
    with pytest.raises(DeviceRefused, match="nothing is prepared"):
        await tester.run(Allowed())
    assert world.test_voltages == []
    await tester.close()
    await twin.close()


@pytest.mark.parametrize("deaf_to", ["MANU:GB:CURR", "MANU:GB:RHIS", "MANU:GB:FREQ 50", "MANU:GB:TTIM"])
async def test_a_bond_setting_that_does_not_take_is_a_mismatch(deaf_to: str) -> None:
    tester, twin, _ = await with_twin(deaf_to)
    with pytest.raises(SettingMismatch):
        await tester.prepare_bond(BondSetup(25.0, 5.0, 0.3))
    await tester.close()
    await twin.close()


async def test_a_test_that_never_ends_is_stopped_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    tester, twin, world = await with_twin("nothing", speed=0.001)
    monkeypatch.setattr(gpt9800, "MARGIN_S", -0.3)
    await tester.prepare_bond(BondSetup(25.0, 0.5, 0.3))
    with pytest.raises(DeviceTimeout, match="has not ended within"):
        await tester.run(Allowed())
    assert world.bond_currents[-1] == 0.0
    await tester.close()
    await twin.close()


async def test_a_tester_that_ignores_stop_is_told_in_the_error() -> None:
    tester, twin, _ = await with_twin("FUNC:TEST OFF", speed=1.0)
    await tester.prepare_bond(BondSetup(25.0, 5.0, 0.3))
    await tester._line.tell("FUNC:TEST ON", Allowed())
    with pytest.raises(ProtocolError, match="still testing after FUNC:TEST OFF; press STOP"):
        await tester.stop()
    with pytest.raises(DeviceRefused, match="a test is running"):
        await tester.prepare_bond(BondSetup(25.0, 5.0, 0.3))
    await tester.close()
    await twin.close()


async def test_the_twin_ignores_settings_while_it_tests_and_takes_no_other_mode() -> None:
    tester, twin, _ = await with_twin("nothing", speed=1.0)
    await tester.prepare_insulation(InsulationSetup(250.0, 5.0, 5.0))
    line = tester._line
    await line.tell("MANU:GB:CURR 20")  # not in IR mode
    await line.tell("FUNC:TEST ON", Allowed())
    await line.tell("MANU:IR:VOLT 0.5")
    await line.tell("MANU:EDIT:MODE ACW")
    await line.tell("FUNC:TEST OFF")
    assert (await line.ask("MANU:IR:VOLT?", ".*"))[0] == "0.250kV"
    assert (await line.ask("MANU:EDIT:MODE?", ".*"))[0] == "IR"
    assert (await line.ask("MANU:GB:CURR?", ".*"))[0] == "03.00A"
    await line.tell("MANU:EDIT:MODE ACW")
    await line.tell("FUNC:TEST ON", Allowed())
    await line.tell("NONSENSE 1")
    assert await line.errors() == ["30 Mode Error", "20 Command Error"]
    await tester.close()
    await twin.close()


@pytest.mark.parametrize("deaf_to", ["MANU:IR:REF", "MANU:RTIM", "MANU:UTIL:MAXH", "MANU:UTIL:PASS", "MANU:IR:RHIS 9"])
async def test_what_was_left_at_the_front_panel_is_a_mismatch_where_it_cannot_be_set(deaf_to: str) -> None:
    tester, twin, _ = await with_twin(deaf_to)
    twin._settings["MANU:IR:RHIS"], twin._settings["MANU:RTIM"] = 50.0, 7.0
    with pytest.raises(SettingMismatch, match=f"{deaf_to.split()[0]} reads back .*leave its menus"):
        await tester.prepare_insulation(InsulationSetup(500.0, 5.0, 5.0))
    await tester.close()
    await twin.close()


@pytest.mark.parametrize("deaf_to", ["MANU:GB:REF", "MANU:GB:RLOS", "MANU:GB:ZER"])
async def test_an_offset_of_the_bond_is_a_mismatch_where_it_cannot_be_set(deaf_to: str) -> None:
    tester, twin, _ = await with_twin(deaf_to)
    with pytest.raises(SettingMismatch, match=r"MANU:GB:.* reads back"):
        await tester.prepare_bond(BondSetup(25.0, 5.0, 0.3))
    await tester.close()
    await twin.close()


async def test_a_setting_that_is_moved_by_another_is_seen_at_the_end() -> None:
    class Moving(Gpt9800Twin):
        def answer(self, header: str, argument: str) -> str | None:
            if header == "MANU:IR:REF":
                self._settings["MANU:IR:VOLT"] = 1.0
            return super().answer(header, argument)

    twin = Moving(DoubleWorld(240.0), 1)
    tester = Gpt9800(await twin.start(), 115200)
    with pytest.raises(SettingMismatch, match=r"MANU:IR:VOLT reads back 1\.000kV after setting 0\.500"):
        await tester.prepare_insulation(InsulationSetup(500.0, 5.0, 5.0))
    await tester.close()
    await twin.close()


@pytest.mark.parametrize(
    ("shows", "says"),
    [
        (">ACW, TEST , 0.100kV ,0.013 mA ,R=000.1S", "it tests ACW instead of IR; it is stopped"),
        (">IR, TEST , 0.530kV ,---- ohm ,R=000.1S", r"it applies 0\.530 kV where 500 was set; it is stopped"),
        ("<IR,TEST ,1000V,---- ohm ,R=000.1S>", "it applies 1000 V where 500 was set"),
        ("<IR,TEST ,5.00A,---- ohm ,R=000.1S>", r"it applies 5\.00 A where"),
    ],
)
async def test_a_tester_that_runs_another_test_or_with_more_volts_is_stopped(shows: str, says: str) -> None:
    class Turned(Gpt9800Twin):
        def _display(self) -> str:
            return shows

    world = DoubleWorld(1.0)
    world.tester = True
    twin = Turned(world, 1)
    tester = Gpt9800(await twin.start(), 115200)
    await tester.prepare_insulation(InsulationSetup(500.0, 5.0, 5.0))
    with pytest.raises(ProtocolError, match=says):
        await tester.run(Allowed())
    assert world.test_voltages[-1] == 0.0
    await tester.close()
    await twin.close()


def test_a_view_with_dashes_is_a_test_broken_off() -> None:
    with pytest.raises(DeviceRefused, match=r"broken off \(VIEW\)"):
        parsed(IR, "<IR,VIEW ,0.000kV,000.0 M ohm ,  ---.-S>")
    assert re.fullmatch(LIVE, "<IR,TEST ,0.512kV,000.0 M ohm ,R=000.1S>") is not None
