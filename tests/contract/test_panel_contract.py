"""What every `Panel` must do: say which buttons are down, show what it is told and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.ports import Button, Buzz, Lamp, LampState
from tests.contract.hand_cases import PANELS
from tests.contract.real_bench import real_cases
from tests.contract.rig import Case, ask_person

REAL = [case.param() for case in real_cases("panel")]
on_twins = pytest.mark.parametrize("case", [case.param() for case in PANELS])


@on_twins
async def test_each_button_is_down_while_it_is_held_and_alone(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        assert await rig.device.read_buttons() == frozenset()
        for button in Button:
            await rig.more["press"](button.value, True)
            assert await rig.device.read_buttons() == {button}
            await rig.more["press"](button.value, False)
        assert await rig.device.read_buttons() == frozenset()


@on_twins
async def test_lamps_are_as_shown_and_what_is_not_named_goes_off(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        for lamp in Lamp:
            await rig.device.show({lamp: LampState(True)}, Buzz())
            assert rig.more["lit"]() == {lamp.value}
        await rig.device.show({}, Buzz())
        assert rig.more["lit"]() == set()


@pytest.mark.parametrize("case", REAL)
async def test_a_person_sees_each_lamp_and_presses_each_button(case: Case, tmp_path: Path) -> None:
    async with case.open(tmp_path) as rig:
        for lamp in Lamp:
            await rig.device.show({lamp: LampState(True)}, Buzz())
            ask_person(f"see that the {lamp.value} lamp is lit and no other")
        await rig.device.show({}, Buzz())
        for button in Button:
            ask_person(f"hold {button.value} down")
            assert await rig.device.read_buttons() == {button}
