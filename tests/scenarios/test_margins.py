"""Close to a limit on either side: judged rightly, and the right measurement is the first cause."""

from __future__ import annotations

import pytest

from station.domain.verdict import Verdict
from tests.scenarios.harness import FULL_SOAK, NO_SOAK, Scenario, Scene, dut_text, play
from tests.scenarios.margin_cases import Case, all_cases

REPRESENTATIVE = (
    "insulation_mohm-out", "inrush_a-out", "dc_offset_mv-minus-right-out", "output_power_w-left-out",
    "thd_percent-h3-right-out",
)  # fmt: skip
"""Played by default: one of each family, those that end early where that is possible. The rest: `-m byhand`."""


def _assert_judged_rightly(case: Case, scene: Scene) -> None:
    measured = scene.measured(case.name, case.channel)
    told = f"{case.id}: {measured.value} {measured.unit}; {scene.told()}"
    assert measured.verdict is (Verdict.PASS if case.passes else Verdict.FAIL), told
    if case.first is None:
        assert scene.record.verdict is Verdict.PASS, told
        assert scene.record.causes == (), told
        return
    assert scene.record.verdict is Verdict.FAIL, told
    assert (scene.first.measurement, scene.first.channel) == case.first, told


def _play(case: Case) -> Scene:
    return play(Scenario(dut_text(**case.keys), soak=FULL_SOAK if case.soak else NO_SOAK))


@pytest.mark.parametrize("case", [c for c in all_cases() if c.id in REPRESENTATIVE], ids=lambda case: case.id)
def test_a_value_close_to_its_limit_is_judged_rightly(case: Case) -> None:
    _assert_judged_rightly(case, _play(case))


@pytest.mark.byhand
@pytest.mark.timeout(400)
@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.id)
def test_every_value_close_to_its_limit_is_judged_rightly(case: Case) -> None:
    _assert_judged_rightly(case, _play(case))
